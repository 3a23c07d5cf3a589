/**
 * An SQL database as discovery needs it: a driver that opens it, and the few things in which
 * the databases differ, as named flags. Maker: pooled-driver.ts, on what all parts of Skein share.
 */
import type { Kysely, RawBuilder } from "kysely";
import type { SqlDialect } from "../../sql/dialect.ts";

/** Runs statements: a pool, or one connection of it. */
export type Executor = Kysely<unknown>;

/** In what one database differs from another. */
export interface DatabaseTraits {
  /** The database's clock, in whole milliseconds since the Unix epoch. */
  readonly nowMs: RawBuilder<number>;
  /** What begins a transaction in which each statement sees what was committed before it. */
  readonly begin: readonly string[];
  /**
   * Each statement needs a transaction of its own, since one that finds the database busy does
   * harm outside.
   */
  readonly onlyInTransactions: boolean;
  /** UPDATE … RETURNING exists. */
  readonly updateReturning: boolean;
  /**
   * How one process keeps others from migrating: by the transaction that `begin` opens, by an
   * advisory lock that ends with the transaction (a pooler in between may hand each transaction
   * to another session), by a lock of the session, or not at all, where statements that may be
   * repeated must do.
   */
  readonly migrationLock: "transaction" | "advisory" | "session" | "none";
  /** Goes behind CREATE TABLE (…). */
  readonly createTableTail: string;
  /** True for errors that repeating the whole transaction cures. */
  isTransient(error: unknown): boolean;
  /** True if a table is not there. */
  isMissingTable(error: unknown): boolean;
  /** True if a right is missing or the database is read-only. */
  isMissingRight(error: unknown): boolean;
}

/** A database that was opened and whose version is supported. */
export interface OpenDatabase {
  readonly executor: Executor;
  close(): Promise<void>;
}

/** Knows where a database is and how to open it. */
export interface DatabaseDriver {
  readonly dialect: SqlDialect;
  /** Names the database in messages, without a secret. */
  readonly subject: string;
  readonly traits: DatabaseTraits;
  /** Loads the driver's package, connects, and checks the version. */
  open(): Promise<OpenDatabase>;
}
