/**
 * What the watchers of one table have been told. It follows the rows op by op and records each
 * change of what is shown under a key: before the first touch of a key its rows are noted, after
 * the last one they are compared. Exists only while somebody watches.
 *
 * An owner that goes or comes changes what is shown of all its rows at once. That is told shard
 * by shard: keys of the shards that the scan has passed are seen with the new opinion of who is
 * hidden, the others with the old one. So each row is told once, whatever happens to it meanwhile.
 */
import type { Change, ChangeReason } from "./change.ts";
import type { Deliveries, Delivery } from "./deliveries.ts";
import type { Origins } from "./origins.ts";
import type { Row } from "./row.ts";
import { SHARDS } from "./row-map.ts";
import type { TableState } from "./table-state.ts";
import { valuesEqual } from "./value.ts";

/** One that wants to know. These calls come from within the tables: they may only remember. */
export interface ChangeSink {
  record?(change: Change): void;
  /** An owner is no longer shown. */
  ownerDown?(down: OwnerDown): void;
  /** Tells its listener of what it remembers; true if more is left. */
  flush(): boolean;
}

/** An owner of whom nothing is shown any more. */
export interface OwnerDown {
  readonly owner: number;
  readonly isGone: boolean;
  readonly rows: number;
}

/** A row that is shown, as it was at that moment: rows change in place. */
interface Shown {
  readonly birthOrigin: number;
  readonly birthSeq: number;
  readonly dotOrigin: number;
  readonly dotSeq: number;
  readonly value: string;
  /** It is one of several concurrent ones. */
  readonly hasSiblings: boolean;
}

const NOTHING: readonly Shown[] = [];

/** The told view of one table, and the sinks. */
export class ChangeFeed implements Delivery {
  readonly #table: TableState;
  readonly #origins: Origins;
  readonly #deliveries: Deliveries;
  readonly #sinks = new Set<ChangeSink>();
  /** Sinks that record changes: without one, rows are not looked at. */
  #recorders = 0;
  /** Who is hidden, as told. */
  #told: readonly boolean[];
  /** Who is hidden, as told of shards below the position of the scan under way. */
  #next: readonly boolean[] | null = null;
  #position = 0;
  #scanDue = false;
  /** Owners that the scan under way takes out, and those that the next one will. */
  #downs: readonly OwnerDown[] = [];
  readonly #nextDowns = new Map<number, OwnerDown>();
  #key: string | null = null;
  #before: readonly Shown[] = NOTHING;

  constructor(table: TableState, origins: Origins, deliveries: Deliveries) {
    this.#table = table;
    this.#origins = origins;
    this.#deliveries = deliveries;
    this.#told = [...origins.hidden];
  }

  /** Adds one; a table without sinks needs no watch. */
  add(sink: ChangeSink): void {
    this.#close("resync");
    this.#sinks.add(sink);
    if (sink.record !== undefined) this.#recorders++;
  }

