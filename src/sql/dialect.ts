/**
 * In what the SQL databases differ, as named flags: nothing above this folder asks for a
 * database by its name. Makers of `SqlTraits`: sqlite, postgres (CockroachDB too), mysql.
 */
import { SkeinError } from "../errors.ts";

/** The SQL databases that Skein can speak to. MariaDB is of the dialect `mysql`. */
export type SqlDialect = "sqlite" | "postgres" | "mysql" | "cockroach";

/**
 * One row, by column name. Integers are bigints, whatever their width; numeric, dates and times
 * are text; bytes are Uint8Arrays; JSON is text.
 */
export type SqlRow = Readonly<Record<string, unknown>>;

/** What a placeholder takes. Arrays are for databases that have them (`hasArrays`). */
export type SqlValue = null | string | number | bigint | boolean | Uint8Array | readonly SqlValue[];

/** How a transaction is to be begun. */
export interface BeginRequest {
  readonly isolation: "read committed" | "repeatable read" | "serializable" | undefined;
  readonly readOnly: boolean;
  /** Settings of the session do not stay: limits go into the transaction. */
  readonly isBehindPooler: boolean;
  readonly statementMs: number;
  readonly idleInTransactionMs: number;
}

/** In what one database differs from another. */
export interface SqlTraits {
  /** What begins a transaction in which each statement sees what was committed before it. */
  begin(request: BeginRequest): readonly string[];
  /** Placeholders are `$1`, `$2` … instead of `?`. */
  readonly numberedPlaceholders: boolean;
  /** The database's clock, in whole milliseconds since the Unix epoch, as an expression. */
  readonly nowMs: string;
  /** The same in microseconds; SQLite's clock counts milliseconds. */
  readonly nowUs: string;
  /** Arrays, and with them `unnest` for many rows in one statement. */
  readonly hasArrays: boolean;
  /** UPDATE … RETURNING exists. */
  readonly updateReturning: boolean;
  /** INSERT … RETURNING and DELETE … RETURNING exist (MariaDB has them, MySQL has not). */
  readonly insertReturning: boolean;
  /** How INSERT says what to do with a row that is there. */
  readonly upsert: "on conflict" | "on duplicate key";
  /** Most placeholders in one statement. */
  readonly placeholdersMax: number;
  /** Each write needs a transaction, as one that finds the database busy does harm outside. */
  readonly writesInTransactions: boolean;
  /** The database is in this process: nothing else happens in it while a statement runs. */
  readonly stopsThisThread: boolean;
  /** CREATE and ALTER are undone by ROLLBACK. */
  readonly transactionalDdl: boolean;
  /**
   * How one process keeps others from migrating: by the transaction that writes, by an advisory
   * lock of PostgreSQL's, by GET_LOCK, or by a row with a time in it.
   */
  readonly migrationLock: "transaction" | "advisory" | "named" | "lease";
  /** Goes behind CREATE TABLE (…). */
  readonly createTableTail: string;
  /** The type of an 8-byte integer that counts up by itself; a part of a column's definition. */
  readonly identity: string;
  /** A column's type for text that is compared byte by byte: case, accents and spaces count. */
  bytewiseText(bytesMax: number): string;
  /** A column's type for long text that is not compared. */
  readonly longText: string;
  /** The error says that repeating the whole transaction cures it: a lost race, a deadlock. */
  isTransient(error: unknown): boolean;
  /** A key is there already. */
  isDuplicate(error: unknown): boolean;
  /** A table is not there. */
  isMissingTable(error: unknown): boolean;
  /** A right is missing, or the database is read-only. */
  isMissingRight(error: unknown): boolean;
  /** The server refused another connection, as it has as many as it may have. */
  isTooManyConnections(error: unknown): boolean;
  /** The statement was ended because it took too long. */
  isTimedOut(error: unknown): boolean;
  /** The server itself said it: the connection lives, and what was asked was not done. */
  isServersWord(error: unknown): boolean;
}

/** The driver's error behind one of ours; any other error itself. */
export function driversError(error: unknown): unknown {
  return error instanceof SkeinError && error.cause !== undefined ? error.cause : error;
}

/** The `code` of a driver's error, also behind one of ours; or an empty string. */
export function errorCode(error: unknown): string {
  const found = driversError(error);
  if (found instanceof SkeinError || typeof found !== "object" || found === null) return "";
  return "code" in found ? String(found.code) : "";
}
