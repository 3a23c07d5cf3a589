/**
 * One connection to a file of SQLite's, by libsql, which runs each statement on this thread.
 *
 * Its own waiting for a lock would stop the event loop, and two users of one file in one process
 * would wait for each other in vain; so it waits for nothing, and a busy database is asked again
 * after a pause, by whoever called.
 *
 * A prepared statement of libsql's that fails for a busy database may stay open until it is
 * garbage collected, and with it a view of the data that does not move on. `exec` has no such
 * fault: a write outside of a transaction is put into one, begun by `exec` with BEGIN IMMEDIATE,
 * and nothing inside of it can find the database busy. It costs 1 µs more than without.
 */
import type { Done, SqlConnection } from "../connection.ts";
import type { SqlRow, SqlValue } from "../dialect.ts";
import type { Statement } from "../statement.ts";

const NO_ROWS: readonly SqlRow[] = [];
const NO_VALUES: readonly unknown[] = [];
/** Prepared statements kept. */
const PREPARED_MAX = 500;
/** So many statements in one go, then timers and sockets have their turn. */
const BURST = 32;

/** The members of libsql's classes that are used here. */
export interface LibsqlDatabase {
  prepare(text: string): LibsqlStatement;
  exec(text: string): unknown;
  close(): unknown;
  readonly inTransaction: boolean;
}
interface LibsqlStatement {
  readonly reader: boolean;
  safeIntegers(on: boolean): LibsqlStatement;
  all(params: readonly unknown[]): unknown;
  run(params: readonly unknown[]): { readonly changes: number };
}
interface Prepared {
  readonly statement: LibsqlStatement;
  readonly isReader: boolean;
}

/** See the head of this file. */
export class SqliteConnection implements SqlConnection {
  isBroken = false;
  onLost: (error: unknown) => void = () => undefined;
  readonly #file: LibsqlDatabase;
  readonly #defer: (fn: () => void) => void;
  readonly #prepared = new Map<string, Prepared>();
  #commitment: LibsqlStatement | undefined;
  #burst = 0;
  #reason: unknown;

  constructor(file: LibsqlDatabase, defer: (fn: () => void) => void) {
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
        const wraps = !statement.isRead && !this.#file.inTransaction;
        if (wraps) this.#file.exec("begin immediate");
        try {
          if (prepared.isReader) {
            rows = rowsOf(prepared.statement.all(values));
            changes = rows.length;
          } else changes = Number(prepared.statement.run(values).changes);
          if (wraps) this.#commit();
        } catch (error) {
          if (wraps && this.#file.inTransaction) this.#file.exec("rollback");
          throw error;
        }
      }
    } catch (error) {
      failure = error;
    }
    if (++this.#burst % BURST === 0) this.#defer(() => done(failure, rows, changes));
    else done(failure, rows, changes);
  }

  destroy(reason: unknown): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.#reason = reason;
    this.#prepared.clear();
    this.#commitment = undefined;
    this.#file.close();
  }

  async close(): Promise<void> {
    this.destroy(new Error("the file was closed"));
  }

  /** Prepared, since nothing that follows BEGIN IMMEDIATE can find the file busy. */
  #commit(): void {
    this.#commitment ??= this.#file.prepare("commit");
    this.#commitment.run(NO_VALUES);
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

/** Bytes come as ArrayBuffers. */
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