  /** Takes one out; false if it was the last. */
  remove(sink: ChangeSink): boolean {
    if (this.#sinks.delete(sink) && sink.record !== undefined) this.#recorders--;
    return this.#sinks.size > 0;
  }

  /** The declaration of the table is gone: nobody is told anything more, whatever is under way. */
  end(): void {
    this.#sinks.clear();
    this.#recorders = 0;
    this.#key = null;
    this.#before = NOTHING;
    this.#next = null;
    this.#scanDue = false;
    this.#downs = [];
    this.#nextDowns.clear();
  }

  /** Nothing is left to be told. */
  get isIdle(): boolean {
    return this.#key === null && this.#next === null && this.#nextDowns.size === 0;
  }

  /** Before the rows of a key change; again for the same key changes nothing. */
  begins(key: string): void {
    if (this.#key === key || this.#recorders === 0) return;
    this.#close("resync");
    this.#key = key;
    this.#before = this.#shownUnder(key, this.#hiddenFor(key));
    this.#deliveries.add(this);
  }

  /** An op has been applied. */
  ends(reason: ChangeReason): void {
    if (this.#key !== null) this.#close(reason);
  }

  /** Owners have been hidden, shown or closed. */
  ownersChanged(): void {
    this.#scanDue = true;
    this.#noteDowns();
    this.#deliveries.add(this);
  }

  /** Now, for the rows of an owner that is gone may be purged before the scan. */
  #noteDowns(): void {
    const { hidden, gone, ids } = this.#origins;
    const seen = this.#next ?? this.#told;
    for (let index = 0; index < ids.length; index++) {
      const rows = this.#nextDowns.get(index)?.rows ?? this.#table.birthsOf(index);
      if (seen[index] === false && hidden[index] === true && rows > 0) {
        const isGone = gone[index] as boolean;
        this.#nextDowns.set(index, { owner: ids[index] as number, isGone, rows });
      } else this.#nextDowns.delete(index);
    }
  }

  /** A slice of the scan; then all sinks tell what they have. */
  deliver(rows: number): boolean {
    this.#close("resync");
    let more = this.#scan(rows);
    for (const sink of [...this.#sinks]) if (sink.flush()) more = true;
    return more;
  }

  #close(cause: ChangeReason): void {
    const key = this.#key;
    if (key === null) return;
    this.#key = null;
    const after = this.#shownUnder(key, this.#hiddenFor(key));
    const before = this.#before;
    this.#before = NOTHING;
    this.#compare(key, before, after, cause);
  }

  /** A row may be purged before the scan has come to it. */
  #reasonFor(before: Shown | undefined, cause: ChangeReason): ChangeReason {
    const isPurged = cause === "resync" && before !== undefined && this.#isGone(before);
    return isPurged ? "ownerDown" : cause;
  }

  #isGone(shown: Shown): boolean {
    return this.#table.lifetime === "node" && (this.#origins.gone[shown.birthOrigin] as boolean);
  }

  #hiddenFor(key: string): readonly boolean[] {
    if (this.#next === null) return this.#told;
    return this.#table.rows.shardOf(key) < this.#position ? this.#next : this.#told;
  }

  #shownUnder(key: string, hidden: readonly boolean[]): readonly Shown[] {
    const head = this.#table.rows.get(key);
    return head === undefined ? NOTHING : this.#shownOf(head, hidden);
  }

