/** The driver that a URL asks for, as `createDiscovery` makes it. */
import type { DatabaseDriver } from "../../../src/discovery/rdbms/database.ts";
import { MysqlDriver } from "../../../src/discovery/rdbms/mysql.ts";
import { PostgresDriver } from "../../../src/discovery/rdbms/postgres.ts";
import { TABLE_DEFAULTS } from "../../../src/discovery/rdbms/table-options.ts";
import { parseDatabaseUrl } from "../../../src/discovery/rdbms/url.ts";
import { silentLog } from "../../../src/runtime.ts";

export function driverOf(url: string): DatabaseDriver {
  const { target, faults } = parseDatabaseUrl(url);
  if (target === undefined || target.dialect === "sqlite") throw new Error(faults.join());
  const options = { target, ...TABLE_DEFAULTS, log: silentLog };
  return target.dialect === "mysql" ? new MysqlDriver(options) : new PostgresDriver(options);
}
