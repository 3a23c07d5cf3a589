/**
 * Discovery's database on the pool that all parts of Skein share. Works behind a pooler in
 * transaction mode: no named statements, no settings of the session, no lock that outlives its
 * transaction.
 */
import { Kysely, sql } from "kysely";
import type { Clock, Log, Random } from "../../runtime.ts";
import type { SqlDriver } from "../../sql/connection.ts";
import type { SqlDialect, SqlTraits } from "../../sql/dialect.ts";
import { MysqlDriver } from "../../sql/mysql/mysql-driver.ts";
import { Pool } from "../../sql/pool.ts";
import { POOL_DEFAULTS, type PoolOptions } from "../../sql/pool-options.ts";
import { PostgresDriver } from "../../sql/postgres/postgres-driver.ts";
import { SqliteDriver } from "../../sql/sqlite/sqlite-driver.ts";
import type { DatabaseTarget } from "../../sql/target.ts";
import type { DatabaseDriver, DatabaseTraits, OpenDatabase } from "./database.ts";
import { PooledDialect } from "./pooled-dialect.ts";
import type { TableOptions } from "./table-options.ts";

/** Two: one at work, one in reserve while a lost one is being replaced. */
const CONNECTIONS_MAX = 2;
/** Idle connections are given back between two queries. */
const IDLE_MS = 10_000;
/** A holder that is stopped in mid-transaction must not keep the others out for ever. */
const IDLE_IN_TRANSACTION_MS = 3_000;
/** On MySQL that limit holds for idle connections too. */
const SESSION_IDLE_MS = 60_000;

/** Where the database is, and what the driver needs. */
export interface PooledDriverOptions {
  readonly target: DatabaseTarget;
  readonly tableOptions: Required<TableOptions>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Loads mysql2. Default: the one that is installed. */
  readonly load?: () => Promise<unknown>;
}

/** See the head of this file. */
export class PooledDriver implements DatabaseDriver {
  readonly dialect: SqlDialect;
  readonly subject: string;
  readonly traits: DatabaseTraits;
  readonly #options: PooledDriverOptions;
  readonly #driver: SqlDriver;

  constructor(options: PooledDriverOptions) {
    this.#options = options;
    this.#driver = driverFor(options);
    this.dialect = this.#driver.dialect;
    this.subject = this.#driver.subject;
    this.traits = discoveryTraits(this.#driver.traits, options.tableOptions.statementTimeoutMs);
  }

  async open(): Promise<OpenDatabase> {
    const { clock, random, log, tableOptions } = this.#options;
    const options: Required<PoolOptions> = {
      ...POOL_DEFAULTS,
      max: this.#driver.traits.writesInTransactions ? 1 : CONNECTIONS_MAX,
      min: 0,
      idleMs: IDLE_MS,
      connectMs: tableOptions.connectTimeoutMs,
      statementMs: tableOptions.statementTimeoutMs,
      acquireMs: tableOptions.connectTimeoutMs + tableOptions.statementTimeoutMs,
      drainMs: tableOptions.statementTimeoutMs,
    };
    const driver = this.#driver;
    const pool = new Pool({ driver, purpose: "write", options, clock, random, log });
    const executor = new Kysely<unknown>({ dialect: new PooledDialect(pool, driver.dialect) });
    try {
      await pool.open();
    } catch (error) {
      await executor.destroy();
      throw error;
    }
    return { executor, close: () => executor.destroy() };
  }
}

function driverFor(options: PooledDriverOptions): SqlDriver {
  const { target, tableOptions, clock, load } = options;
  if (target.dialect === "sqlite") {
    const { path, driver: name } = target;
    return new SqliteDriver({ path, name, defer: (fn) => clock.defer(fn) });
  }
  const server = {
    target,
    connectTimeoutMs: tableOptions.connectTimeoutMs,
    statementTimeoutMs: tableOptions.statementTimeoutMs,
    idleInTransactionMs: SESSION_IDLE_MS,
    applicationName: "skein-discovery",
    // Whatever is in between: nothing that is sent minds.
    pooler: "transaction",
  } as const;
  if (target.dialect !== "mysql") return new PostgresDriver(server);
  return new MysqlDriver(load === undefined ? server : { ...server, load });
}

function discoveryTraits(traits: SqlTraits, statementMs: number): DatabaseTraits {
  return {
    nowMs: sql.raw<number>(traits.nowMs),
    begin: traits.begin({
      isolation: "read committed",
      readOnly: false,
      isBehindPooler: true,
      statementMs,
      idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
    }),
    onlyInTransactions: traits.writesInTransactions,
    updateReturning: traits.updateReturning,
    migrationLock: MIGRATION_LOCKS[traits.migrationLock],
    createTableTail: traits.createTableTail,
    // A row that another made first is found by the next try.
    isTransient: (error) => traits.isTransient(error) || traits.isDuplicate(error),
    isMissingTable: (error) => traits.isMissingTable(error),
    isMissingRight: (error) => traits.isMissingRight(error),
  };
}

/** CREATE TABLE commits on MySQL, and with it would go the lock of a transaction. */
const MIGRATION_LOCKS = {
  transaction: "transaction",
  advisory: "advisory",
  named: "session",
  lease: "none",
} as const;
