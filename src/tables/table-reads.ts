/** Reading one table on this node: local, synchronous, never waiting. Shared by both table types. */
import { InvalidArgumentError, TableError } from "../errors.ts";
import { checkSchema, type StandardSchema } from "../standard-schema.ts";
import { stampToMs } from "./hybrid-clock.ts";
import { compareEncodedKeys, decodeKey, encodeKey, type Key } from "./key.ts";
import type { KeyScan, ScanRange } from "./ordered-keys.ts";
import type { Row } from "./row.ts";
import { RowScan } from "./row-scan.ts";
import type { SecondaryIndex } from "./secondary-index.ts";
import type { SplitPolicy } from "./split.ts";
import type { TableLifetime, TableState, TableType } from "./table-state.ts";
import type { Tables } from "./tables.ts";
import { encodeValue } from "./value.ts";
import { Watchers } from "./watchers.ts";

/** A piece of an ordered table. `prefix` excludes `from` and `to`. */
export interface ScanOptions {
  /** Leading elements of tuple keys, or leading characters of string keys. */
  readonly prefix?: Key;
  /** First key, included. */
  readonly from?: Key;
  /** Last key, excluded. */
  readonly to?: Key;
  /** At most so many rows. */
  readonly limit?: number;
  /** From the last to the first. Default false. */
  readonly reverse?: boolean;
}

/** One stored row, as `dump` gives it. */
export interface DumpedRow<V> {
  readonly key: Key;
  readonly value: V;
  /** Opaque; changes with each write of the row. */
  readonly version: string;
  /** Name of the node that wrote the row, if this node knows it. */
  readonly owner: string | undefined;
  readonly ownerOrigin: number;
  /** When it was written, by its writer's clock, ms since the Unix epoch. */
  readonly writtenAt: number;
  /** Its owner is not alive in this node's opinion, or it lost against a concurrent write. */
  readonly hidden: boolean;
}

/** Facts about one table on this node. */
export interface TableInfo {
  readonly name: string;
  readonly type: TableType;
  readonly lifetime: TableLifetime;
  /** What this node's writes do in a split. */
  readonly split: SplitPolicy;
  /** They are refused now. */
  readonly paused: boolean;
  /** Visible keys. */
  readonly size: number;
  /** Rows stored, hidden ones and siblings too. */
  readonly rows: number;
  /** About the bytes of keys and encoded values. */
  readonly bytes: number;
  /** Keys with more than one row. */
  readonly siblings: number;
  /** Rows known to be deleted before they came: none once the nodes are at rest. */
  readonly awaited: number;
  /** Sum over the rows stored, hexadecimal: equal on replicas that hold the same rows. */
  readonly digest: string;
  /** Rows of this node that others' writes have ended or put into the shade, since the start. */
  readonly conflicts: number;
  /** How often functions of indexes threw or gave what is no key. */
  readonly indexErrors: number;
  /** How often `merge` threw or gave what no table can hold. */
  readonly mergeErrors: number;
}

/** Reads of one table. */
export class TableReads {
  #state: TableState;
  #tables: Tables;
  #isRemoved = false;
  /** Name of the node of an origin id, if this node knows it. */
  readonly nameOf: (originId: number) => string | undefined;
  readonly watchers: Watchers = new Watchers(this);
  /** Of the values that this node writes. */
  schema: StandardSchema | null = null;

  constructor(state: TableState, tables: Tables, nameOf: (originId: number) => string | undefined) {
    this.#state = state;
    this.#tables = tables;
    this.nameOf = nameOf;
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** Throws TableError once the table was removed. */
  get state(): TableState {
    if (this.#isRemoved) throw new TableError(`table "${this.#state.name}" was removed`);
    return this.#state;
  }

  /** Whether the declaration was taken back. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** Ends every use of this declaration; the rows stay. */
  remove(): void {
    this.watchers.stop();
    this.#state.detach();
    this.#isRemoved = true;
  }

  /** The node goes on as a new incarnation: the same table, filled afresh. */
  rebind(state: TableState, tables: Tables): void {
    this.#state = state;
    this.#tables = tables;
    this.watchers.rebind();
  }

  /**
   * A value to be written, checked by the schema.
   * @throws InvalidValueError, TooLargeError
   */
  encode(value: unknown): string {
    return encodeValue(this.schema === null ? value : checkSchema(this.schema, value));
  }

  /** The visible row under a key. */
  visible(key: unknown): Row | undefined {
    return this.state.visible(encodeKey(key));
  }

  /** Heads of the chains of visible rows, in key order if the table is ordered. */
  heads(): IterableIterator<Row> {
    this.state.finishAttach();
    const { ordered } = this.state;
    if (ordered === null) return this.#unordered();
    return this.#rowsOf(ordered.scan(), Number.POSITIVE_INFINITY, (row) => row);
  }

  *#unordered(): IterableIterator<Row> {
    for (const head of this.state.rows.values()) {
      const row = this.state.firstVisible(head);
      if (row !== undefined) yield row;
    }
  }

  /** What `make` makes of the visible rows of a piece of an ordered table, one by one. */
  scan<T>(options: ScanOptions, make: (row: Row) => T): IterableIterator<T> {
    this.state.finishAttach();
    const { ordered, name } = this.state;
    if (ordered === null) {
      throw new TableError(`table "${name}" is not ordered; declare it with { ordered: true }`);
    }
    const { limit = Number.POSITIVE_INFINITY, ...range } = options;
    if (!(limit >= 0)) {
      throw new InvalidArgumentError(`limit is ${String(limit)}, allowed are numbers from 0`);
    }
    return this.#rowsOf(ordered.scan(range as ScanRange), limit, make);
  }

  /** Visible rows that an index has under a value; in a bag, each row that matches. */
  *find(indexName: string, value: unknown): IterableIterator<Row> {
    const index = this.index(indexName);
    const encoded = encodeKey(value);
    for (const key of index.find(encoded)) {
      const head = this.state.rows.get(key);
      if (head === undefined) continue;
      if (this.state.type === "bag") {
        for (let row: Row | null = head; row !== null; row = row.next) {
          if (!this.state.isHidden(row) && index.matches(this.state.readRow(row), encoded))
            yield row;
        }
      } else {
        const row = this.state.firstVisible(head);
        if (row === undefined) continue;
        // Siblings are all in the index; only the visible one counts.
        if (row.next === null && row === head) yield row;
        else if (this.state.merged !== null && this.state.multi.has(key)) continue;
        else if (index.matches(this.state.readRow(row), encoded)) yield row;
      }
    }
    if (this.state.merged !== null) yield* this.#findMerged(index, encoded);
  }

  /** Merged values are in no index: they depend on which siblings are hidden. */
  *#findMerged(index: SecondaryIndex, encoded: string): IterableIterator<Row> {
    for (const key of this.state.multi) {
      const row = this.state.visible(key);
      if (row !== undefined && index.matches(this.state.read(row), encoded)) yield row;
    }
  }

