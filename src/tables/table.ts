/** What a user holds of a table of type `set`: one visible value a key. */

import { InvalidValueError } from "../errors.ts";
import { checkBatch } from "./batch.ts";
import type { WatchEvent } from "./change.ts";
import { decodeKey, encodeKey, type Key } from "./key.ts";
import type { Row } from "./row.ts";
import {
  type HoldOptions,
  type KeyHold,
  SerialCalls,
  type SerialMode,
  type SerialOptions,
} from "./serial-calls.ts";
import type { DumpedRow, ScanOptions, TableInfo, TableReads } from "./table-reads.ts";
import { clearTable, exportLines, importLines } from "./table-transfer.ts";
import { type Verification, verifyNode } from "./table-verify.ts";
import type { Watch, WatchOptions } from "./watch.ts";
import type { WriteCalls, WriteOptions, WriteResult } from "./write-calls.ts";

/** One row with what is known of it. */
export interface Entry<V> extends DumpedRow<V> {
  /**
   * Values of concurrent writes, greatest first: those that lost against `value`, or with `merge`
   * all that it was made of.
   */
  readonly siblings: readonly V[];
}

/**
 * A replicated map. Reads are local and see this node's own writes at once. Writes resolve when
 * the nodes asked for have applied them; they reject with AckTimeoutError, OverloadedError,
 * FencedError, NotRunningError, AbortedError or an error about their arguments.
 */
export class Table<V = unknown, I extends string = string> {
  readonly #reads: TableReads;
  readonly #calls: WriteCalls;
  readonly #serial: SerialCalls;

  constructor(reads: TableReads, calls: WriteCalls, mode: SerialMode = "available") {
    this.#reads = reads;
    this.#calls = calls;
    this.#serial = new SerialCalls(reads, calls, mode);
  }

  get name(): string {
    return this.#reads.state.name;
  }

  /** Keys with a visible value. */
  get size(): number {
    return this.#reads.state.size;
  }

