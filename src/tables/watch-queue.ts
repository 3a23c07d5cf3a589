/**
 * What one watcher has not been told yet, in the order in which it was applied. It never grows
 * over its limit: from half of it on, further changes of a key are folded into the one that
 * waits; over it all is dropped, and the watcher is told that it missed something.
 */
import type { Change } from "./change.ts";

/** The limits of `max`. */
export const QUEUE_MAX_LIMITS = { least: 1, most: 10_000_000, usual: 50_000 } as const;

/** Slots before the head that are left alone. */
const TRIM_FROM = 1024;

/** The queue. */
export class WatchQueue {
  /** Changes dropped since the watcher was told last that it missed some. */
  missed = 0;
  readonly #max: number;
  readonly #folds: boolean;
  #entries: (Change | null)[] = [];
  #head = 0;
  /** Entries that are not null, from the head on. */
  #live = 0;
  /** Where the waiting change of a key is, while changes are folded. */
  #places: Map<string, number> | null = null;

  /** `folds`: changes of one key replace one another, as those of a bag do not. */
  constructor(max: number, folds: boolean) {
    this.#max = max;
    this.#folds = folds;
  }

  get size(): number {
    return this.#live;
  }

  push(change: Change): void {
    if (this.missed > 0) {
      this.missed++;
      return;
    }
    if (this.#folds && this.#live * 2 >= this.#max && this.#fold(change)) return;
    if (this.#live >= this.#max) {
      this.missed = this.#live + 1;
      this.clear();
      return;
    }
    this.#places?.set(change.key, this.#entries.length);
    this.#entries.push(change);
    this.#live++;
  }

  /** The oldest change, if any. */
  shift(): Change | undefined {
    while (this.#head < this.#entries.length) {
      const change = this.#entries[this.#head] as Change | null;
      this.#entries[this.#head++] = null;
      if (change === null) continue;
      if (this.#places?.get(change.key) === this.#head - 1) this.#places.delete(change.key);
      this.#live--;
      if (this.#live === 0) this.clear();
      else if (this.#head > TRIM_FROM && this.#head * 2 > this.#entries.length) this.#trim();
      return change;
    }
    return undefined;
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#live = 0;
    this.#places = null;
  }

  /** True if the change went into the one that waits for the same key. */
  #fold(change: Change): boolean {
    this.#places ??= this.#compact();
    // Slots whose changes came to nothing are given back now and then.
    if (this.#entries.length > 2 * this.#max) this.#places = this.#compact();
    const place = this.#places.get(change.key);
    if (place === undefined) return false;
    const waiting = this.#entries[place] as Change;
    if (waiting.previous === null && change.value === null) {
      this.#entries[place] = null;
      this.#places.delete(change.key);
      this.#live--;
    } else {
      this.#entries[place] = { ...change, previous: waiting.previous };
    }
    return true;
  }

  /** Gives back the slots before the head. */
  #trim(): void {
    const places = this.#compact();
    if (this.#places !== null) this.#places = places;
  }

  #compact(): Map<string, number> {
    this.#entries = this.#entries.filter((entry) => entry !== null);
    this.#head = 0;
    const places = new Map<string, number>();
    for (let at = 0; at < this.#entries.length; at++) {
      places.set((this.#entries[at] as Change).key, at);
    }
    return places;
  }
}
