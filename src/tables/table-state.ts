/**
 * The rows of one table on this node: siblings chained under their key, an ordered index and
 * secondary indexes where declared. It knows what is held and what is shown; what should be held
 * is the replica's business.
 */

import type { ChangeFeed } from "./change-feed.ts";
import type { DecodedValues } from "./decoded-values.ts";
import type { Expiry } from "./expiry.ts";
import type { LostBirths } from "./lost-births.ts";
import type { MergedValues } from "./merged-values.ts";
import type { OrderedKeys } from "./ordered-keys.ts";
import type { Origins } from "./origins.ts";
import type { Quota } from "./quota.ts";
import { compareWrites, type Row } from "./row.ts";
import { RowMap, SHARDS } from "./row-map.ts";
import type { SecondaryIndex } from "./secondary-index.ts";
import type { SplitPolicy } from "./split.ts";
import type { StagedTable } from "./staged-table.ts";
import { isShareable } from "./value.ts";

/** So many rows come into order and indexes in the turn in which a table is declared. */
const ATTACHED_AT_ONCE_MAX = 2000;

/** `set`: one visible value a key. `bag`: any number of distinct values a key. */
export type TableType = "set" | "bag";

/** `node`: a row dies with the incarnation that wrote it. `cluster`: rows outlive their writer. */
export type TableLifetime = "node" | "cluster";

/** What identifies a table in the cluster; other declarations of a name are other tables. */
export interface TableIdentity {
  readonly name: string;
  readonly type: TableType;
  readonly lifetime: TableLifetime;
}

/** "name|type|lifetime": the key of a table in maps, logs and reports. */
export function tableId(identity: TableIdentity): string {
  return `${identity.name}|${identity.type}|${identity.lifetime}`;
}

/** Counts and sums over a table's rows, taken row by row to be held against those it keeps. */
export interface TableCounts {
  births: number;
  bytes: number;
  sumA: number;
  sumB: number;
  readonly multi: Set<string>;
  readonly singles: number[];
  readonly birthsOf: number[];
  /** Counts a chain of rows; the sums are the caller's. */
  noteKey(head: Row): void;
}

/** All zero. */
export function newTableCounts(): TableCounts {
  const counts: TableCounts = {
    ...{ births: 0, bytes: 0, sumA: 0, sumB: 0 },
    ...{ multi: new Set(), singles: [], birthsOf: [] },
    noteKey: (head) => {
      if (head.next !== null) counts.multi.add(head.key);
      else counts.singles[head.birthOrigin] = (counts.singles[head.birthOrigin] ?? 0) + 1;
      for (let row: Row | null = head; row !== null; row = row.next) {
        counts.births++;
        counts.bytes += row.key.length + row.value.length;
        counts.birthsOf[row.birthOrigin] = (counts.birthsOf[row.birthOrigin] ?? 0) + 1;
      }
    },
  };
  return counts;
}

/** What a set brings: its dot is the birth. */
interface Birth {
  readonly origin: number;
  readonly seq: number;
  readonly hi: number;
  readonly lo: number;
  readonly value: string;
}

/** One table's rows. */
export class TableState {
  readonly id: string;
  readonly name: string;
  readonly type: TableType;
  readonly lifetime: TableLifetime;
  readonly rows: RowMap<Row>;
  /** Declared by this node's code, or only known from peers. */
  declared = false;
  ordered: OrderedKeys | null = null;
  indexes: readonly SecondaryIndex[] = [];
  /** How siblings are shown, if the table says so. */
  merged: MergedValues | null = null;
  /** Told of changes while anybody watches. */
  feed: ChangeFeed | null = null;
  /** When rows of this node end, if the table says so. */
  expiry: Expiry | null = null;
  /** What this node's writes may make of it. */
  quota: Quota | null = null;
  /** What its writes do in a split, by this node's declaration. */
  split: SplitPolicy = "merge";
  /** Told of rows of this node that others end, once the table is declared. */
  lost: LostBirths | null = null;
  /** Keys with more than one sibling. */
  readonly multi = new Set<string>();
  /** Rows held, siblings counted one by one. */
  births = 0;
  /** About the bytes of keys and values held. */
  bytes = 0;
  /** Exclusive-or of the hashes of the newest writes held: equal rows, equal sums. */
  sumA = 0;
  sumB = 0;
  readonly #origins: Origins;
  readonly #decoded: DecodedValues;
  /** Shards whose rows are in order and indexes; the rows of others come into them later. */
  #attachedShards = SHARDS;
  /** Keys whose only row is of that origin (local index): makes `size` cheap while some hide. */
  readonly #singles: number[] = [];
  /** Rows held by origin (local index). */
  readonly #birthsOf: number[] = [];

