/**
 * One node's replica: the rows of all tables as a pure function of the ops covered and the
 * origins closed. Everything that changes a row passes through `apply`, `kill` or `put` here;
 * who sends what to whom is decided elsewhere.
 *
 * The rules (ARCHITECTURE.md, "The dotted table"): a row lives under its birth. It is live iff
 * its birth or a patch of it is covered and no covered op kills it; its value is the newest
 * covered write under that birth. Hence whoever covers a birth and does not hold it knows that
 * it was killed, and no tombstone is needed.
 */
import { Ahead } from "./ahead.ts";
import type { ChangeReason } from "./change.ts";
import { type Counters, newCounters } from "./counters.ts";
import { DecodedValues } from "./decoded-values.ts";
import { Deliveries } from "./deliveries.ts";
import { birthHash, Digest, hashBirth } from "./digest.ts";
import { HybridClock } from "./hybrid-clock.ts";
import type { TablesLimits } from "./limits.ts";
import type { TablesObserver } from "./observer.ts";
import { isExpiry, type Op } from "./op.ts";
import { OpRing } from "./op-ring.ts";
import { Origins } from "./origins.ts";
import { compareWrites, Row, type Written } from "./row.ts";
import { type TableIdentity, TableState, tableId } from "./table-state.ts";

/** Keys by table: what changed while somebody needed to know. */
export type KeySet = Map<TableState, Set<string>>;

/** The state machine. */
export class Replica {
  readonly origins: Origins;
  readonly tables = new Map<string, TableState>();
  readonly clock = new HybridClock();
  readonly digest = new Digest();
  readonly decoded: DecodedValues;
  readonly ahead = new Ahead();
  readonly counters: Counters = newCounters();
  /** Sets that are told of every key that changes: open sessions and the open pull. */
  readonly touchSets = new Set<KeySet>();
  /** Rows of closed origins may still be held. */
  purgeDue = false;
  readonly limits: TablesLimits;
  readonly observer: TablesObserver;
  /** What listeners are to be told at the end of the turn. */
  readonly deliveries: Deliveries;
  readonly #hashSeed: number;
  readonly #rings: (OpRing | undefined)[] = [];
  /** The table asked for last: frames name theirs anew each time. */
  #lastTable: TableState | null = null;
  /** An op of this node itself is being applied. */
  #isOwn = false;

  constructor(
    selfId: number,
    limits: TablesLimits,
    observer: TablesObserver,
    listenerFailed: (error: unknown) => void = () => undefined,
    hashSeed = 0,
  ) {
    this.#hashSeed = hashSeed;
    this.deliveries = new Deliveries(listenerFailed);
    this.origins = new Origins(selfId);
    this.limits = limits;
    this.decoded = new DecodedValues(limits.decodedBytes);
    this.observer = observer;
  }

