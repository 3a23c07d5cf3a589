/** A connection's place in a pool: since when it runs a statement, idles, and is to be replaced. */
import type { Clock } from "../runtime.ts";
import type { Done, SqlConnection } from "./connection.ts";
import type { SqlValue } from "./dialect.ts";
import type { Statement } from "./statement.ts";

/** See the head of this file. */
export class Slot {
  readonly connection: SqlConnection;
  /** When it is to be replaced, by the monotonic clock. */
  readonly retireAt: number;
  /** When it was given back, or last gave a sign of life. */
  idleSince: number;
  /** When somebody last used it, for `idleMs`. */
  usedAt: number;
  /** When the running statement was sent; infinite if none runs. */
  since = Number.POSITIVE_INFINITY;
  /** A statement took too long, and the connection was given up for it. */
  isTimedOut = false;
  readonly #clock: Clock;
  #running = 0;

  constructor(connection: SqlConnection, clock: Clock, retireAt: number) {
    this.connection = connection;
    this.retireAt = retireAt;
    this.#clock = clock;
    this.idleSince = clock.now();
    this.usedAt = this.idleSince;
  }

  /** Runs a statement, whose time counts from here. */
  run(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void {
    if (this.#running++ === 0) this.since = this.#clock.now();
    this.connection.run(statement, params, (error, rows, changes) => {
      this.since = --this.#running === 0 ? Number.POSITIVE_INFINITY : this.#clock.now();
      done(error, rows, changes);
    });
  }
}
