/** What a user holds of a table of type `bag`: any number of distinct values a key. */

import { TableError } from "../errors.ts";
import { checkBatch } from "./batch.ts";
import type { WatchEvent } from "./change.ts";
import { decodeKey, encodeKey, type Key } from "./key.ts";
import type { Row } from "./row.ts";
import type { DumpedRow, ScanOptions, TableInfo, TableReads } from "./table-reads.ts";
import { clearTable, exportLines, importLines } from "./table-transfer.ts";
import { type Verification, verifyNode } from "./table-verify.ts";
import { encodeValue, valuesEqual } from "./value.ts";
import type { Watch, WatchOptions } from "./watch.ts";
import type { WriteCalls, WriteOptions, WriteResult } from "./write-calls.ts";

/**
 * A replicated multimap. A value that several nodes have added lives as long as one of them (or
 * until it is removed); equal values show once.
 */
export class BagTable<V = unknown, I extends string = string> {
  readonly #reads: TableReads;
  readonly #calls: WriteCalls;

  constructor(reads: TableReads, calls: WriteCalls) {
    this.#reads = reads;
    this.#calls = calls;
  }

  get name(): string {
    return this.#reads.state.name;
  }

  /** Keys with at least one visible value. */
  get size(): number {
    return this.#reads.state.size;
  }

  /** Adds a value under a key; adding an equal one again renews it. */
  add(key: Key, value: V, options?: WriteOptions): Promise<WriteResult> {
    return this.addMany([[key, value]], options);
  }

  /** Adds many values as one: each node applies all of them or none. */
  addMany(entries: Iterable<readonly [Key, V]>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const { tables } = this.#calls;
      const encoded = this.#encode(entries, (value) => this.#reads.encode(value));
      return tables.write.addMany(this.#reads.state, encoded);
    });
  }

  /** Removes a value, whoever added it. Without one it resolves `{ applied: false }`. */
  remove(key: Key, value: V, options?: WriteOptions): Promise<WriteResult> {
    return this.removeMany([[key, value]], options);
  }

  /** Removes many values as one. */
  removeMany(entries: Iterable<readonly [Key, V]>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const { tables } = this.#calls;
      return tables.write.removeMany(this.#reads.state, this.#encode(entries, encodeValue));
    });
  }

  /** Removes all values under a key. */
  delete(key: Key, options?: WriteOptions): Promise<WriteResult> {
    return this.deleteMany([key], options);
  }

  /** Removes all values under many keys as one. */
  deleteMany(keys: Iterable<Key>, options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(this.#reads, options, () => {
      const encoded: string[] = [];
      for (const key of keys) encoded.push(encodeKey(key));
      checkBatch(encoded, this.#calls.tables.limits);
      return this.#calls.tables.write.deleteMany(this.#reads.state, encoded);
    });
  }

  /** Serial calls are of sets; like the four below, this rejects with TableError. */
  insertNew(): Promise<never> {
    return this.#refuseSerial("insertNew");
  }

  /** Rejects with TableError. */
  getOrInsert(): Promise<never> {
    return this.#refuseSerial("getOrInsert");
  }

  /** Rejects with TableError. */
  setSerial(): Promise<never> {
    return this.#refuseSerial("setSerial");
  }

  /** Rejects with TableError. */
  replaceIf(): Promise<never> {
    return this.#refuseSerial("replaceIf");
  }

  /** Rejects with TableError. */
  withKey(): Promise<never> {
    return this.#refuseSerial("withKey");
  }

  /** The distinct values under a key, newest first. */
  getAll(key: Key): V[] {
    const head = this.#reads.state.rows.get(encodeKey(key));
    return head === undefined
      ? []
      : this.#distinct(head).map((row) => this.#reads.state.readRow(row) as V);
  }

  /** Whether there is any value under the key, or that one. */
  has(key: Key, ...value: [V] | []): boolean {
    if (value.length === 0) return this.#reads.visible(key) !== undefined;
    const encoded = encodeValue(value[0]);
    let row = this.#reads.state.rows.get(encodeKey(key)) ?? null;
    for (; row !== null; row = row.next) {
      if (!this.#reads.state.isHidden(row) && valuesEqual(row.value, encoded)) return true;
    }
    return false;
  }

  /** All keys and values, in key order if the table is ordered. */
  *[Symbol.iterator](): IterableIterator<[Key, V]> {
    yield* this.#pairs(this.#reads.heads());
  }

  /** All keys, likewise. */
  *keys(): IterableIterator<Key> {
    for (const row of this.#reads.heads()) yield decodeKey(row.key);
  }

  /** Keys and values of a piece of an ordered bag; `limit` counts keys. */
  *scan(options: ScanOptions = {}): IterableIterator<[Key, V]> {
    yield* this.#pairs(this.#reads.scan(options, (row) => row));
  }

  /** Rows that an index has under a value. */
  *find(index: I, value: Key): IterableIterator<[Key, V]> {
    for (const row of this.#reads.find(index, value)) {
      yield [decodeKey(row.key), this.#reads.state.readRow(row) as V];
    }
  }

  /** How many keys an index has under a value. */
  count(index: I, value: Key): number {
    return this.#reads.count(index, value);
  }

  /** Resolves when everything that this node has written is applied by all members. */
  sync(options?: WriteOptions): Promise<WriteResult> {
    return this.#calls.run(null, options, () => 0);
  }

  /** All visible rows in key order; with `hidden` also those of absent owners. */
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
    return importLines<V>(this.#reads, lines, (entries) => this.addMany(entries, options));
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

  #refuseSerial(call: string): Promise<never> {
    const error = new TableError(`table "${this.name}" is a bag; ${call} is of sets`);
    return this.#calls.rejection(error);
  }

  #encode(entries: Iterable<readonly [Key, V]>, encode: (value: V) => string): [string, string][] {
    const encoded: [string, string][] = [];
    for (const [key, value] of entries) encoded.push([encodeKey(key), encode(value)]);
    checkBatch(encoded, this.#calls.tables.limits);
    return encoded;
  }

  *#pairs(rows: Iterable<Row>): IterableIterator<[Key, V]> {
    for (const { key } of rows) {
      const head = this.#reads.state.rows.get(key);
      if (head === undefined) continue;
      for (const row of this.#distinct(head))
        yield [decodeKey(key), this.#reads.state.readRow(row) as V];
    }
  }

  #distinct(head: Row): Row[] {
    const rows: Row[] = [];
    for (let row: Row | null = head; row !== null; row = row.next) {
      const { value } = row;
      if (this.#reads.state.isHidden(row)) continue;
      if (!rows.some((other) => valuesEqual(other.value, value))) rows.push(row);
    }
    return rows;
  }
}