  /** Visible rows that an index has under a value, by their number. */
  count(indexName: string, value: unknown): number {
    const noneHidden =
      this.state.multi.size === 0 &&
      (this.state.lifetime === "cluster" || this.#tables.replica.origins.hiddenCount === 0);
    if (noneHidden) return this.index(indexName).count(encodeKey(value));
    let count = 0;
    for (const _ of this.find(indexName, value)) count++;
    return count;
  }

  /** Index values and how many keys have each; counts rows of hidden owners too. */
  *countBy(indexName: string): IterableIterator<[Key, number]> {
    for (const [encoded, count] of this.index(indexName).countBy()) {
      yield [decodeKey(encoded), count];
    }
  }

  index(name: string): SecondaryIndex {
    this.state.finishAttach();
    const index = this.state.indexes.find((candidate) => candidate.name === name);
    if (index !== undefined) return index;
    const known = this.state.indexes.map((candidate) => `"${candidate.name}"`).join(", ");
    throw new TableError(
      `table "${this.state.name}" has no index "${name}"; it has ${known || "none"}`,
    );
  }

  /** All visible rows, or with `hidden` all stored ones, in key order. */
  dump<V>(options: { readonly hidden?: boolean }): DumpedRow<V>[] {
    const keys = [...this.state.rows.keys()].sort(compareEncodedKeys);
    const rows: DumpedRow<V>[] = [];
    for (const key of keys) {
      let shown = false;
      for (let row = this.state.rows.get(key) ?? null; row !== null; row = row.next) {
        if (this.state.isGone(row)) continue;
        const lost = shown && this.state.type === "set";
        const hidden = lost || this.state.isHidden(row);
        if (!hidden) shown = true;
        if (!hidden || options.hidden === true) rows.push(this.describe<V>(row, hidden));
      }
    }
    return rows;
  }

  describe<V>(row: Row, hidden: boolean): DumpedRow<V> {
    const ownerOrigin = this.#tables.replica.origins.ids[row.birthOrigin] as number;
    return {
      key: decodeKey(row.key),
      value: (hidden ? this.state.readRow(row) : this.state.read(row)) as V,
      version: this.version(row),
      owner: this.nameOf(ownerOrigin),
      ownerOrigin,
      writtenAt: stampToMs(row.hi, row.lo),
      hidden,
    };
  }

  version(row: Row): string {
    return versionOf(this.#tables.replica.origins.ids, row);
  }

  info(): TableInfo {
    const { state } = this;
    return {
      name: state.name,
      type: state.type,
      lifetime: state.lifetime,
      split: state.split,
      paused: this.#tables.split.errorOf(state, false) !== null,
      size: state.size,
      rows: state.births,
      bytes: state.bytes,
      siblings: state.multi.size,
      awaited: this.#tables.replica.ahead.sizeOf(state),
      digest: hex(state.sumA) + hex(state.sumB),
      conflicts: state.lost?.count ?? 0,
      mergeErrors: state.merged?.errors ?? 0,
      indexErrors: state.indexes.reduce((sum, index) => sum + index.errors, 0),
    };
  }

  #rowsOf<T>(keys: KeyScan, limit: number, make: (row: Row) => T): IterableIterator<T> {
    return new RowScan(keys, limit, { visible: (key) => this.state.visible(key), make });
  }
}

/** Opaque name of a row's newest write; `ids` are origin ids by local index. */
export function versionOf(ids: readonly number[], row: Row): string {
  return `${ids[row.dotOrigin]}.${row.dotSeq}`;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
