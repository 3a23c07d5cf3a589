/**
 * One connection to a file of SQLite's, by a driver that runs each statement on this thread.
 *
 * Its own waiting for a lock would stop the event loop, and two users of one file in one process
 * would wait for each other in vain; so it waits for nothing, and a busy database is asked again
 * after a pause, by whoever called.
 *
 * A prepared write of libsql's that finds the database busy stays open until it is run again, and
 * with it a view of the data that does not move on. SQLite ends a statement of itself for every
 * other failure: so it is run once more, in vain, while the connection is forbidden to write. A
 * transaction around each write, begun by `exec`, would do as well, and costs a third of a write
 * that succeeds.
 */
import type { Done, SqlConnection } from "../connection.ts";
import type { SqlRow, SqlValue } from "../dialect.ts";
import type { Statement } from "../statement.ts";
import type { SqliteFile, SqliteStatement } from "./sqlite-file.ts";
import { sqliteTraits } from "./sqlite-traits.ts";

const NO_ROWS: readonly SqlRow[] = [];
const NO_VALUES: readonly unknown[] = [];
/** Prepared statements kept. */
const PREPARED_MAX = 500;
/**
 * So much work in one go, a millisecond or so, then timers and sockets have their turn, which costs
 * as much as two reads of a row: a statement is one, and …
 */
const BURST = 64;
/** … so many of its values are one more. */
const BURST_VALUES = 8;

interface Prepared {
  readonly statement: SqliteStatement;
  readonly isReader: boolean;
}

/** See the head of this file. */
export class SqliteConnection implements SqlConnection {
  isBroken = false;
  onLost: (error: unknown) => void = () => undefined;
  readonly #file: SqliteFile;
  readonly #defer: (fn: () => void) => void;
  readonly #prepared = new Map<string, Prepared>();
  #burst = 0;
  #reason: unknown;

  constructor(file: SqliteFile, defer: (fn: () => void) => void) {
    this.#file = file;
    this.#defer = defer;
  }

  run(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void {
    if (this.isBroken) {
      done(this.#reason, NO_ROWS, 0);
      return;
    }
    let rows = NO_ROWS;
    let changes = 0;
    let failure: unknown;
    try {
      if (params === undefined && !statement.isRead) this.#file.exec(statement.text);
      else {
        const prepared = this.#prepare(statement.text);
        const values = params === undefined ? NO_VALUES : boundAll(params);
        try {
          if (!prepared.isReader) changes = Number(prepared.statement.run(values).changes);
          else {
            rows = statement.isFirst
              ? rowOf(prepared.statement.get(values))
              : rowsOf(prepared.statement.all(values));
            changes = rows.length;
          }
        } catch (error) {
          if (!statement.isRead && sqliteTraits.isTransient(error)) this.#end(prepared, values);
          throw error;
        }
      }
    } catch (error) {
      failure = error;
    }
    this.#burst += 1 + Math.floor((params?.length ?? 0) / BURST_VALUES);
    if (this.#burst >= BURST) {
      this.#burst = 0;
      this.#defer(() => done(failure, rows, changes));
    } else done(failure, rows, changes);
  }

  destroy(reason: unknown): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.#reason = reason;
    this.#prepared.clear();
    this.#file.close();
  }

  async close(): Promise<void> {
    this.destroy(new Error("the file was closed"));
  }

  /** Ends a statement that found the database busy. See the head of this file. */
  #end({ statement, isReader }: Prepared, values: readonly unknown[]): void {
    this.#file.exec("pragma query_only = ON");
    try {
      if (isReader) statement.all(values);
      else statement.run(values);
    } catch {
      // It may not write: that is what ends it.
    } finally {
      this.#file.exec("pragma query_only = OFF");
    }
  }

  #prepare(text: string): Prepared {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#file.prepare(text);
    statement.safeIntegers(true);
    const prepared = { statement, isReader: statement.reader };
    if (this.#prepared.size < PREPARED_MAX) this.#prepared.set(text, prepared);
    return prepared;
  }
}

/** Mostly texts and bigints alone, which go as they are. */
function boundAll(params: readonly SqlValue[]): readonly unknown[] {
  for (const value of params) {
    if (typeof value !== "string" && typeof value !== "bigint") return params.map(bound);
  }
  return params;
}

/** libsql ends the process for a boolean, and makes a float of every number. */
function bound(value: SqlValue): null | string | number | bigint | Uint8Array {
  switch (typeof value) {
    case "string":
    case "bigint":
      return value;
    case "number":
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case "boolean":
      return value ? 1n : 0n;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new TypeError(`SQLite takes no ${typeof value} for a placeholder`);
  }
}

/** libsql adds a `_metadata` with the time it took, which stays: to take it away costs as much. */
function rowOf(found: unknown): readonly SqlRow[] {
  if (typeof found !== "object" || found === null) return NO_ROWS;
  return rowsOf([found]);
}

/** libsql gives bytes as ArrayBuffers. */
function rowsOf(found: unknown): readonly SqlRow[] {
  if (!Array.isArray(found)) return NO_ROWS;
  const rows: Record<string, unknown>[] = found;
  for (const row of rows) {
    for (const name in row) {
      if (row[name] instanceof ArrayBuffer) row[name] = new Uint8Array(row[name]);
    }
  }
  return rows;
}
