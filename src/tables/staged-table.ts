/**
 * What a session brings for one table, kept so that it can become the table's rows in one step.
 *
 * Intuition: nearly all that comes to an empty table are rows alone under their key, of origins of
 * whose logs nothing was applied here. Whatever a merge does, it holds such a row as it is. So
 * they are counted as they come, and the map that they are in takes the place of the table's;
 * the few rows that the table holds by then come along. All others are odd: they are merged key
 * by key. Where anything stands against it, so are the plain ones.
 */
import { birthHash, Digest, hashBirth } from "./digest.ts";
import { OrderedKeys } from "./ordered-keys.ts";
import type { Origins } from "./origins.ts";
import type { Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { RowMap } from "./row-map.ts";
import type { TableState } from "./table-state.ts";

/** So many rows of the table's own can come along: they are looked up in one turn. */
const HELD_MAX = 2048;
/** With so many rows their digest is kept row by row; it takes 130 kB. */
const DIGEST_ROWS_MIN = 1024;

export class StagedTable {
  /** Rows that a merge would hold as they are, unless the table holds something under the key. */
  readonly plain: RowMap<Row>;
  /** All else that came, chained: see ChunkSink. */
  readonly odd: RowMap<Row>;
  /** The keys of `plain` in order, where the table is ordered. */
  readonly ordered: OrderedKeys | null;
  /** Plain rows by origin (local index). */
  readonly birthsOf: number[] = [];
  bytes = 0;
  sumA = 0;
  sumB = 0;
  readonly #table: TableState;
  readonly #origins: Origins;
  #digest: Digest | null = null;
  #hi = 0;
  #lo = 0;
  #held: Set<string> | null = null;

  constructor(table: TableState, origins: Origins) {
    this.#table = table;
    this.#origins = origins;
    this.plain = table.rows.alike();
    this.odd = table.rows.alike();
    this.ordered = table.ordered === null ? null : new OrderedKeys();
  }

  /** Keys staged. */
  get size(): number {
    return this.plain.size + this.odd.size;
  }

  /** Keys that the table held when it took the plain rows over; null if it did not. */
  get held(): ReadonlySet<string> | null {
    return this.#held;
  }

  /** Whether anything was staged under that key. */
  has(key: string): boolean {
    if (this.odd.has(key)) return true;
    return this.#held === null
      ? this.plain.has(key)
      : this.#table.rows.has(key) && !this.#held.has(key);
  }

  /** Stages what the server holds under a key; if it comes again, the later one counts. */
  take(first: Row): void {
    const { key } = first;
    if (this.#isPlain(first)) {
      const before = this.plain.set(first);
      if (before === undefined) {
        this.ordered?.add(key);
        if (this.odd.size > 0) this.odd.delete(key);
      } else this.#count(before, -1);
      this.#count(first, 1);
    } else {
      this.#remove(key);
      this.odd.set(first);
    }
  }

  /** The table takes the plain rows over, in one turn; false if they must be merged one by one. */
  becomesTable(replica: Replica): boolean {
    if (!this.#fits(replica)) return false;
    const held = new Set<string>();
    for (const { key } of this.#table.rows.values()) {
      const staged = this.#remove(key);
      if (staged !== undefined) this.odd.set(staged);
      this.ordered?.add(key);
      held.add(key);
    }
    replica.clock.see(this.#hi, this.#lo);
    if (this.#digest !== null) replica.digest.add(this.#digest);
    else this.#toggleAll(replica.digest);
    this.#table.adopt(this);
    this.#held = held;
    replica.counters.tablesTaken++;
    return true;
  }

  #isPlain(first: Row): boolean {
    const { birthOrigin } = first;
    if (first.next !== null || first.value === "") return false;
    return this.#origins.vector[birthOrigin] === 0 && !this.#table.isGone(first);
  }

  /** Nobody is to be told of each row, and nothing was applied of their origins since they came. */
  #fits({ ahead, touchSets }: Replica): boolean {
    const table = this.#table;
    if (this.plain.size === 0 || table.rows.size > HELD_MAX) return false;
    if (table.feed !== null || table.indexes.length > 0 || table.isAttaching) return false;
    if ((table.ordered === null) !== (this.ordered === null)) return false;
    if (ahead.size > 0 || touchSets.size > 0) return false;
    const { vector, gone } = this.#origins;
    return this.birthsOf.every(
      (births, origin) =>
        births === 0 || (vector[origin] === 0 && !(table.lifetime === "node" && gone[origin])),
    );
  }

  /** Takes a plain row out. */
  #remove(key: string): Row | undefined {
    if (this.plain.size === 0) return undefined;
    const row = this.plain.take(key);
    if (row === undefined) return undefined;
    this.ordered?.delete(key);
    this.#count(row, -1);
    return row;
  }

  #count(row: Row, by: 1 | -1): void {
    const { birthOrigin, birthSeq, dotOrigin, dotSeq } = row;
    const { ids } = this.#origins;
    this.birthsOf[birthOrigin] = (this.birthsOf[birthOrigin] ?? 0) + by;
    this.bytes += by * (row.key.length + row.value.length);
    if (row.hi > this.#hi || (row.hi === this.#hi && row.lo > this.#lo)) {
      this.#hi = row.hi;
      this.#lo = row.lo;
    }
    if (this.#digest !== null) this.#digest.toggle(ids[birthOrigin] as number, birthSeq);
    else if (this.plain.size >= DIGEST_ROWS_MIN) {
      this.#digest = new Digest();
      this.#toggleAll(this.#digest);
    }
    hashBirth(ids[dotOrigin] as number, dotSeq);
    this.sumA ^= birthHash.a;
    this.sumB ^= birthHash.b;
  }

  #toggleAll(digest: Digest): void {
    for (const { birthOrigin, birthSeq } of this.plain.values()) {
      digest.toggle(this.#origins.ids[birthOrigin] as number, birthSeq);
    }
  }
}
