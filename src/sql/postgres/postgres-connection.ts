/**
 * One connection of pg's. Statements are prepared under their names, unless a pooler in between
 * hands each transaction to another session, where a name would not be found or be there already.
 */
import type pg from "pg";
import { CommandQueue } from "../command-queue.ts";
import type { Done, SqlConnection } from "../connection.ts";
import { errorCode, type SqlRow, type SqlTraits, type SqlValue } from "../dialect.ts";
import type { Statement } from "../statement.ts";

const NO_ROWS: readonly SqlRow[] = [];
/** Statements prepared under a name on one connection; each takes memory of the server's. */
const NAMES_MAX = 500;

/** See the head of this file. */
export class PostgresConnection implements SqlConnection {
  isBroken = false;
  onLost: (error: unknown) => void = () => undefined;
  readonly #client: pg.Client;
  readonly #traits: SqlTraits;
  readonly #queue: CommandQueue;
  #mayName = false;
  #names = new Set<string>();

  constructor(client: pg.Client, traits: SqlTraits) {
    this.#client = client;
    this.#traits = traits;
    this.#queue = new CommandQueue((statement, params) => this.#send(statement, params));
    // Unheard, an error of a connection would end the process.
    client.on("error", (error) => this.#lost(error));
    client.on("end", () => this.#lost(new Error("the connection was closed")));
  }

  /** The process id that the server, or a pooler, gave when the connection was made. */
  get announcedPid(): number {
    return "processID" in this.#client ? Number(this.#client.processID) : 0;
  }

  /** From now on statements are prepared under their names. */
  prepareByName(): void {
    this.#mayName = true;
  }

  run(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void {
    this.#queue.push(statement, params, done);
  }

  destroy(reason: unknown): void {
    this.isBroken = true;
    this.#queue.fail(reason);
    // The socket, as a server that hangs answers no goodbye.
    this.#client.connection.stream.destroy();
  }

  async close(): Promise<void> {
    this.isBroken = true;
    this.#queue.fail(new Error("the connection was closed"));
    await this.#client.end().catch(() => undefined);
  }

  #send(statement: Statement, params: readonly SqlValue[] | undefined): void {
    const { text, name } = statement;
    const answered = (error: Error | null, result: pg.QueryResult) => {
      if (error) this.#failed(error);
      else this.#queue.settle(undefined, result.rows ?? NO_ROWS, result.rowCount ?? 0);
    };
    if (params === undefined) this.#client.query(text, answered);
    else if (this.#mayPrepare(name)) {
      this.#client.query({ name, text, values: params as unknown[] }, answered);
    } else this.#client.query(text, params as unknown[], answered);
  }

  #mayPrepare(name: string): boolean {
    if (!this.#mayName || name === "") return false;
    if (this.#names.has(name)) return true;
    if (this.#names.size >= NAMES_MAX) return false;
    this.#names.add(name);
    return true;
  }

  #failed(error: unknown): void {
    // Behind a plan whose tables were altered, and behind a name that a pooler mixed up, the
    // next connection does better.
    const stale = ["0A000", "26000", "42P05"].includes(errorCode(error));
    if (stale || !this.#traits.isServersWord(error)) this.isBroken = true;
    this.#queue.settle(error, NO_ROWS, 0);
  }

  #lost(error: unknown): void {
    const wasBroken = this.isBroken;
    this.isBroken = true;
    this.#queue.fail(error);
    if (!wasBroken) this.onLost(error);
  }
}
