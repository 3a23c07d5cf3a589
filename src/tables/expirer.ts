/**
 * Removes rows whose time is over, in slices: this node's own ones, and after a grace those of
 * lifetime `cluster` whose owner is gone. Each live member waits a grace longer than those of
 * lower origins, so that usually one of them does it, and another if that one has not declared
 * the table. Two that do it at once end the same births, which is one removal.
 */
import type { Expiry } from "./expiry.ts";
import type { LocalWriter } from "./local-writer.ts";
import type { Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { TableState } from "./table-state.ts";

/** Rows removed in one slice. */
const REMOVALS_PER_STEP = 500;

/** A scan for rows of owners that are gone. */
interface AbsentScan {
  readonly table: TableState;
  /** Local index to the last seq that is overdue. */
  readonly owners: ReadonlyMap<number, number>;
  readonly heads: Iterator<Row>;
}

/** Of one node. */
export class Expirer {
  readonly #replica: Replica;
  readonly #write: LocalWriter;
  /** Tables with overdue rows of this node. */
  readonly #due = new Set<TableState>();
  readonly #scans = new Map<TableState, AbsentScan>();

  constructor(replica: Replica, write: LocalWriter) {
    this.#replica = replica;
    this.#write = write;
  }

  /** Looks for what is overdue. With every round of pings. */
  tick(nowMs: number): void {
    for (const table of this.#replica.tables.values()) {
      const { expiry } = table;
      if (expiry === null) continue;
      if (expiry.isDue(nowMs)) this.#due.add(table);
      if (table.lifetime === "cluster") this.#lookForAbsent(table, expiry, nowMs);
    }
  }

  /** One slice; true if more is to be done at once. */
  step(nowMs: number, rows: number): boolean {
    for (const table of this.#due) {
      const overdue = table.expiry?.overdue(nowMs, REMOVALS_PER_STEP) ?? [];
      if (table.expiry?.isDue(nowMs) !== true) this.#due.delete(table);
      this.#write.expire(table, overdue);
    }
    for (const scan of this.#scans.values()) this.#stepScan(scan, rows);
    return this.#due.size > 0 || this.#scans.size > 0;
  }

  #lookForAbsent(table: TableState, expiry: Expiry, nowMs: number): void {
    if (this.#scans.has(table)) return;
    const graceMs = this.#replica.limits.expiryGraceMs * (1 + this.#rank());
    const owners = expiry.absentOwners(nowMs, graceMs);
    if (owners.size === 0) return;
    this.#scans.set(table, { table, owners, heads: table.rows.values() });
  }

  #stepScan({ table, owners, heads }: AbsentScan, rows: number): void {
    const { hidden } = this.#replica.origins;
    const overdue: { key: string; origin: number; seq: number }[] = [];
    for (let looked = 0; looked < rows && overdue.length < REMOVALS_PER_STEP; looked++) {
      const head = heads.next();
      if (head.done === true) {
        this.#scans.delete(table);
        break;
      }
      for (let row: Row | null = head.value; row !== null; row = row.next) {
        // It may have come back since the scan began.
        if (!hidden[row.birthOrigin] || row.birthSeq > (owners.get(row.birthOrigin) ?? 0)) continue;
        overdue.push({ key: row.key, origin: row.birthOrigin, seq: row.birthSeq });
      }
    }
    this.#write.expire(table, overdue);
  }

  /** How many members that are there have a lower origin. */
  #rank(): number {
    const { ids, hidden, listed, self } = this.#replica.origins;
    let rank = 0;
    for (const index of ids.keys()) {
      const isThere = hidden[index] === false && listed[index] === true;
      if (isThere && (ids[index] as number) < (ids[self] as number)) rank++;
    }
    return rank;
  }
}