  /** Writes a row; this node becomes its owner. */
  set(key: Key, value: V, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const encodedKey = encodeKey(key);
      const { tables } = this.#calls;
      return tables.write.set(this.#reads.state, encodedKey, this.#reads.encode(value));
    });
  }

  /** Writes many rows as one: each node applies all of them or none. At most 10,000 and 8 MiB. */
  setMany(entries: Iterable<readonly [Key, V]>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const { tables } = this.#calls;
      const encoded: [string, string][] = [];
      for (const [key, value] of entries) encoded.push([encodeKey(key), this.#reads.encode(value)]);
      checkBatch(encoded, tables.limits);
      return tables.write.setMany(this.#reads.state, encoded);
    });
  }

  /**
   * Changes some fields of a row whose value is a plain object. It never creates a row: without
   * one it resolves `{ applied: false }`. The owner stays. The whole new value is sent, so of two
   * patches made at the same time on two nodes the later one stands.
   */
  patch(key: Key, changes: Partial<V>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const row = this.#reads.visible(key);
      if (row === undefined) return 0;
      const value = this.#reads.state.read(row);
      if (!isPlainObject(value) || !isPlainObject(changes)) {
        throw new InvalidValueError("patch needs plain objects, both stored and given");
      }
      const { tables } = this.#calls;
      const patched = this.#reads.encode({ ...value, ...changes });
      return tables.write.patch(this.#reads.state, row.key, patched);
    });
  }

  /** Removes a row. Without one it resolves `{ applied: false }`. */
  delete(key: Key, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () =>
      this.#calls.tables.write.delete(this.#reads.state, encodeKey(key)),
    );
  }

  /** Removes many rows as one. */
  deleteMany(keys: Iterable<Key>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const encoded: string[] = [];
      for (const key of keys) encoded.push(encodeKey(key));
      checkBatch(encoded, this.#calls.tables.limits);
      return this.#calls.tables.write.deleteMany(this.#reads.state, encoded);
    });
  }

  /**
   * Writes a row if there is none; of all nodes that try, one gets true. Serial calls reject with
   * UnavailableError if nothing was done, with SerialUnknownError if the outcome is not known.
   */
  insertNew(key: Key, value: V, options?: SerialOptions): Promise<boolean> {
    return this.#serial.insertNew(key, value, options);
  }

  /** The row's value; if there is none, one is written first. `make` may be a function. */
  getOrInsert(
    key: Key,
    make: V | (() => V),
    options?: SerialOptions,
  ): Promise<{ inserted: boolean; value: V }> {
    return this.#serial.getOrInsert(key, make, options);
  }

  /**
   * Writes a row as the only one in the cluster that does so, and resolves with the value before.
   * A function gets that value and returns the new one; undefined removes the row.
   */
  setSerial(
    key: Key,
    change: V | ((current: V | undefined) => V | undefined),
    options?: SerialOptions,
  ): Promise<V | undefined> {
    return this.#serial.setSerial(key, change, options);
  }

  /** Writes a row if its version is still the one of `entry(key).version`; false if it is not. */
  replaceIf(key: Key, version: string, value: V, options?: SerialOptions): Promise<boolean> {
    return this.#serial.replaceIf(key, version, value, options);
  }

  /**
   * Runs `fn` while no other node runs a serial call on that key, and resolves with its result
   * once what this node has written is where it must be.
   */
  withKey<T>(key: Key, fn: (hold: KeyHold) => T | Promise<T>, options?: HoldOptions): Promise<T> {
    return this.#serial.withKey(key, fn, options);
  }

  /**
   * Removes what this node has written under a key, and nothing of what others have: of concurrent
   * writes theirs stay. Without a row of this node it resolves `{ applied: false }`.
   */
  withdraw(key: Key, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () =>
      this.#calls.tables.write.withdraw(this.#reads.state, encodeKey(key)),
    );
  }

  /** The value under a key. Plain data is frozen and shared: do not change it. */
  get(key: Key): V | undefined {
    const row = this.#reads.visible(key);
    return row === undefined ? undefined : (this.#reads.state.read(row) as V);
  }

  has(key: Key): boolean {
    return this.#reads.visible(key) !== undefined;
  }

  /** The row under a key with version, owner and time. */
  entry(key: Key): Entry<V> | undefined {
    const row = this.#reads.visible(key);
    if (row === undefined) return undefined;
    const { state } = this.#reads;
    const rows = row.next === null ? [] : state.visibleSiblings(row.key);
    const others = rows.length > 1 && state.merged !== null ? rows : rows.slice(1);
    const siblings = others.map((other) => other.read() as V);
    return { ...this.#reads.describe<V>(row, false), siblings };
  }

  /** All rows, in key order if the table is ordered. Rows that change meanwhile may be missed. */
  *[Symbol.iterator](): IterableIterator<[Key, V]> {
    for (const row of this.#reads.heads()) yield this.#pair(row);
  }

  /** All keys, likewise. */
  *keys(): IterableIterator<Key> {
    for (const row of this.#reads.heads()) yield decodeKey(row.key);
  }

  /** Rows of a piece of an ordered table, in key order. Throws TableError if it is not ordered. */
  scan(options: ScanOptions = {}): IterableIterator<[Key, V]> {
    return this.#reads.scan(options, (row) => this.#pair(row));
  }

  /** Rows that an index has under a value. Throws TableError without such an index. */
  *find(index: I, value: Key): IterableIterator<[Key, V]> {
    for (const row of this.#reads.find(index, value)) yield this.#pair(row);
  }

  /** How many rows an index has under a value. */
  count(index: I, value: Key): number {
    return this.#reads.count(index, value);
  }

  /** How many rows an index has under each value, hidden rows included. */
  countBy(index: I): IterableIterator<[Key, number]> {
    return this.#reads.countBy(index);
  }

  /** Resolves when everything that this node has written is applied by all members. */
  sync(options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(null, options, () => 0);
  }

  /** All visible rows in key order; with `hidden` also rows of absent owners and lost siblings. */
  dump(options: { readonly hidden?: boolean } = {}): DumpedRow<V>[] {
    return this.#reads.dump<V>(options);
  }

  /**
   * Tells of every change of what reads see, from now on, once and in the order in which it was
   * applied: as an async iterator, or to a listener at the end of each turn. See WatchOptions.
   */
  watch(options: WatchOptions<V, I>, listener: (event: WatchEvent<V>) => void): Watch<V>;
  watch(options?: WatchOptions<V, I>): Watch<V>;
  watch(
    options: WatchOptions<V, I> = {},
    listener: ((event: WatchEvent<V>) => void) | null = null,
  ): Watch<V> {
    return this.#reads.watchers.watch(options, listener);
  }

  /**
   * Removes all rows, hidden ones too, in batches that each wait as `options` say. Resolves to the
   * number of keys. Rows that are written meanwhile may stay.
   */
  clear(options?: WriteOptions): Promise<number> {
    return clearTable(this.#reads, (keys) => this.deleteMany(keys, options));
  }

  /** All visible rows as lines of JSON, without line ends, for `import`. */
  export(): IterableIterator<string> {
    return exportLines(this.#reads, this);
  }

  /** Writes the rows of an export, in batches that each wait as `options` say. Resolves to their number. */
  import(lines: Iterable<string> | AsyncIterable<string>, options?: WriteOptions): Promise<number> {
    return importLines<V>(this.#reads, lines, (entries) => this.setMany(entries, options));
  }

  /**
   * Compares this table on this node with itself (order, indexes, counts) and with every linked
   * peer, row by row, values included. Takes seconds for millions of rows; writes go on.
   */
  verify(): Promise<Verification> {
    return verifyNode(this.#calls.tables, { repair: false, table: this.#reads.state });
  }

  /**
   * Verifies all tables and mends what is wrong, here and at the peers. Returns what concerns
   * this one.
   */
  repair(): Promise<Verification> {
    return verifyNode(this.#calls.tables, { repair: true, table: this.#reads.state });
  }

  info(): TableInfo {
    return this.#reads.info();
  }

  #pair(row: Row): [Key, V] {
    return [decodeKey(row.key), this.#reads.state.read(row) as V];
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
