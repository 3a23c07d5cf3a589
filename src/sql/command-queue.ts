/**
 * The statements of one connection, one at a time: the running one and those that wait for it.
 * Drivers keep such queues too, but not all of them tell every waiter when a connection is lost.
 */

import type { Done } from "./connection.ts";
import type { SqlRow, SqlValue } from "./dialect.ts";
import type { Statement } from "./statement.ts";

/** A statement that waits for its turn. */
interface Command {
  readonly statement: Statement;
  readonly params: readonly SqlValue[] | undefined;
  readonly done: Done;
}

const NO_ROWS: readonly SqlRow[] = [];
/** Nobody gives one connection so many at once on purpose. */
const WAITING_MAX = 10_000;

/** Sends a statement; its answer comes to `settle`. */
export type Send = (statement: Statement, params: readonly SqlValue[] | undefined) => void;

/** See the head of this file. */
export class CommandQueue {
  readonly #send: Send;
  #running: Done | undefined;
  #waiting: Command[] = [];
  #failure: unknown;
  #isFailed = false;

  constructor(send: Send) {
    this.#send = send;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Sends the statement now or when those before it are done. */
  push(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void {
    if (this.#isFailed) {
      done(this.#failure, NO_ROWS, 0);
      return;
    }
    if (this.#running === undefined) {
      this.#running = done;
      this.#start(statement, params);
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      done(new Error(`more than ${WAITING_MAX} statements wait for one connection`), NO_ROWS, 0);
      return;
    }
    this.#waiting.push({ statement, params, done });
  }

  /** The answer to the running statement. Answers that come after `fail` are dropped. */
  settle(error: unknown, rows: readonly SqlRow[], changes: number): void {
    const done = this.#running;
    if (done === undefined) return;
    this.#running = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#running = next.done;
      this.#start(next.statement, next.params);
    }
    done(error, rows, changes);
  }

  /** Fails everything, now and later. */
  fail(reason: unknown): void {
    if (this.#isFailed) return;
    this.#isFailed = true;
    this.#failure = reason;
    const running = this.#running;
    this.#running = undefined;
    running?.(reason, NO_ROWS, 0);
    for (const each of this.#waiting.splice(0)) each.done(reason, NO_ROWS, 0);
  }

  /** Drivers throw for a value that they cannot send. */
  #start(statement: Statement, params: readonly SqlValue[] | undefined): void {
    try {
      this.#send(statement, params);
    } catch (error) {
      this.settle(error, NO_ROWS, 0);
    }
  }
}
