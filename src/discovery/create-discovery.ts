/** Chooses the backend that the options ask for. */
import { InvalidOptionsError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import type { DiscoveryBackend } from "./discovery.ts";
import { DnsDiscovery, type DnsResolver } from "./dns.ts";
import { FileDiscovery } from "./file.ts";
import { FunctionDiscovery } from "./function.ts";
import { checkDiscoveryOptions, type DiscoveryOptions } from "./options.ts";
import { RdbmsDiscovery } from "./rdbms/backend.ts";
import type { DatabaseDriver } from "./rdbms/database.ts";
import { MysqlDriver } from "./rdbms/mysql.ts";
import { PostgresDriver } from "./rdbms/postgres.ts";
import { SqliteDriver } from "./rdbms/sqlite.ts";
import type { TableOptions } from "./rdbms/table-options.ts";
import type { DatabaseTarget } from "./rdbms/url.ts";
import { StaticDiscovery } from "./static.ts";

/** What discovery needs of the outside world. */
export interface DiscoveryEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Asks DNS. Default: Node's own resolver. */
  readonly resolver?: DnsResolver;
}

/** Nothing is opened or read before the first call of the backend's methods. */
export function createDiscovery(
  options: DiscoveryOptions,
  environment: DiscoveryEnvironment,
): DiscoveryBackend {
  const result = checkDiscoveryOptions(options);
  if ("faults" in result) throw new InvalidOptionsError("discovery", result.faults);
  const { checked } = result;
  const { clock, random, log, resolver } = environment;
  switch (checked.kind) {
    case "rdbms": {
      const { target, tableOptions } = checked;
      const driver = databaseDriver(target, tableOptions, log);
      return new RdbmsDiscovery({ driver, clock, random, log, tableOptions });
    }
    case "file":
      return new FileDiscovery({ file: checked.file, clock, log });
    case "static":
      return new StaticDiscovery({ nodes: checked.nodes });
    case "dns":
      return new DnsDiscovery({
        dns: checked.dns,
        ...(resolver === undefined ? {} : { resolver }),
      });
    case "function":
      return new FunctionDiscovery({ getNodes: checked.getNodes });
    default:
      return checked satisfies never;
  }
}

function databaseDriver(
  target: DatabaseTarget,
  tableOptions: Required<TableOptions>,
  log: Log,
): DatabaseDriver {
  if (target.dialect === "sqlite") return new SqliteDriver(target.path);
  const { connectTimeoutMs, statementTimeoutMs } = tableOptions;
  const options = { target, connectTimeoutMs, statementTimeoutMs, log };
  return target.dialect === "mysql" ? new MysqlDriver(options) : new PostgresDriver(options);
}
