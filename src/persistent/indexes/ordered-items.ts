/**
 * The items of one user's archive in memory: by key, and in the order of their positions. What was
 * removed stays in the list until half of it is dead; an item is alive if its key leads to it.
 */
import type { ArchiveSummary } from "../contract/archive-query.ts";
import { ALL_ITEMS, type Selection } from "../contract/driver.ts";

/** What the order and the filters need of an item. */
export interface OrderedItem {
  readonly key: string;
  readonly when: bigint;
  readonly with: string;
  readonly position: bigint;
}

/** Items of one archive. */
export class OrderedItems<T extends OrderedItem> {
  readonly #byKey = new Map<string, T>();
  #list: T[] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** Puts an item at the end, where its position belongs; one of the same key is gone. */
  append(item: T): void {
    this.#byKey.set(item.key, item);
    this.#list.push(item);
    this.#compact();
  }

  /** Puts an item in the place of the one that has its key and its position. */
  replace(item: T): void {
    this.#byKey.set(item.key, item);
    this.#list[this.#indexBehind(item.position - 1n)] = item;
  }

  remove(key: string): void {
    this.#byKey.delete(key);
    this.#compact();
  }

  /** What the selection has, at most `limit`, in its direction. */
  select(selection: Selection, options: { reverse?: boolean; limit?: number } = {}): T[] {
    const { reverse = false, limit = Number.POSITIVE_INFINITY } = options;
    const found: T[] = [];
    if (selection.keys !== undefined) {
      for (const key of new Set(selection.keys)) {
        const item = this.#byKey.get(key);
        if (item !== undefined && matches(item, selection)) found.push(item);
      }
      found.sort((a, b) => Number(a.position - b.position) * (reverse ? -1 : 1));
      return found.slice(0, limit);
    }
    const { after, before } = selection;
    const low = after === undefined ? 0 : this.#indexBehind(after);
    const high = before === undefined ? this.#list.length : this.#indexBehind(before - 1n);
    for (let step = 0; step < high - low && found.length < limit; step++) {
      const item = this.#list[reverse ? high - 1 - step : low + step];
      if (item === undefined || this.#byKey.get(item.key) !== item) continue;
      if (matches(item, selection)) found.push(item);
    }
    return found;
  }

  /** The oldest items beyond the newest `keep`. */
  beyond(keep: number): T[] {
    const surplus = this.size - keep;
    return surplus <= 0 ? [] : this.select(ALL_ITEMS, { limit: surplus });
  }

  summary(selection: Selection): Map<string, ArchiveSummary> {
    const sums = new Map<string, { count: number; earliest: bigint; latest: bigint }>();
    for (const { with: peer, when } of this.select(selection)) {
      const sum = sums.get(peer);
      if (sum === undefined) {
        sums.set(peer, { count: 1, earliest: when, latest: when });
        continue;
      }
      sum.count++;
      if (when < sum.earliest) sum.earliest = when;
      if (when > sum.latest) sum.latest = when;
    }
    return sums;
  }

  /** The first index whose position is greater than this one. */
  #indexBehind(position: bigint): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#list[middle];
      if (item !== undefined && item.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    if (this.#list.length <= 2 * this.#byKey.size + 16) return;
    this.#list = this.#list.filter((item) => this.#byKey.get(item.key) === item);
  }
}

function matches(item: OrderedItem, selection: Selection): boolean {
  const { with: peer, start, end, after, before } = selection;
  return (
    (peer === undefined || item.with === peer) &&
    (start === undefined || item.when >= start) &&
    (end === undefined || item.when <= end) &&
    (after === undefined || item.position > after) &&
    (before === undefined || item.position < before)
  );
}
