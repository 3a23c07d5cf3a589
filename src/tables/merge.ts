/**
 * Merging a state session, in slices. From the first slice to the last the replica applies no
 * remote op, serves no session and reports its old vector; local writes go on. The vector jumps
 * with the last slice, and only here.
 *
 * A birth held here that the server covers and does not list is dead. For keys that were not
 * sent, that is decided by the bucket: if its sum differed, what is not listed is dead (a server
 * without the feature "held" lists nothing: it sends all keys of such a bucket); if it was equal,
 * only a birth that reached us after the pull can be.
 */
import { birthHash, hashBirth } from "./digest.ts";
import type { OpenPull } from "./pull.ts";
import type { Replica } from "./replica.ts";
import { retireCovered } from "./retirement.ts";
import type { Row } from "./row.ts";
import type { RowIterator, RowMap } from "./row-map.ts";
import type { EndFrame } from "./session-frames.ts";
import type { Slice } from "./slice.ts";
import type { StagedTable } from "./staged-table.ts";
import type { TableState } from "./table-state.ts";
import { Coverage } from "./view.ts";

/** Rows looked at between two yields where most stay as they are. */
const ROWS_PER_LOOK = 32;

/** One merge under way. */
export class Merge {
  readonly #replica: Replica;
  readonly #pull: OpenPull;
  readonly #end: EndFrame;
  readonly #coverage: Coverage;
  readonly #steps: Iterator<number>;
  readonly #close: (id: number) => void;

  /** `close` is told of every origin that the server has closed: more depends on that than rows. */
  constructor(
    parts: { readonly replica: Replica; readonly close: (id: number) => void },
    pull: OpenPull,
    end: EndFrame,
  ) {
    const { replica } = parts;
    this.#replica = replica;
    this.#close = parts.close;
    this.#pull = pull;
    this.#end = end;
    this.#coverage = new Coverage(end.view, replica.origins);
    this.#steps = this.#run();
  }

  /** Handles keys for one slice; true once all is merged. */
  step(slice: Slice): boolean {
    this.#replica.counters.mergeSlices++;
    for (;;) {
      const next = this.#steps.next();
      if (next.done === true) return true;
      if (slice.isOver(next.value)) return false;
    }
  }

  /** Yields how many keys it has looked at since it did so last. */
  *#run(): Generator<number> {
    for (const [table, staged] of this.#pull.staged) {
      const kept = table.rows.size;
      const isTaken = staged.becomesTable(this.#replica);
      yield isTaken ? kept + 1 : 1;
      if (!isTaken) yield* this.#mergeKeys(table, staged.plain);
      yield* this.#mergeKeys(table, staged.odd);
    }
    if (this.#end.differs.includes(1)) yield* this.#dropUnlisted();
    for (const [table, keys] of this.#pull.changed) {
      for (const key of keys) {
        this.#dropLateArrivals(table, key);
        yield 1;
      }
    }
    this.#finish();
  }

  *#mergeKeys(table: TableState, keys: RowMap<Row>): Generator<number> {
    for (const first of keys.values()) {
      this.#mergeKey(table, first);
      yield 1;
    }
  }

  #mergeKey(table: TableState, first: Row): void {
    const { key } = first;
    const head = table.rows.get(key);
    if (head === undefined && first.next === null) {
      if (first.value !== "") this.#replica.put(table, key, first, first);
      return;
    }
    let next: Row | null = null;
    for (let row = head ?? null; row !== null; row = next) {
      next = row.next;
      if (this.#coverage.covers(row.birthOrigin, row.birthSeq) && !lists(first, row)) {
        this.#drop(table, row);
      }
    }
    for (let sibling: Row | null = first; sibling !== null; sibling = sibling.next) {
      if (sibling.value !== "") this.#replica.put(table, key, sibling);
    }
  }

  *#dropUnlisted(): Generator<number> {
    let looked = 0;
    for (const table of this.#replica.tables.values()) {
      const staged = this.#pull.staged.get(table);
      const rows = notStaged(table, staged);
      for (let head = rows.nextRow(); head !== undefined; head = rows.nextRow()) {
        if (this.#hasUnlisted(head) && staged?.has(head.key) !== true) {
          this.#dropWhere(table, head, this.#isUnlisted);
        }
        if (++looked < ROWS_PER_LOOK) continue;
        yield looked;
        looked = 0;
      }
    }
  }

  #hasUnlisted(head: Row): boolean {
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (this.#isUnlisted(row)) return true;
    }
    return false;
  }

  #dropLateArrivals(table: TableState, key: string): void {
    if (this.#pull.staged.get(table)?.has(key) === true) return;
    const head = table.rows.get(key);
    if (head !== undefined) this.#dropWhere(table, head, this.#isLateArrival);
  }

  #dropWhere(table: TableState, head: Row, isDead: (row: Row) => boolean): void {
    let next: Row | null = null;
    for (let row: Row | null = head; row !== null; row = next) {
      next = row.next;
      if (this.#coverage.covers(row.birthOrigin, row.birthSeq) && isDead(row)) {
        this.#drop(table, row);
      }
    }
  }

  readonly #isUnlisted = (row: Row): boolean => {
    hashBirth(this.#replica.origins.ids[row.birthOrigin] as number, row.birthSeq);
    if (this.#end.differs[birthHash.bucket & (this.#end.buckets - 1)] === 0) return false;
    return !this.#pull.listed.has(row.birthOrigin, row.birthSeq);
  };

  readonly #isLateArrival = (row: Row): boolean =>
    row.birthSeq > (this.#pull.vector[row.birthOrigin] ?? 0);

  #drop(table: TableState, row: Row): void {
    this.#replica.drop(table, row);
    this.#replica.touch(table, row.key);
  }

  /** The last slice, in one turn: what the server knew beyond rows, and its view. */
  #finish(): void {
    const replica = this.#replica;
    const { origins } = replica;
    for (const { table, key, origin, seq } of this.#end.ahead) {
      replica.kill(table, key, origin, seq);
    }
    this.#adoptRetired();
    for (const [id, seq] of this.#end.view.vector) {
      const index = origins.intern(id);
      if (seq > (origins.vector[index] as number)) {
        origins.vector[index] = seq;
        replica.dropRing(index);
      }
      origins.list(index);
    }
    for (const id of this.#end.view.closed) this.#close(id);
    replica.ahead.prune((origin, seq) => origins.covered(origin, seq));
    replica.counters.merges++;
  }

  #adoptRetired(): void {
    const { retired } = this.#replica.origins;
    for (const [from, to] of this.#end.view.retired) retired.add(from, to);
    retireCovered(this.#replica, this.#close);
  }
}

/** Rows that may be under keys that were not staged. */
function notStaged({ rows }: TableState, staged?: StagedTable): RowIterator<Row> {
  if (staged?.held == null) return rows.values();
  const held = rows.alike();
  for (const key of staged.held) {
    const head = rows.get(key);
    if (head !== undefined) held.set(head);
  }
  return held.values();
}

function lists(first: Row, row: Row): boolean {
  for (let sibling: Row | null = first; sibling !== null; sibling = sibling.next) {
    if (sibling.birthSeq === row.birthSeq && sibling.birthOrigin === row.birthOrigin) return true;
  }
  return false;
}
