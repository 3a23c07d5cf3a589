/**
 * Turns the calls of this node's code into ops of its own log. Keys and values are encoded and
 * checked already; every op is applied here before the call returns.
 */

import type { PlainDot } from "./observer.ts";
import type { Dot, Op, OpKind } from "./op.ts";
import { NO_KILLS } from "./op.ts";
import { checkQuota } from "./quota.ts";
import type { Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { TableState } from "./table-state.ts";
import { valuesEqual } from "./value.ts";

/** Births that one op may end; more are spread over the ops of a batch. */
const KILLS_PER_OP = 10_000;

/** One op to be, before it has a seq. */
interface Draft {
  readonly kind: OpKind;
  readonly key: string;
  readonly value: string;
  /** The row to write under, for `patch`. */
  readonly row: Row | null;
  readonly kills: readonly Dot[];
  /** A removal because the row's time is over. */
  readonly expires?: boolean;
}

/** The writer. Each call returns the seq of its last op, or 0 if there was nothing to do. */
export class LocalWriter {
  readonly #replica: Replica;
  readonly #wall: () => number;
  readonly #now: () => number;

  constructor(
    replica: Replica,
    clocks: { readonly wall: () => number; readonly now: () => number },
  ) {
    this.#replica = replica;
    this.#wall = clocks.wall;
    this.#now = clocks.now;
  }

  /** A new birth that ends every birth held under the key, hidden ones too. */
  set(table: TableState, key: string, value: string): number {
    if (table.quota !== null) checkQuota(table.quota, table, [[key, value]]);
    return this.#write(table, this.#setDraft(table, key, value), true);
  }

  setMany(table: TableState, entries: readonly (readonly [key: string, value: string])[]): number {
    if (table.quota !== null) checkQuota(table.quota, table, entries);
    let seq = 0;
    for (let at = 0; at < entries.length; at++) {
      const [key, value] = entries[at] as readonly [string, string];
      seq = this.#write(table, this.#setDraft(table, key, value), at === entries.length - 1);
    }
    return seq;
  }

  /** Writes under the visible birth and ends its siblings. Never creates a row. */
  patch(table: TableState, key: string, value: string): number {
    const row = table.visible(key);
    if (row === undefined) return 0;
    if (table.quota !== null) checkQuota(table.quota, table, [[key, value]]);
    const kills = held(table, key).filter(
      (dot) => dot.seq !== row.birthSeq || dot.origin !== row.birthOrigin,
    );
    return this.#write(table, { kind: "patch", key, value, row, kills }, true);
  }

  /** Ends every birth held under the key. */
  delete(table: TableState, key: string): number {
    return this.deleteMany(table, [key]);
  }

  deleteMany(table: TableState, keys: readonly string[]): number {
    const drafts: Draft[] = [];
    for (const key of new Set(keys)) {
      const births = held(table, key);
      for (let at = 0; at < births.length; at += KILLS_PER_OP) {
        const kills = births.slice(at, at + KILLS_PER_OP);
        drafts.push({ kind: "delete", key, value: "", row: null, kills });
      }
    }
    return this.#writeAll(table, drafts);
  }

  /** Ends the births of this node that are held under the key, and no others. */
  withdraw(table: TableState, key: string): number {
    const { self } = this.#replica.origins;
    const kills = held(table, key).filter((dot) => dot.origin === self);
    if (kills.length === 0) return 0;
    return this.#write(table, { kind: "delete", key, value: "", row: null, kills }, true);
  }

  /** Bag: one more value under the key; an equal one of our own is renewed. */
  add(table: TableState, key: string, value: string): number {
    return this.addMany(table, [[key, value]]);
  }

  addMany(table: TableState, entries: readonly (readonly [key: string, value: string])[]): number {
    if (table.quota !== null) checkQuota(table.quota, table, entries);
    let seq = 0;
    const { self } = this.#replica.origins;
    for (let at = 0; at < entries.length; at++) {
      const [key, value] = entries[at] as readonly [string, string];
      const kills = equal(table, key, value).filter((dot) => dot.origin === self);
      const draft: Draft = { kind: "set", key, value, row: null, kills };
      seq = this.#write(table, draft, at === entries.length - 1);
    }
    return seq;
  }

  /** Bag: ends every birth held of an equal value. */
  remove(table: TableState, key: string, value: string): number {
    return this.removeMany(table, [[key, value]]);
  }

  removeMany(
    table: TableState,
    entries: readonly (readonly [key: string, value: string])[],
  ): number {
    const drafts: Draft[] = [];
    const seen = new Set<string>();
    for (const [key, value] of entries) {
      const kills = equal(table, key, value).filter((dot) => {
        const name = `${dot.origin}:${dot.seq}`;
        return !seen.has(name) && seen.add(name);
      });
      if (kills.length > 0) drafts.push({ kind: "delete", key, value: "", row: null, kills });
    }
    return this.#writeAll(table, drafts);
  }

  /** Ends births whose time is over, each by an op of its own; those that are gone already not. */
  expire(table: TableState, births: readonly (Dot & { readonly key: string })[]): void {
    for (const { key, origin, seq } of births) {
      if (table.find(key, origin, seq) === null) continue;
      const kills = [{ origin, seq }];
      this.#write(table, { kind: "delete", key, value: "", row: null, kills, expires: true }, true);
    }
  }

  #setDraft(table: TableState, key: string, value: string): Draft {
    return { kind: "set", key, value, row: null, kills: held(table, key) };
  }

  #writeAll(table: TableState, drafts: readonly Draft[]): number {
    let seq = 0;
    for (let at = 0; at < drafts.length; at++) {
      seq = this.#write(table, drafts[at] as Draft, at === drafts.length - 1);
    }
    return seq;
  }

  #write(table: TableState, draft: Draft, batchEnd: boolean): number {
    const replica = this.#replica;
    const { clock, origins } = replica;
    clock.tick(this.#wall());
    const seq = replica.nextSeq;
    const op: Op = {
      origin: origins.self,
      seq,
      kind: draft.kind,
      table,
      key: draft.key,
      birthOrigin: draft.row === null ? origins.self : draft.row.birthOrigin,
      birthSeq: draft.row === null ? seq : draft.row.birthSeq,
      // That it is an expiry is said by naming its own dot, which no birth can have.
      kills: draft.expires === true ? [...draft.kills, { origin: origins.self, seq }] : draft.kills,
      hi: clock.hi,
      lo: clock.lo,
      value: draft.value,
      batchEnd,
    };
    replica.counters.written++;
    if (replica.observer.wrote !== undefined) this.#report(op);
    replica.apply(op);
    if (table.expiry !== null && op.kind === "set") table.expiry.made(op.key, seq, this.#now());
    return seq;
  }

  #report(op: Op): void {
    const { ids } = this.#replica.origins;
    const plain = (dot: Dot): PlainDot => [ids[dot.origin] as number, dot.seq];
    this.#replica.observer.wrote?.({
      dot: plain(op),
      table: op.table.id,
      key: op.key,
      kind: op.kind,
      birth: op.kind === "delete" ? null : plain({ origin: op.birthOrigin, seq: op.birthSeq }),
      kills: op.kills.map(plain),
      stamp: [op.hi, op.lo],
      value: op.value,
      batchEnd: op.batchEnd,
    });
  }
}

/** Births held under a key. */
function held(table: TableState, key: string): readonly Dot[] {
  const head = table.rows.get(key);
  if (head === undefined) return NO_KILLS;
  const dots: Dot[] = [];
  for (let row: Row | null = head; row !== null; row = row.next) {
    if (!table.isGone(row)) dots.push({ origin: row.birthOrigin, seq: row.birthSeq });
  }
  return dots;
}

/** Births held under a key whose value equals that one. */
function equal(table: TableState, key: string, value: string): readonly Dot[] {
  const dots: Dot[] = [];
  for (let row = table.rows.get(key) ?? null; row !== null; row = row.next) {
    if (!table.isGone(row) && valuesEqual(row.value, value)) {
      dots.push({ origin: row.birthOrigin, seq: row.birthSeq });
    }
  }
  return dots;
}
