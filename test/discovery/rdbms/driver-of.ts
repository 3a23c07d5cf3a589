/** The driver that a URL asks for, as `createDiscovery` makes it. */
import type { DatabaseDriver } from "../../../src/discovery/rdbms/database.ts";
import { PooledDriver } from "../../../src/discovery/rdbms/pooled-driver.ts";
import { TABLE_DEFAULTS } from "../../../src/discovery/rdbms/table-options.ts";
import type { Clock } from "../../../src/runtime.ts";
import { silentLog } from "../../../src/runtime.ts";
import { parseDatabaseUrl } from "../../../src/sql/target.ts";
import { realClock, realRandom } from "../clocks.ts";

export function driverOf(url: string, clock: Clock = realClock): DatabaseDriver {
  const { target, faults } = parseDatabaseUrl(url);
  if (target === undefined) throw new Error(faults.join());
  const tableOptions = TABLE_DEFAULTS;
  return new PooledDriver({ target, tableOptions, clock, random: realRandom, log: silentLog });
}
