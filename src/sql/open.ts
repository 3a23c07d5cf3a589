/** Opens a database by its target. */
import { InvalidOptionsError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import type { ServerFacts, SqlDriver } from "./connection.ts";
import type { SqlDatabase } from "./database.ts";
import { MysqlDriver } from "./mysql/mysql-driver.ts";
import { type PoolOptions, poolFaults, poolWithDefaults } from "./pool-options.ts";
import { PostgresDriver } from "./postgres/postgres-driver.ts";
import { PooledDatabase } from "./sql-database.ts";
import { SqliteDriver } from "./sqlite/sqlite-driver.ts";
import { type DatabaseTarget, parseDatabaseUrl } from "./target.ts";

/** Which database, and how. */
export interface OpenOptions {
  /** A URL, or what `parseDatabaseUrl` made of one. */
  readonly database: string | DatabaseTarget;
  readonly pool?: PoolOptions;
  /** Told to the server, to be seen in its lists. Default "skein". */
  readonly applicationName?: string;
  /** What a pooler in front of PostgreSQL does. Default: it is found out. */
  readonly pooler?: ServerFacts["pooler"];
}

/** What a database needs of the outside world. */
export interface SqlSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Connects once: a wrong address, password or version is told now. */
export async function openSqlDatabase(
  options: OpenOptions,
  surroundings: SqlSurroundings,
): Promise<SqlDatabase> {
  const pool = poolWithDefaults(options.pool ?? {});
  const driver = driverFor(options, pool, surroundings);
  const database = new PooledDatabase({ driver, pool, ...surroundings });
  try {
    await database.open();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function driverFor(
  options: OpenOptions,
  pool: Required<PoolOptions>,
  { clock }: SqlSurroundings,
): SqlDriver {
  const { database, applicationName = "skein", pooler } = options;
  const parsed =
    typeof database === "string"
      ? parseDatabaseUrl(database)
      : { target: database, faults: [] as readonly string[] };
  const faults = [...parsed.faults, ...poolFaults(options.pool ?? {})];
  if (parsed.target === undefined || faults.length > 0) {
    throw new InvalidOptionsError("database", faults);
  }
  const { target } = parsed;
  if (target.dialect === "sqlite") {
    const { path, driver: name } = target;
    return new SqliteDriver({ path, name, defer: (fn) => clock.defer(fn) });
  }
  const server = {
    target,
    connectTimeoutMs: pool.connectMs,
    statementTimeoutMs: pool.statementMs,
    idleInTransactionMs: pool.idleInTransactionMs,
    applicationName,
    ...(pooler === undefined ? {} : { pooler }),
  };
  return target.dialect === "mysql" ? new MysqlDriver(server) : new PostgresDriver(server);
}