  /** The table of that identity; made, and served as opaque rows, when a peer knows it first. */
  table(identity: TableIdentity): TableState {
    const last = this.#lastTable;
    if (last !== null && isSameTable(last, identity)) return last;
    const id = tableId(identity);
    const known =
      this.tables.get(id) ?? new TableState(identity, this.origins, this.decoded, this.#hashSeed);
    this.tables.set(id, known);
    this.#lastTable = known;
    return known;
  }

  /** The newest ops of an origin (local index). */
  ring(origin: number): OpRing {
    const ring = this.#rings[origin];
    if (ring !== undefined) return ring;
    const { opRingOps: opsMax, opRingBytes: bytesMax } = this.limits;
    const made = new OpRing({ opsMax, bytesMax }, (this.origins.vector[origin] as number) + 1);
    this.#rings[origin] = made;
    return made;
  }

  /** Forgets an origin's ring: its vector jumped, or it is retired. */
  dropRing(origin: number): void {
    this.#rings[origin] = undefined;
  }

  /** The next seq of this node's own log. */
  get nextSeq(): number {
    return (this.origins.vector[this.origins.self] as number) + 1;
  }

  /** Applies one op, local or remote; it must be the next of its origin. */
  apply(op: Op): void {
    const origins = this.origins;
    const expected = (origins.vector[op.origin] as number) + 1;
    if (op.seq !== expected) {
      this.counters.gaps++;
      throw new Error(`gap: origin ${origins.ids[op.origin]} is at ${expected}, got ${op.seq}`);
    }
    // A ring that is made now begins with this op: before the vector moves.
    const ring = this.ring(op.origin);
    this.clock.see(op.hi, op.lo);
    this.#isOwn = op.origin === origins.self;
    if (!this.#setPlainly(op)) {
      for (const birth of op.kills) this.kill(op.table, op.key, birth.origin, birth.seq);
      if (op.kind !== "delete") this.put(op.table, op.key, writtenBy(op));
    }
    this.#isOwn = false;
    if (op.table.feed !== null) op.table.feed.ends(reasonOf(op));
    origins.vector[op.origin] = op.seq;
    origins.list(op.origin);
    this.ahead.delete(op.origin, op.seq);
    ring.push(op);
  }

  /**
   * The common cases in one look-up: a set of a key without rows, or one that ends the only row
   * of its key. False if anything about it is uncommon; then nothing was changed.
   */
  #setPlainly(op: Op): boolean {
    const { table, origin, seq } = op;
    if (op.kind !== "set" || op.kills.length > 1 || this.ahead.has(origin, seq)) return false;
    if (table.lifetime === "node" && this.origins.gone[origin]) return false;
    const head = table.rows.get(op.key);
    const kill = op.kills[0];
    const { ids } = this.origins;
    if (kill === undefined) {
      if (head !== undefined) return false;
      const { key, value, hi, lo } = op;
      table.feed?.begins(key);
      table.insert(new Row(key, value, origin, seq, origin, seq, hi, lo), undefined);
    } else {
      if (head === undefined || head.next !== null) return false;
      if (head.birthSeq !== kill.seq || head.birthOrigin !== kill.origin) return false;
      if (!this.origins.covered(kill.origin, kill.seq)) return false;
      this.#leaves(table, head);
      this.#sum(table, head.dotOrigin, head.dotSeq);
      this.digest.toggle(ids[head.birthOrigin] as number, head.birthSeq);
      table.overwrite(head, op);
    }
    // Birth and newest write are the same dot: its hash is still at hand.
    this.digest.toggle(ids[origin] as number, seq);
    table.sumA ^= birthHash.a;
    table.sumB ^= birthHash.b;
    this.touch(table, op.key);
    return true;
  }

  /** Ends a birth, now or when it arrives. */
  kill(table: TableState, key: string, origin: number, seq: number): void {
    const row = table.find(key, origin, seq);
    if (row !== null) this.drop(table, row);
    if (!this.origins.covered(origin, seq)) this.ahead.add({ table, key, origin, seq });
    this.touch(table, key);
  }

  /**
   * Holds a value under its birth, unless that birth is known to be dead. A `row` that says the
   * same, is in no chain and that nobody else holds is taken as it is.
   */
  put(table: TableState, key: string, written: Written, row: Row | null = null): void {
    this.clock.see(written.hi, written.lo);
    const { birthOrigin, birthSeq } = written;
    if (this.ahead.has(birthOrigin, birthSeq)) return;
    if (table.lifetime === "node" && this.origins.gone[birthOrigin]) return;
    const held = table.find(key, birthOrigin, birthSeq);
    if (held === null) {
      if (this.origins.covered(birthOrigin, birthSeq)) return;
    } else if (compareWrites(this.origins.ids, written, held) <= 0) return;
    this.#hold(table, key, { held, written, row });
  }

  /**
   * Holds a row that ops explain and that was lost here, or its value as it should be. False if
   * that may not be: its birth is dead, or its owner gone.
   */
  restore(table: TableState, key: string, written: Written): boolean {
    const { birthOrigin, birthSeq } = written;
    if (this.ahead.has(birthOrigin, birthSeq)) return false;
    if (table.lifetime === "node" && this.origins.gone[birthOrigin]) return false;
    const held = table.find(key, birthOrigin, birthSeq);
    this.#hold(table, key, { held, written, row: null });
    return true;
  }

