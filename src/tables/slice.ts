/**
 * What a job may take of one turn: so many rows, or so much time. Rows of one table cost ten times
 * those of another, the first ones of a process, whose code is not compiled yet, fifty times those
 * of a minute later, and a busy machine doubles everything. So the clock is looked at on the way.
 */

/** A look takes as long as the quickest rows do. */
const ROWS_PER_LOOK = 16;

/** One slice. */
export class Slice {
  readonly #now: () => number;
  readonly #endsAt: number;
  #left: number;
  #unseen = 0;

  /** `now`: monotonic clock, ms. */
  constructor(now: () => number, most: { readonly rows: number; readonly ms: number }) {
    this.#now = now;
    this.#endsAt = now() + most.ms;
    this.#left = most.rows;
  }

  /** So many more rows were handled; whether the rest is for another turn. */
  isOver(rows = 1): boolean {
    this.#left -= rows;
    if (this.#left <= 0) return true;
    this.#unseen += rows;
    if (this.#unseen < ROWS_PER_LOOK) return false;
    this.#unseen = 0;
    return this.#now() >= this.#endsAt;
  }
}
