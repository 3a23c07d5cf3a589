/**
 * What is to be told to listeners at the end of a turn. User code runs from here and from nowhere
 * deeper: rows change first, all of a frame, then their listeners hear of it.
 */

/** A table's watchers, or its lost births. */
export interface Delivery {
  /** Tells some, looking at up to `rows` rows; true if more is left. */
  deliver(rows: number): boolean;
}

/** All that have something to tell. */
export class Deliveries {
  /** What a listener threw; it stops nobody else from being told. */
  readonly failed: (error: unknown) => void;
  readonly #due = new Set<Delivery>();

  constructor(failed: (error: unknown) => void) {
    this.failed = failed;
  }

  /** Whether anybody has something to tell. */
  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /** To be asked at the end of this turn. */
  add(delivery: Delivery): void {
    this.#due.add(delivery);
  }

  /** Asks each for a slice; true if anything is left. */
  step(rows: number): boolean {
    if (this.#due.size === 0) return false;
    const due = [...this.#due];
    this.#due.clear();
    for (const delivery of due) if (delivery.deliver(rows)) this.#due.add(delivery);
    return this.#due.size > 0;
  }
}