  #hold(
    table: TableState,
    key: string,
    { held, written, row }: { held: Row | null; written: Written; row: Row | null },
  ): void {
    const { birthOrigin, birthSeq, dotOrigin, dotSeq, hi, lo, value } = written;
    table.feed?.begins(key);
    if (held !== null) {
      this.#sum(table, held.dotOrigin, held.dotSeq);
      table.rewrite(held, value, dotOrigin, dotSeq, hi, lo);
    } else {
      const made = row ?? new Row(key, value, birthOrigin, birthSeq, dotOrigin, dotSeq, hi, lo);
      table.insert(made, table.rows.get(key));
      this.digest.toggle(this.origins.ids[birthOrigin] as number, birthSeq);
    }
    this.#sum(table, dotOrigin, dotSeq);
    if (table.lost !== null && table.multi.has(key)) table.lost.shadows(key);
    this.touch(table, key);
  }

  /** Takes a held row out; its death must follow from ops covered or origins closed. */
  drop(table: TableState, row: Row): void {
    this.#leaves(table, row);
    table.remove(row);
    this.#sum(table, row.dotOrigin, row.dotSeq);
    this.digest.toggle(this.origins.ids[row.birthOrigin] as number, row.birthSeq);
  }

  /** Origins have been hidden, shown or closed. */
  ownersChanged(): void {
    for (const table of this.tables.values()) table.feed?.ownersChanged();
  }

  /** Before a row goes: whoever watches its key, and its owner if that is this node. */
  #leaves(table: TableState, row: Row): void {
    table.feed?.begins(row.key);
    if (table.lost !== null && row.birthOrigin === this.origins.self) {
      table.lost.ended(row, !this.#isOwn);
    }
  }

  /** Tells everybody who needs to know that a key changed. */
  touch(table: TableState, key: string): void {
    for (const touched of this.touchSets) {
      const keys = touched.get(table);
      if (keys === undefined) touched.set(table, new Set([key]));
      else keys.add(key);
    }
    this.observer.touched?.(table.id, key);
  }

  /** Closes an origin: its node-lifetime rows do not exist any more. False if it was gone. */
  close(id: number): boolean {
    const index = this.origins.intern(id);
    if (!this.origins.close(index)) return false;
    this.counters.closings++;
    this.purgeDue = true;
    this.ownersChanged();
    this.observer.closed?.(id);
    return true;
  }

  /** Takes an origin (local index) out of the vector: all of its log counts as covered. */
  retire(index: number): void {
    this.origins.retire(index);
    this.dropRing(index);
    this.ahead.prune((origin) => origin === index);
    this.purgeDue = true;
    this.counters.retirements++;
    this.ownersChanged();
  }

  /** Rows held in all tables. */
  births(): number {
    let births = 0;
    for (const table of this.tables.values()) births += table.births;
    return births;
  }

  /** The newest write of a row comes into a table's sum, or leaves it. */
  #sum(table: TableState, dotOrigin: number, dotSeq: number): void {
    hashBirth(this.origins.ids[dotOrigin] as number, dotSeq);
    table.sumA ^= birthHash.a;
    table.sumB ^= birthHash.b;
  }
}

function isSameTable(a: TableIdentity, b: TableIdentity): boolean {
  return a.name === b.name && a.type === b.type && a.lifetime === b.lifetime;
}

const REASONS = { set: "set", patch: "patched", delete: "deleted" } as const;

function reasonOf(op: Op): ChangeReason {
  return isExpiry(op) ? "expired" : REASONS[op.kind];
}

function writtenBy(op: Op): Written {
  return {
    birthOrigin: op.birthOrigin,
    birthSeq: op.birthSeq,
    dotOrigin: op.origin,
    dotSeq: op.seq,
    hi: op.hi,
    lo: op.lo,
    value: op.value,
  };
}
