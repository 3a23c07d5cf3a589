/**
 * The keys of an ordered table, sorted. A scan holds a place in the tree, not a copy of it: it
 * seeks again by key after the tree has changed, so that it may last as long as it likes.
 */
import imported from "sorted-btree";
import { InvalidArgumentError } from "../errors.ts";
import { AFTER_ALL_KEYS, compareEncodedKeys, encodeKey, type Key, prefixRange } from "./key.ts";

// The package is CommonJS: Node hands out its exports, some bundlers and test runners the default.
type Tree = InstanceType<typeof imported.default<string, undefined>>;
const BTree: typeof imported.default = "default" in imported ? imported.default : imported;

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

/** A sorted set of encoded keys. */
export class OrderedKeys {
  readonly #tree: Tree = new BTree<string, undefined>(undefined, compareEncodedKeys);
  /** Rises with all that may have moved keys within the tree. */
  #version = 0;

  /** Keys held. */
  get size(): number {
    return this.#tree.size;
  }

  has(encodedKey: string): boolean {
    return this.#tree.has(encodedKey);
  }

  /** Whether it was not there. */
  add(encodedKey: string): boolean {
    // Even where it finds the key, `set` splits and shifts full nodes on its way down.
    this.#version++;
    return this.#tree.set(encodedKey, undefined, false);
  }

  /** Whether it was there. */
  delete(encodedKey: string): boolean {
    this.#version++;
    return this.#tree.delete(encodedKey);
  }

  clear(): void {
    this.#tree.clear();
    this.#version++;
  }

  /**
   * The encoded keys of a range, in order. Keys may be added and deleted meanwhile: each step
   * goes to the next key that is there at that moment.
   * @throws InvalidKeyError, InvalidArgumentError
   */
  scan(range: ScanRange = {}): IterableIterator<string> {
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
    return new Scan(this.#tree, () => this.#version, { from, to, limit, reverse: !!range.reverse });
  }
}

interface Bounds {
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly reverse: boolean;
}

/** One scan under way. Its bounds close in on what is left. */
class Scan implements IterableIterator<string> {
  readonly #tree: Tree;
  readonly #versionNow: () => number;
  readonly #reverse: boolean;
  readonly #pair: [string, undefined] = ["", undefined];
  #from: string;
  #to: string;
  #left: number;
  #place: IterableIterator<[string, undefined]> | null = null;
  #version = 0;

  constructor(tree: Tree, versionNow: () => number, bounds: Bounds) {
    this.#tree = tree;
    this.#versionNow = versionNow;
    this.#from = bounds.from;
    this.#to = bounds.to;
    this.#left = bounds.limit;
    this.#reverse = bounds.reverse;
  }

  next(): IteratorResult<string, undefined> {
    if (this.#left <= 0) return this.return();
    if (this.#place === null || this.#version !== this.#versionNow()) this.#seek();
    if (this.#place === null || this.#place.next().done) return this.return();
    const key = this.#pair[0];
    if (this.#reverse) {
      if (compareEncodedKeys(key, this.#from) < 0) return this.return();
      this.#to = key;
    } else {
      if (compareEncodedKeys(key, this.#to) >= 0) return this.return();
      this.#from = key;
    }
    this.#left--;
    return { done: false, value: key };
  }

  return(): IteratorResult<string, undefined> {
    this.#left = 0;
    this.#place = null;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  #seek(): void {
    const resumed = this.#place !== null;
    this.#version = this.#versionNow();
    if (this.#tree.size === 0) {
      this.#place = null;
    } else if (this.#reverse) {
      this.#place = this.#tree.entriesReversed(this.#to, this.#pair, true);
    } else {
      // No key lies between a key and itself with "\0" behind it.
      const from = resumed ? `${this.#from}\0` : this.#from;
      this.#place = this.#tree.entries(from, this.#pair);
    }
  }
}