  /** `hashSeed`: see RowMap. */
  constructor(identity: TableIdentity, origins: Origins, decoded: DecodedValues, hashSeed = 0) {
    this.rows = new RowMap(hashSeed);
    this.#decoded = decoded;
    this.id = tableId(identity);
    this.name = identity.name;
    this.type = identity.type;
    this.lifetime = identity.lifetime;
    this.#origins = origins;
  }

  /**
   * Declares order and indexes. Rows that are here already come into them: few at once, many by
   * `stepAttach`, or at the latest by `finishAttach`, before anything is read from them.
   */
  attach(ordered: OrderedKeys | null, indexes: readonly SecondaryIndex[]): void {
    this.ordered = ordered;
    this.indexes = indexes;
    if (ordered === null && indexes.length === 0) return;
    this.#attachedShards = 0;
    if (this.rows.size <= ATTACHED_AT_ONCE_MAX) this.finishAttach();
  }

  /** Takes some shards into order and indexes, at least one; true if more are left. */
  stepAttach(rows: number): boolean {
    for (let seen = 0; seen < rows && this.#attachedShards < SHARDS; ) {
      for (const head of this.rows.shard(this.#attachedShards)) {
        seen++;
        this.ordered?.add(head.key);
        for (let row: Row | null = head; row !== null; row = row.next) {
          for (const index of this.indexes) index.add(row.key, this.indexable(row));
        }
      }
      this.#attachedShards++;
    }
    return this.#attachedShards < SHARDS;
  }

  /** Takes in all that is left. */
  finishAttach(): void {
    if (this.#attachedShards < SHARDS) this.stepAttach(Number.POSITIVE_INFINITY);
  }

  /** Whether rows are left that are not in order and indexes yet. */
  get isAttaching(): boolean {
    return this.#attachedShards < SHARDS;
  }

  /** The table is declared no longer: its rows stay, as opaque ones. */
  detach(): void {
    this.#attachedShards = SHARDS;
    this.declared = false;
    this.split = "merge";
    this.ordered = null;
    this.indexes = [];
    this.merged = null;
    this.feed?.end();
    this.feed = null;
    this.expiry = null;
    this.quota = null;
    this.lost = null;
  }

  /** Whether the table's own counts and sums are those. */
  fits(counts: TableCounts): boolean {
    return (
      this.births === counts.births &&
      this.bytes === counts.bytes &&
      this.sumA === counts.sumA &&
      this.sumB === counts.sumB &&
      this.multi.size === counts.multi.size &&
      isSameTally(this.#singles, counts.singles) &&
      isSameTally(this.#birthsOf, counts.birthsOf)
    );
  }

  /** Takes those counts and sums over. */
  recount(counts: TableCounts): void {
    this.births = counts.births;
    this.bytes = counts.bytes;
    this.sumA = counts.sumA;
    this.sumB = counts.sumB;
    this.multi.clear();
    for (const key of counts.multi) this.multi.add(key);
    this.#singles.splice(0, this.#singles.length, ...counts.singles);
    this.#birthsOf.splice(0, this.#birthsOf.length, ...counts.birthsOf);
  }

  /** A row's value as indexes see it. */
  indexable(row: Row): unknown {
    // A value that a peer sent and nobody can decode is in no index; reading it throws.
    try {
      return this.readRow(row);
    } catch {
      return undefined;
    }
  }

  /** Rows held that this origin gave birth to. */
  birthsOf(origin: number): number {
    return this.#birthsOf[origin] ?? 0;
  }

  /** The row held under that birth. */
  find(key: string, birthOrigin: number, birthSeq: number): Row | null {
    let row: Row | null = this.rows.get(key) ?? null;
    while (row !== null && (row.birthSeq !== birthSeq || row.birthOrigin !== birthOrigin)) {
      row = row.next;
    }
    return row;
  }

  /** Whether the row's owner is gone for good, so that the row exists only until it is purged. */
  isGone(row: Row): boolean {
    return this.lifetime === "node" && (this.#origins.gone[row.birthOrigin] as boolean);
  }

  /** Whether reads pass over this row. */
  isHidden(row: Row): boolean {
    return this.lifetime === "node" && (this.#origins.hidden[row.birthOrigin] as boolean);
  }

  /** The row that reads see under the key. */
  visible(key: string): Row | undefined {
    const head = this.rows.get(key);
    if (head === undefined || !this.isHidden(head)) return head;
    return this.firstVisible(head);
  }

  /** The first of the chain that is shown. */
  firstVisible(head: Row): Row | undefined {
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (!this.isHidden(row)) return row;
    }
    return undefined;
  }

  /** What reads see of a visible row: its value, or what it and its siblings are merged to. */
  read(row: Row): unknown {
    if (this.merged === null || !this.multi.has(row.key)) return this.readRow(row);
    const siblings = this.visibleSiblings(row.key);
    const merged = siblings.length > 1 ? this.merged.of(siblings) : null;
    return merged === null ? this.readRow(row) : merged.read();
  }

  /** The row's own value, which stays decoded for a while if readers may share it. */
  readRow(row: Row): unknown {
    if (row.decoded !== undefined) return row.decoded;
    const value = row.read();
    if (isShareable(row.value)) this.#decoded.keep(row, value);
    return value;
  }

  /** The rows under a key that are not hidden, greatest first. */
  visibleSiblings(key: string): Row[] {
    const siblings: Row[] = [];
    for (let row = this.rows.get(key) ?? null; row !== null; row = row.next) {
      if (!this.isHidden(row)) siblings.push(row);
    }
    return siblings;
  }

  /** Keys with a visible row. */
  get size(): number {
    let size = this.rows.size;
    if (this.lifetime === "cluster" || this.#origins.hiddenCount === 0) return size;
    for (let origin = 0; origin < this.#singles.length; origin++) {
      if (this.#origins.hidden[origin]) size -= this.#singles[origin] ?? 0;
    }
    for (const key of this.multi) {
      if (this.firstVisible(this.rows.get(key) as Row) === undefined) size--;
    }
    return size;
  }

  /** Puts a row into its key's chain, whose head the caller has looked up. */
  insert(row: Row, head: Row | undefined): void {
    if (head === undefined) {
      this.rows.set(row);
      if (this.ordered !== null && this.#isAttached(row.key)) this.ordered.add(row.key);
      this.#countSingle(row, 1);
    } else {
      if (head.next === null) {
        this.#countSingle(head, -1);
        this.multi.add(row.key);
      }
      this.#chain(head, row);
    }
    this.births++;
    this.bytes += row.key.length + row.value.length;
    this.#birthsOf[row.birthOrigin] = this.birthsOf(row.birthOrigin) + 1;
    this.#index(row);
  }

  /**
   * Takes rows over that are alone under keys of which none is held here; their keys and those
   * held are in the staged order, if there is any.
   */
  adopt(staged: StagedTable): void {
    this.births += staged.plain.size;
    this.bytes += staged.bytes;
    this.sumA ^= staged.sumA;
    this.sumB ^= staged.sumB;
    for (const [origin, births] of staged.birthsOf.entries()) {
      if (births === undefined) continue;
      this.#singles[origin] = (this.#singles[origin] ?? 0) + births;
      this.#birthsOf[origin] = this.birthsOf(origin) + births;
    }
    this.ordered = staged.ordered;
    this.rows.adopt(staged.plain);
  }

  /** Takes a row out of its key's chain. */
  remove(row: Row): void {
    const head = this.#unchain(row);
    if (head === null) {
      this.rows.delete(row.key);
      this.ordered?.delete(row.key);
      this.#countSingle(row, -1);
    } else if (head.next === null) {
      this.multi.delete(row.key);
      this.merged?.forget(row.key);
      this.#countSingle(head, 1);
    }
    this.births--;
    this.bytes -= row.key.length + row.value.length;
    this.#birthsOf[row.birthOrigin] = this.birthsOf(row.birthOrigin) - 1;
    this.#unindex(row, head);
  }

  /** Writes a newer value under the same birth and moves the row to its place in the chain. */
  rewrite(
    row: Row,
    value: string,
    dotOrigin: number,
    dotSeq: number,
    hi: number,
    lo: number,
  ): void {
    const alone = this.rows.get(row.key) === row && row.next === null;
    const rest = alone ? null : this.#unchain(row);
    this.#unindex(row, rest);
    this.bytes += value.length - row.value.length;
    row.value = value;
    row.decoded = undefined;
    row.dotOrigin = dotOrigin;
    row.dotSeq = dotSeq;
    row.hi = hi;
    row.lo = lo;
    if (rest !== null) this.#chain(rest, row);
    this.#index(row);
  }

  /**
   * Turns the only row of a key into another birth with a newer value: what removing it and
   * inserting the other comes to, at one look-up instead of six.
   */
  overwrite(row: Row, op: Birth): void {
    this.#countSingle(row, -1);
    this.#birthsOf[row.birthOrigin] = this.birthsOf(row.birthOrigin) - 1;
    this.#unindex(row, null);
    this.bytes += op.value.length - row.value.length;
    row.value = op.value;
    row.decoded = undefined;
    row.birthOrigin = op.origin;
    row.birthSeq = op.seq;
    row.dotOrigin = op.origin;
    row.dotSeq = op.seq;
    row.hi = op.hi;
    row.lo = op.lo;
    this.#countSingle(row, 1);
    this.#birthsOf[row.birthOrigin] = this.birthsOf(row.birthOrigin) + 1;
    this.#index(row);
  }

  #chain(head: Row, row: Row): void {
    const ids = this.#origins.ids;
    if (compareWrites(ids, row, head) > 0) {
      row.next = head;
      this.rows.set(row);
      return;
    }
    let before = head;
    while (before.next !== null && compareWrites(ids, row, before.next) < 0) before = before.next;
    row.next = before.next;
    before.next = row;
  }

  /** Returns the new head. The map's entry stays when the chain becomes empty. */
  #unchain(row: Row): Row | null {
    const head = this.rows.get(row.key) as Row;
    if (head === row) {
      const next = row.next;
      row.next = null;
      if (next !== null) this.rows.set(next);
      return next;
    }
    let before = head;
    while (before.next !== row) before = before.next as Row;
    before.next = row.next;
    row.next = null;
    return head;
  }

  #isAttached(key: string): boolean {
    return this.#attachedShards === SHARDS || this.rows.shardOf(key) < this.#attachedShards;
  }

  #index(row: Row): void {
    if (this.indexes.length === 0 || !this.#isAttached(row.key)) return;
    for (const index of this.indexes) index.add(row.key, this.indexable(row));
  }

  #unindex(row: Row, rest: Row | null): void {
    if (this.indexes.length === 0 || !this.#isAttached(row.key)) return;
    for (const index of this.indexes) {
      index.remove(row.key, this.indexable(row));
      for (let other = rest; other !== null; other = other.next) {
        index.add(row.key, this.indexable(other));
      }
    }
  }

  #countSingle(row: Row, by: number): void {
    this.#singles[row.birthOrigin] = (this.#singles[row.birthOrigin] ?? 0) + by;
  }
}

/** Counts by origin: one that is left out is zero. */
function isSameTally(one: readonly number[], other: readonly number[]): boolean {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    if ((one[at] ?? 0) !== (other[at] ?? 0)) return false;
  }
  return true;
}
