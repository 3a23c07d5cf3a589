/**
 * Holding what a replica derives from its rows against the rows: orders, indexes, counts and
 * sums. In slices, while writes go on: keys are judged one by one; counts and sums of a table only
 * if nothing in it changed from the first row to the last.
 */
import { birthHash, Digest, hashBirth } from "../digest.ts";
import type { KeySet, Replica } from "../replica.ts";
import type { Row } from "../row.ts";
import type { SecondaryIndex } from "../secondary-index.ts";
import type { Slice } from "../slice.ts";
import { newTableCounts, type TableCounts, type TableState } from "../table-state.ts";

/** One thing that does not fit the rows. `key` is encoded; "" where the whole table is meant. */
export interface OwnFault {
  readonly kind: "order" | "index" | "counts" | "digest";
  readonly table: string;
  readonly key: string;
}

/** Faults that are kept one by one; the others are only counted. */
const FAULTS_KEPT = 1000;

/** One check. `step` is called until it says true. */
export class SelfCheck {
  readonly faults: OwnFault[] = [];
  found = 0;
  readonly #replica: Replica;
  readonly #repair: boolean;
  readonly #steps: Iterator<void>;
  readonly #touched: KeySet = new Map();

  constructor(replica: Replica, repair: boolean) {
    this.#replica = replica;
    this.#repair = repair;
    this.#steps = this.#run();
  }

  /** Handles rows for one slice; true once all is checked. */
  step(slice: Slice): boolean {
    do if (this.#steps.next().done === true) return true;
    while (!slice.isOver());
    return false;
  }

  *#run(): Generator<void> {
    this.#replica.touchSets.add(this.#touched);
    const { purgedRows } = this.#replica.counters;
    const wasQuiet = (): boolean => purgedRows === this.#replica.counters.purgedRows;
    const digest = new Digest();
    for (const table of this.#replica.tables.values()) {
      const counts = newTableCounts();
      yield* this.#checkRows(table, { counts, digest });
      if (!this.#touched.has(table) && wasQuiet()) this.#judgeCounts(table, counts);
      yield* this.#checkOrder(table);
      for (const index of table.indexes) yield* this.#checkPostings(table, index);
    }
    if (this.#touched.size === 0 && wasQuiet()) this.#judgeDigest(digest);
    this.#replica.touchSets.delete(this.#touched);
  }

  *#checkRows(
    table: TableState,
    sums: { readonly counts: TableCounts; readonly digest: Digest },
  ): Generator<void> {
    const { ids } = this.#replica.origins;
    const { counts, digest } = sums;
    for (const head of table.rows.values()) {
      if (table.ordered?.has(head.key) === false) {
        this.#fault("order", table, head.key);
        if (this.#repair) table.ordered.add(head.key);
      }
      counts.noteKey(head);
      for (let row: Row | null = head; row !== null; row = row.next) {
        digest.toggle(ids[row.birthOrigin] as number, row.birthSeq);
        hashBirth(ids[row.dotOrigin] as number, row.dotSeq);
        counts.sumA ^= birthHash.a;
        counts.sumB ^= birthHash.b;
        this.#checkIndexed(table, row);
      }
      yield;
    }
  }

  #checkIndexed(table: TableState, row: Row): void {
    for (const index of table.indexes) {
      const value = table.indexable(row);
      if (index.holds(row.key, value)) continue;
      this.#fault("index", table, row.key);
      if (this.#repair) index.add(row.key, value);
    }
  }

  *#checkOrder(table: TableState): Generator<void> {
    if (table.ordered === null) return;
    for (const key of table.ordered.scan()) {
      if (!table.rows.has(key)) {
        this.#fault("order", table, key);
        if (this.#repair) table.ordered.delete(key);
      }
      yield;
    }
  }

  /** Entries of an index that no row accounts for. */
  *#checkPostings(table: TableState, index: SecondaryIndex): Generator<void> {
    for (const [indexValue] of index.countBy()) {
      for (const key of index.find(indexValue)) {
        let isHeld = false;
        for (let row = table.rows.get(key) ?? null; row !== null && !isHeld; row = row.next) {
          isHeld = index.matches(table.indexable(row), indexValue);
        }
        if (!isHeld) {
          this.#fault("index", table, key);
          if (this.#repair) index.forget(key, indexValue);
        }
        yield;
      }
    }
  }

  #judgeCounts(table: TableState, counts: TableCounts): void {
    if (table.fits(counts)) return;
    this.#fault("counts", table, "");
    if (this.#repair) table.recount(counts);
  }

  #judgeDigest(counted: Digest): void {
    const { digest } = this.#replica;
    if (digest.equals(counted)) return;
    this.#note({ kind: "digest", table: "", key: "" });
    if (!this.#repair) return;
    digest.become(counted);
  }

  #fault(kind: OwnFault["kind"], table: TableState, key: string): void {
    this.#note({ kind, table: table.id, key });
  }

  #note(fault: OwnFault): void {
    this.found++;
    if (this.faults.length < FAULTS_KEPT) this.faults.push(fault);
  }
}
