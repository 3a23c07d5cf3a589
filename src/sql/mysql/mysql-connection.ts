/** One connection of mysql2's. Statements with placeholders are prepared, by mysql2's own cache. */
import { CommandQueue } from "../command-queue.ts";
import type { Done, SqlConnection } from "../connection.ts";
import type { SqlRow, SqlTraits, SqlValue } from "../dialect.ts";
import type { Statement } from "../statement.ts";
import type { Mysql2Answer, Mysql2Connection, Mysql2Field } from "./mysql2-package.ts";

const NO_ROWS: readonly SqlRow[] = [];
/** TINY, SHORT, LONG, LONGLONG and INT24, as the protocol numbers them. */
const INTEGERS: ReadonlySet<number> = new Set([1, 2, 3, 8, 9]);

/** See the head of this file. */
export class MysqlConnection implements SqlConnection {
  isBroken = false;
  onLost: (error: unknown) => void = () => undefined;
  readonly #connection: Mysql2Connection;
  readonly #traits: SqlTraits;
  readonly #queue: CommandQueue;

  constructor(connection: Mysql2Connection, traits: SqlTraits) {
    this.#connection = connection;
    this.#traits = traits;
    this.#queue = new CommandQueue((statement, params) => this.#send(statement, params));
    // Unheard, an error of a connection would end the process.
    connection.on("error", (error) => this.#lost(error));
    connection.on("end", () => this.#lost(new Error("the connection was closed")));
  }

  run(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void {
    this.#queue.push(statement, params, done);
  }

  destroy(reason: unknown): void {
    this.isBroken = true;
    this.#queue.fail(reason);
    this.#connection.destroy();
  }

  async close(): Promise<void> {
    this.isBroken = true;
    this.#queue.fail(new Error("the connection was closed"));
    await new Promise<void>((resolve) => this.#connection.end(() => resolve()));
  }

  #send(statement: Statement, params: readonly SqlValue[] | undefined): void {
    const answered = (
      error: unknown,
      answer: Mysql2Answer | undefined,
      fields: readonly Mysql2Field[] | undefined,
    ) => {
      if (error) this.#failed(error);
      else if (isRows(answer)) this.#queue.settle(undefined, exact(answer, fields), answer.length);
      else this.#queue.settle(undefined, NO_ROWS, answer?.affectedRows ?? 0);
    };
    if (params === undefined) this.#connection.query(statement.text, answered);
    else this.#connection.execute(statement.text, params, answered);
  }

  #failed(error: unknown): void {
    if (!this.#traits.isServersWord(error)) this.isBroken = true;
    this.#queue.settle(error, NO_ROWS, 0);
  }

  #lost(error: unknown): void {
    const wasBroken = this.isBroken;
    this.isBroken = true;
    this.#queue.fail(error);
    if (!wasBroken) this.onLost(error);
  }
}

function isRows(answer: Mysql2Answer | undefined): answer is readonly Record<string, unknown>[] {
  return Array.isArray(answer);
}

/** mysql2 gives integers as numbers and as text; they become bigints, in place. */
function exact(
  rows: readonly Record<string, unknown>[],
  fields: readonly Mysql2Field[] | undefined,
): readonly SqlRow[] {
  if (fields === undefined || rows.length === 0) return rows;
  for (const { name, columnType } of fields) {
    if (!INTEGERS.has(columnType)) continue;
    for (const row of rows) {
      const value = row[name];
      if (typeof value === "string" || typeof value === "number") row[name] = BigInt(value);
    }
  }
  return rows;
}
