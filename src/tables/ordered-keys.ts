/**
 * The keys of an ordered table, sorted. A scan holds a place among them, not a copy of them: it
 * seeks again by key after something has changed, so that it may last as long as it likes.
 */
import { InvalidArgumentError } from "../errors.ts";
import { AFTER_ALL_KEYS, encodeKey, type Key, prefixRange, sortsLate } from "./key.ts";
import { type Place, SortedStrings } from "./sorted-strings.ts";

/** What a scan visits. Without any of these: every key, from the least on. */
export interface ScanRange {
  /** Leading elements of a tuple, or leading units of a string; not together with from or to. */
  readonly prefix?: Key | undefined;
  /** The least key, inclusive. */
  readonly from?: Key | undefined;
  /** The end, exclusive. */
  readonly to?: Key | undefined;
  /** The most keys that come; no limit by default. */
  readonly limit?: number | undefined;
  /** From the greatest key down; `from` is still the least one. Default false. */
  readonly reverse?: boolean | undefined;
}

/**
 * A sorted set of encoded keys. Tuples come after strings although they begin with a lesser unit,
 * so they are kept apart, and each half is in the order of its units.
 */
export class OrderedKeys {
  readonly #halves: Halves = [new SortedStrings(), new SortedStrings()];

  /** Keys held. */
  get size(): number {
    return this.#halves[0].size + this.#halves[1].size;
  }

  has(encodedKey: string): boolean {
    return this.#half(encodedKey).has(encodedKey);
  }

  /** Whether it was not there. */
  add(encodedKey: string): boolean {
    return this.#half(encodedKey).add(encodedKey);
  }

  /** Whether it was there. */
  delete(encodedKey: string): boolean {
    return this.#half(encodedKey).delete(encodedKey);
  }

  clear(): void {
    for (const half of this.#halves) half.clear();
  }

  /**
   * The encoded keys of a range, in order. Keys may be added and deleted meanwhile: each step
   * goes to the next key that is there at that moment.
   * @throws InvalidKeyError, InvalidArgumentError
   */
  scan(range: ScanRange = {}): KeyScan {
    const { limit = Number.POSITIVE_INFINITY } = range;
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new InvalidArgumentError(`limit is ${String(limit)}; allowed are integers from 0 on`);
    }
    let from = "";
    let to = AFTER_ALL_KEYS;
    if (range.prefix !== undefined) {
      if (range.from !== undefined || range.to !== undefined) {
        throw new InvalidArgumentError("prefix is given together with from or to; use one of them");
      }
      ({ from, to } = prefixRange(range.prefix));
    } else {
      if (range.from !== undefined) from = encodeKey(range.from);
      if (range.to !== undefined) to = encodeKey(range.to);
    }
    return new KeyScan(this.#halves, { from, to, limit, reverse: range.reverse === true });
  }

  #half(encodedKey: string): SortedStrings {
    return this.#halves[sortsLate(encodedKey) ? 1 : 0];
  }
}

/** Those that sort by their units among themselves: first all but the tuples, then the tuples. */
type Halves = readonly [SortedStrings, SortedStrings];

interface Bounds {
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly reverse: boolean;
}

/** One scan under way, made by `scan`. Its bounds close in on what is left. */
export class KeyScan implements IterableIterator<string> {
  readonly #halves: Halves;
  readonly #reverse: boolean;
  /** The half under way, and the one after which it ends. */
  #at: 0 | 1;
  readonly #last: 0 | 1;
  /** Within the half under way; null where it has no bound there. */
  #from: string;
  #to: string | null;
  /** `from` has come already. */
  #isPast = false;
  readonly #end: string;
  #left: number;
  readonly #place: Place = { block: 0, index: 0 };
  #version = -1;

  constructor(halves: Halves, { from, to, limit, reverse }: Bounds) {
    this.#halves = halves;
    this.#reverse = reverse;
    const low = sortsLate(from) ? 1 : 0;
    const high = sortsLate(to) ? 1 : 0;
    this.#at = reverse ? high : low;
    this.#last = reverse ? low : high;
    this.#left = low > high ? 0 : limit;
    this.#end = reverse ? from : to;
    this.#from = reverse && low < high ? "" : from;
    this.#to = reverse || low === high ? to : null;
  }

  next(): IteratorResult<string, undefined> {
    const key = this.nextKey();
    return key === undefined ? { done: true, value: undefined } : { done: false, value: key };
  }

  /** As `next`, without a result to be made; undefined at the end. */
  nextKey(): string | undefined {
    while (this.#left > 0) {
      const key = this.#reverse ? this.#below() : this.#above();
      if (key !== undefined) {
        this.#left--;
        return key;
      }
      if (this.#at === this.#last) this.#left = 0;
      else this.#enter(this.#last);
    }
    return undefined;
  }

  return(): IteratorResult<string, undefined> {
    this.#left = 0;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** The other half: whole, but for the bound at its far end. */
  #enter(half: 0 | 1): void {
    this.#at = half;
    this.#from = this.#reverse ? this.#end : "";
    this.#to = this.#reverse ? null : this.#end;
    this.#isPast = false;
    this.#version = -1;
  }

  #above(): string | undefined {
    const half = this.#halves[this.#at];
    if (this.#version !== half.version) {
      // No key lies between a key and itself with "\0" behind it.
      half.seek(this.#isPast ? `${this.#from}\0` : this.#from, this.#place);
      this.#version = half.version;
    }
    const key = half.at(this.#place);
    if (key === undefined || (this.#to !== null && key >= this.#to)) return undefined;
    half.forward(this.#place);
    this.#from = key;
    this.#isPast = true;
    return key;
  }

  #below(): string | undefined {
    const half = this.#halves[this.#at];
    if (this.#version !== half.version) {
      if (this.#to === null) half.end(this.#place);
      else half.seek(this.#to, this.#place);
      half.backward(this.#place);
      this.#version = half.version;
    }
    const key = half.at(this.#place);
    if (key === undefined || key < this.#from) return undefined;
    half.backward(this.#place);
    this.#to = key;
    return key;
  }
}