  /** What is shown of a chain: of a set one row at most, of a bag all. */
  #shownOf(head: Row, hidden: readonly boolean[]): readonly Shown[] {
    const mayHide = this.#table.lifetime === "node";
    const rows: Row[] = [];
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (!mayHide || hidden[row.birthOrigin] === false) rows.push(row);
    }
    if (this.#table.type === "bag") return rows.map((row) => shown(row, row.value, false));
    const [first] = rows;
    if (first === undefined) return NOTHING;
    if (rows.length === 1) return [shown(first, first.value, false)];
    const merged = this.#table.merged?.of(rows);
    return [shown(first, merged?.encoded ?? first.value, true)];
  }

  #compare(
    key: string,
    before: readonly Shown[],
    after: readonly Shown[],
    cause: ChangeReason,
  ): void {
    if (this.#table.type === "bag") this.#compareBags(key, before, after, cause);
    else this.#compareOne(key, before[0], after[0], cause);
  }

  #compareOne(
    key: string,
    before: Shown | undefined,
    after: Shown | undefined,
    cause: ChangeReason,
  ): void {
    const value = after?.value ?? null;
    const previous = before?.value ?? null;
    const row = after ?? before;
    if (row === undefined) return;
    if (before !== undefined && after !== undefined && value === previous) {
      const isMerged = this.#table.merged !== null && (before.hasSiblings || after.hasSiblings);
      if (isMerged || isSameWrite(before, after)) return;
    }
    const owner = this.#origins.ids[row.birthOrigin] as number;
    const why = this.#reasonFor(before, cause);
    const reason = after === undefined ? why : reasonOfSet(after, before, why);
    this.#record({ key, value, previous, owner, reason });
  }

  /** In a bag a value comes and goes once, however many have added it. */
  #compareBags(
    key: string,
    before: readonly Shown[],
    after: readonly Shown[],
    cause: ChangeReason,
  ): void {
    for (const row of newValues(before, after)) {
      const owner = this.#origins.ids[row.birthOrigin] as number;
      const reason = this.#reasonFor(row, cause);
      this.#record({ key, value: null, previous: row.value, owner, reason });
    }
    for (const row of newValues(after, before)) {
      const owner = this.#origins.ids[row.birthOrigin] as number;
      this.#record({ key, value: row.value, previous: null, owner, reason: cause });
    }
  }

  #record(change: Change): void {
    for (const sink of this.#sinks) sink.record?.(change);
    this.#deliveries.add(this);
  }

  /** True while there is more to scan. */
  #scan(rows: number): boolean {
    if (this.#next === null && !this.#beginScan()) return false;
    const next = this.#next as readonly boolean[];
    let seen = 0;
    while (this.#position < SHARDS && seen < rows) {
      for (const head of this.#table.rows.shard(this.#position)) {
        seen++;
        this.#scanChain(head, next);
      }
      this.#position++;
    }
    if (this.#position < SHARDS) return true;
    this.#endScan(next);
    return this.#scanDue;
  }

  #beginScan(): boolean {
    if (!this.#scanDue) return false;
    this.#scanDue = false;
    const next = [...this.#origins.hidden];
    let differs = false;
    for (let index = 0; index < next.length; index++) {
      if ((this.#told[index] ?? true) === next[index]) continue;
      if (this.#table.birthsOf(index) > 0) differs = true;
    }
    this.#downs = [...this.#nextDowns.values()];
    this.#nextDowns.clear();
    this.#next = next;
    this.#position = differs && this.#table.lifetime === "node" ? 0 : SHARDS;
    return true;
  }

  #endScan(next: readonly boolean[]): void {
    this.#told = next;
    this.#next = null;
    for (const down of this.#downs) for (const sink of this.#sinks) sink.ownerDown?.(down);
    this.#downs = [];
  }

  #scanChain(head: Row, next: readonly boolean[]): void {
    let differs = false;
    for (let row: Row | null = head; row !== null; row = row.next) {
      if ((this.#told[row.birthOrigin] ?? true) !== (next[row.birthOrigin] ?? true)) differs = true;
    }
    if (!differs) return;
    const before = this.#shownOf(head, this.#told);
    const after = this.#shownOf(head, next);
    const lost = before.find((row) => next[row.birthOrigin] !== false);
    const reason = lost === undefined ? "ownerBack" : this.#absence(lost);
    this.#compare(head.key, before, after, reason);
  }

  #absence(row: Shown): ChangeReason {
    return this.#isGone(row) ? "ownerDown" : "ownerSuspect";
  }
}

function shown(row: Row, value: string, hasSiblings: boolean): Shown {
  const { birthOrigin, birthSeq, dotOrigin, dotSeq } = row;
  return { birthOrigin, birthSeq, dotOrigin, dotSeq, value, hasSiblings };
}

function isSameWrite(a: Shown, b: Shown): boolean {
  return a.dotSeq === b.dotSeq && a.dotOrigin === b.dotOrigin;
}

/** The ops of a conflict say less than that it is one. */
function reasonOfSet(after: Shown, before: Shown | undefined, cause: ChangeReason): ChangeReason {
  const isOp = cause === "set" || cause === "patched";
  if (isOp && after.hasSiblings) return "conflict";
  const isEnd = cause === "deleted" || cause === "expired";
  return isEnd && before?.hasSiblings === true ? "conflict" : cause;
}

/** Values of some rows that no row of the others has, each once. */
function newValues(rows: readonly Shown[], others: readonly Shown[]): Shown[] {
  const found: Shown[] = [];
  for (const row of rows) {
    const isHeld = others.some(
      (other) => other.birthSeq === row.birthSeq && other.birthOrigin === row.birthOrigin,
    );
    if (isHeld || others.some((other) => valuesEqual(other.value, row.value))) continue;
    if (!found.some((other) => valuesEqual(other.value, row.value))) found.push(row);
  }
  return found;
}
