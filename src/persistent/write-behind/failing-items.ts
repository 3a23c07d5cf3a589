/**
 * Items that were not written though others were: each is tried again by itself, now and then,
 * while the queue goes on. One that fails again and again with others passing in between is to
 * blame itself; without others that pass it may be the world, and is waited out.
 */

/** Items that are tried by themselves at a time. */
const TRIED_AT_ONCE = 16;

/** One that fails. */
export interface FailingItem<E> {
  readonly entry: E;
  /** Attempts that failed while others passed. */
  strikes: number;
  /** How many items had been written when it was tried last. */
  writtenThen: number;
  dueMs: number;
}

/** See the head of this file. */
export class FailingItems<E> {
  #items: FailingItem<E>[] = [];

  get size(): number {
    return this.#items.length;
  }

  get oldest(): E | undefined {
    return this.#items[0]?.entry;
  }

  /** `strikes`: 1 if others passed while it failed for the first time. */
  add(item: FailingItem<E>): void {
    this.#items.push(item);
  }

  /** Those that are to be tried now; `isLast`: all of them. */
  due(nowMs: number, isLast: boolean): readonly FailingItem<E>[] {
    if (isLast) return [...this.#items];
    return this.#items.filter(({ dueMs }) => dueMs <= nowMs).slice(0, TRIED_AT_ONCE);
  }

  /** When the next one is due; undefined if there is none. */
  get dueMs(): number | undefined {
    let least: number | undefined;
    for (const { dueMs } of this.#items) {
      if (least === undefined || dueMs < least) least = dueMs;
    }
    return least;
  }

  remove(item: FailingItem<E>): void {
    this.#items = this.#items.filter((each) => each !== item);
  }
}
