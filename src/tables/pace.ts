/**
 * How many rows fit into one slice of a job, learnt from the time that its slices took. Rows of
 * one table cost ten times those of another, and a busy machine doubles everything: a fixed
 * number is too long for one and too short for the other. A slice that was hit by a garbage
 * collection counts no more than by half.
 */

/** A job begins with so many. */
const ROWS_FIRST = 250;
/** So many are done however slow they are. */
const ROWS_MIN = 32;

/** The pace of one kind of job. */
export class Pace {
  readonly #rowsMax: number;
  #rows: number;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
    this.#rows = Math.min(ROWS_FIRST, rowsMax);
  }

  /** Rows of the next slice. */
  get rows(): number {
    return this.#rows;
  }

  /** A slice of `rows` has taken `tookMs`; the next one may take `budgetMs`. */
  took(tookMs: number, budgetMs: number): void {
    const fitting = (this.#rows * budgetMs) / Math.max(tookMs, 0.001);
    const next = Math.round(Math.min(this.#rows * 2, Math.max(this.#rows / 2, fitting)));
    this.#rows = Math.min(this.#rowsMax, Math.max(ROWS_MIN, next));
  }
}
