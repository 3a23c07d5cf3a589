/**
 * From a value's property, or whatever else the user's function makes of it, to the keys of the
 * rows that have it. The function is the user's: where it throws or returns what is no key, that
 * is counted and the row is not in the index, for an index never stops a write.
 */
import { encodeKey, type Key } from "./key.ts";
import { ShardedMap } from "./sharded-map.ts";

/** Keys of one index value. Most have one, which needs no set. */
type Posting = string | KeySet;

const FEW_KEYS_MAX = 4096;

/** One index of one table. */
export class SecondaryIndex {
  /** As declared. */
  readonly name: string;
  readonly #indexValueOf: (value: unknown) => Key | undefined;
  readonly #postings = new ShardedMap<Posting>();
  #errors = 0;

  /** `indexValueOf` gives undefined for values that the index leaves out. */
  constructor(name: string, indexValueOf: (value: unknown) => Key | undefined) {
    this.name = name;
    this.#indexValueOf = indexValueOf;
  }

  /**
   * How often the function threw or returned what is no key, or gave another answer at the end
   * of a value than at its start, by which keys that do not match stay in the index.
   */
  get errors(): number {
    return this.#errors;
  }

  /** Distinct index values. */
  get size(): number {
    return this.#postings.size;
  }

  /** Adding a key again under the same index value changes nothing. */
  add(encodedKey: string, value: unknown): void {
    const indexValue = this.#encodedIndexValue(value);
    if (indexValue === undefined) return;
    const posting = this.#postings.get(indexValue);
    if (posting === undefined) {
      this.#postings.set(indexValue, encodedKey);
    } else if (typeof posting === "string") {
      if (posting !== encodedKey) this.#postings.set(indexValue, new KeySet(posting, encodedKey));
    } else {
      posting.add(encodedKey);
    }
  }

  /** `value` is the one that was added. */
  remove(encodedKey: string, value: unknown): void {
    const indexValue = this.#encodedIndexValue(value);
    if (indexValue === undefined) return;
    const posting = this.#postings.get(indexValue);
    if (posting === undefined || (typeof posting === "string" && posting !== encodedKey)) {
      this.#errors++;
    } else if (typeof posting === "string") {
      this.#postings.delete(indexValue);
    } else {
      if (!posting.delete(encodedKey)) this.#errors++;
      if (posting.size === 0) this.#postings.delete(indexValue);
    }
  }

  /**
   * The keys under an index value. The index may change meanwhile: keys that are there from start
   * to end come exactly once, and none comes after it was removed.
   */
  *find(encodedIndexValue: string): IterableIterator<string> {
    const posting = this.#postings.get(encodedIndexValue);
    if (posting === undefined) return;
    if (typeof posting === "string") {
      yield posting;
      return;
    }
    yield* posting.keys();
  }

  /** Keys under an index value. */
  count(encodedIndexValue: string): number {
    return keysIn(this.#postings.get(encodedIndexValue));
  }

  /** Every index value, encoded, with the number of its keys. */
  *countBy(): IterableIterator<[string, number]> {
    for (const [indexValue, posting] of this.#postings.entries()) {
      yield [indexValue, keysIn(posting)];
    }
  }

  /** Whether a row of that value belongs under that index value. */
  matches(value: unknown, encodedIndexValue: string): boolean {
    return this.#encodedIndexValue(value) === encodedIndexValue;
  }

  /** Whether the key is in the index where a row of that value belongs. */
  holds(encodedKey: string, value: unknown): boolean {
    const indexValue = this.#encodedIndexValue(value);
    if (indexValue === undefined) return true;
    const posting = this.#postings.get(indexValue);
    if (posting === undefined || typeof posting === "string") return posting === encodedKey;
    return posting.has(encodedKey);
  }

  /** Takes a key out from under an index value, whatever its rows are. */
  forget(encodedKey: string, encodedIndexValue: string): void {
    const posting = this.#postings.get(encodedIndexValue);
    if (posting === undefined) return;
    if (typeof posting !== "string") posting.delete(encodedKey);
    if (keysIn(posting) === 0 || posting === encodedKey) this.#postings.delete(encodedIndexValue);
  }

  clear(): void {
    this.#postings.clear();
  }

  #encodedIndexValue(value: unknown): string | undefined {
    try {
      const indexValue = this.#indexValueOf(value);
      return indexValue === undefined ? undefined : encodeKey(indexValue);
    } catch {
      this.#errors++;
      return undefined;
    }
  }
}

function keysIn(posting: Posting | undefined): number {
  if (posting === undefined) return 0;
  return typeof posting === "string" ? 1 : posting.size;
}

/** A Set that turns into shards when it grows large, for the reasons of ShardedMap's. */
class KeySet {
  #keys: Set<string> | ShardedMap<true>;

  constructor(first: string, second: string) {
    this.#keys = new Set([first, second]);
  }

  get size(): number {
    return this.#keys.size;
  }

  add(key: string): void {
    const keys = this.#keys;
    if (keys instanceof ShardedMap) {
      keys.set(key, true);
    } else if (keys.add(key).size > FEW_KEYS_MAX) {
      const shards = new ShardedMap<true>();
      for (const each of keys) shards.set(each, true);
      this.#keys = shards;
    }
  }

  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  *keys(): IterableIterator<string> {
    const first = this.#keys;
    for (const key of first.keys()) {
      // After it has turned into shards, the Set stays as it was then.
      if (this.#keys === first || this.#keys.has(key)) yield key;
    }
    if (this.#keys === first) return;
    for (const key of this.#keys.keys()) {
      if (!first.has(key)) yield key;
    }
  }
}
