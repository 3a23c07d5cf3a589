/**
 * Watches every write from its making to its report: that the op says what its writer held, that
 * an acknowledgement is true of every member that counted (P2), and that none waits longer than
 * the lag limit allows (P5).
 */
import { AckTimeoutError, FencedError, type SkeinError, SplitError } from "../../src/errors.ts";
import type { Reached } from "../../src/tables/acks.ts";
import type { WrittenOp } from "../../src/tables/observer.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { isPlainExpiry } from "./expiry-checker.ts";
import type { Incarnation } from "./incarnation.ts";
import { readView } from "./inspect.ts";
import { compareNewest, type Oracle, type OracleSibling } from "./oracle.ts";
import type { WriteAck, WriteVerb } from "./script.ts";
import type { Report } from "./state-checker.ts";

/** What the running call asked for. */
export interface WriteIntent {
  readonly verb: WriteVerb;
  /** Encoded value, where the verb has one. */
  readonly value: string;
}

/** Sums over one run. */
export interface WriteCounters {
  writes: number;
  withdrawn: number;
  ops: number;
  acked: number;
  ackTimeouts: number;
  fencedWrites: number;
  /** Failed because their table was paused while they waited. */
  pausedWrites: number;
  alone: number;
}

interface PendingWrite {
  readonly by: Incarnation;
  readonly seq: number;
  readonly atMs: number;
  readonly ack: WriteAck;
  readonly timeoutMs: number;
  readonly table: TableState;
  /** Members that counted, and how often each had been excused by then. */
  readonly counted: ReadonlyMap<number, number>;
}

/** What the checker asks of the world. */
export interface WriteWorld {
  nowMs(): number;
  /** Every life so far, the ended ones too, by origin. */
  readonly lives: ReadonlyMap<number, Incarnation>;
  /** For how long that process did not run between then and now. */
  stalledMs(incarnation: Incarnation, sinceMs: number): number;
  /** Nodes that are more than half. */
  readonly majority: number;
  /** The longest that a write may wait while its writer runs. */
  readonly pendingMaxMs: number;
}

/** The checker. */
export class WriteChecker {
  readonly counters: WriteCounters = {
    writes: 0,
    withdrawn: 0,
    ops: 0,
    acked: 0,
    ackTimeouts: 0,
    fencedWrites: 0,
    pausedWrites: 0,
    alone: 0,
  };
  readonly #oracle: Oracle;
  readonly #report: Report;
  readonly #world: WriteWorld;
  readonly #pending = new Set<PendingWrite>();
  #reported: PendingWrite[] = [];
  #intent: WriteIntent | null = null;
  /** Ops of the running call. */
  #made: WrittenOp[] = [];

  constructor(oracle: Oracle, report: Report, world: WriteWorld) {
    this.#oracle = oracle;
    this.#report = report;
    this.#world = world;
  }

  /** Runs a write; its ops are held against the intent. */
  during(intent: WriteIntent, write: () => number): number {
    this.#intent = intent;
    this.#made = [];
    const seq = write();
    this.#intent = null;
    this.#checkBatch(intent);
    if (seq > 0) this.counters.writes++;
    if (seq > 0 && intent.verb === "withdraw") this.counters.withdrawn++;
    return seq;
  }

  /** A writer has made an op, and not yet applied it. */
  wrote(by: Incarnation, op: WrittenOp): void {
    this.counters.ops++;
    this.#made.push(op);
    if (op.dot[0] !== by.origin) this.#report("log", `${by.who} writes as ${op.dot[0]}`);
    if (!by.engine.tables.merging) this.#checkOp(by, op);
    const fault = this.#oracle.add(op);
    if (fault !== null) this.#report("log", `${by.who}: ${fault}`);
  }

  /** Checks a call that found nothing to do. */
  nothingDone(by: Incarnation, verb: WriteVerb, place: { table: string; key: string }): void {
    if (by.engine.tables.merging || verb === "remove" || verb.endsWith("Many")) return;
    const held = this.#oracle.expected(readView(by.engine.tables), place.table, place.key);
    const shown = held.filter((row) => !isHidden(by, place.table, row));
    const own = held.filter((row) => row.birth[0] === by.origin);
    const due = verb === "patch" ? shown : verb === "withdraw" ? own : held;
    if (verb === "set" || verb === "add" || due.length > 0) {
      this.#report("write", `${by.who} ${verb} ${place.table} ${place.key} did nothing`);
    }
  }

  /** Waits for the acknowledgement of a write that was just made. */
  await(
    by: Incarnation,
    seq: number,
    terms: { readonly ack: WriteAck; readonly timeoutMs: number; readonly table: TableState },
  ): void {
    const { tables } = by.engine;
    const { ack, timeoutMs, table } = terms;
    if (ack === "none") {
      tables.wait(seq, { need: 0, timeoutMs }, { done() {}, fail() {} }, table);
      return;
    }
    const counted = new Map<number, number>();
    for (const id of tables.acks.countedIds()) counted.set(id, by.excusals.get(id) ?? 0);
    const atMs = this.#world.nowMs();
    const pending: PendingWrite = { by, seq, atMs, ack, timeoutMs, table, counted };
    this.#pending.add(pending);
    tables.wait(
      seq,
      { need: ack, timeoutMs },
      {
        done: (reached) => this.#done(pending, reached),
        fail: (error) => this.#failed(pending, error),
      },
      table,
    );
  }

  /** Looks for writes that have waited too long. To be called every now and then. */
  sweep(): void {
    const now = this.#world.nowMs();
    for (const pending of this.#pending) {
      const { by, atMs, timeoutMs, ack, table } = pending;
      if (!by.process.alive || by.left) {
        this.#pending.delete(pending);
        continue;
      }
      // A lease ends at a moment; what waits for it is looked at with the next pings.
      const isTold = table.split === "pauseMinority";
      if (isTold && by.engine.tables.split.errorOf(table, true) !== null) {
        this.#report("split:pending", `${by.who} ${pending.seq}: waits, and ${table.id} is paused`);
        return;
      }
      const ran = now - atMs - this.#world.stalledMs(by, atMs);
      // A table that pauses waits for a majority, whoever lags.
      const isHeldUp = ack === "all" && table.split === "merge";
      const allowed = isHeldUp ? this.#world.pendingMaxMs : Number.POSITIVE_INFINITY;
      // Time-outs are looked at every 100 ms, and at the end of a turn.
      if (ran <= Math.min(allowed, timeoutMs + 250)) continue;
      this.#report("pending", `${by.who} ${pending.seq}: waits for ${ack} since ${ran} ms`);
      return;
    }
  }

  #done(pending: PendingWrite, reached: Reached): void {
    if (!this.#pending.delete(pending)) {
      this.#report("ack", `${pending.by.who} ${pending.seq}: settled twice`);
    }
    this.counters.acked++;
    if (reached.alone) this.counters.alone++;
    this.#reported.push(pending);
  }

  /** Judges what was reported in this turn: by its end all excuses are known, too. */
  turned(): void {
    if (this.#reported.length === 0) return;
    for (const pending of this.#reported) {
      if (pending.ack === "all") this.#checkAll(pending);
      else this.#checkSome(pending);
    }
    this.#reported = [];
  }

  #checkAll({ by, seq, counted, table }: PendingWrite): void {
    for (const [origin, excusals] of counted) {
      if ((by.excusals.get(origin) ?? 0) > excusals || this.#holds(origin, by, seq)) continue;
      this.#report("ack", `${by.who} ${seq}: reported, and ${origin} does not have it`);
    }
    if (table.split !== "pauseMinority") return;
    const lives = [...this.#world.lives.values()];
    const holders = lives.filter(({ origin }) => this.#holds(origin, by, seq)).length;
    if (holders >= this.#world.majority) return;
    this.#report("split:done", `${by.who} ${seq}: reported, and ${holders} have it`);
  }

  #checkSome({ by, seq, ack }: PendingWrite): void {
    let holders = 0;
    for (const other of this.#world.lives.values()) {
      if (other !== by && this.#holds(other.origin, by, seq)) holders++;
    }
    if (holders >= Number(ack)) return;
    this.#report("ack", `${by.who} ${seq}: reported at ${ack}, and ${holders} have it`);
  }

  /** A replica that covers the op, dead or alive, has applied it. */
  #holds(origin: number, by: Incarnation, seq: number): boolean {
    const replica = this.#world.lives.get(origin)?.engine.tables;
    return replica !== undefined && this.#oracle.covers(readView(replica), [by.origin, seq]);
  }

  #failed(pending: PendingWrite, error: SkeinError): void {
    const { by, seq, atMs, timeoutMs } = pending;
    if (!this.#pending.delete(pending)) this.#report("ack", `${by.who} ${seq}: settled twice`);
    if (error instanceof FencedError && by.engine.tables.fenced !== null) {
      this.counters.fencedWrites++;
      return;
    }
    if (error instanceof SplitError && by.engine.tables.split.errorOf(pending.table, true)) {
      this.counters.pausedWrites++;
      return;
    }
    const waited = this.#world.nowMs() - atMs;
    if (error instanceof AckTimeoutError && waited >= timeoutMs - 1) {
      this.counters.ackTimeouts++;
      return;
    }
    this.#report("pending", `${by.who} ${seq}: failed after ${waited} ms with ${error.message}`);
  }

  /** What one call writes is one batch. */
  #checkBatch(intent: WriteIntent): void {
    const last = this.#made.length - 1;
    if (this.#made.every(({ batchEnd }, at) => batchEnd === (at === last))) return;
    const ends = this.#made.map(({ dot, batchEnd }) => `${dot.join(":")} ${batchEnd}`);
    this.#report("batch", `${intent.verb} wrote ${ends.join(", ")}`);
  }

  #checkOp(by: Incarnation, op: WrittenOp): void {
    const intent = this.#intent;
    if (isPlainExpiry(op)) return;
    if (intent === null) {
      this.#report("write", `${by.who} wrote ${op.dot} without being asked`);
      return;
    }
    const held = this.#oracle.expected(readView(by.engine.tables), op.table, op.key);
    const fault = faultOf(by, op, { intent, held });
    if (fault === null) return;
    this.#report(
      "write",
      `${by.who} ${intent.verb} ${op.table} ${op.key} at ${op.dot.join(":")}: ${fault}; ` +
        `held ${held.map((row) => row.birth.join(":"))}, kills ${op.kills.map((b) => b.join(":"))}`,
    );
  }
}

function faultOf(
  by: Incarnation,
  op: WrittenOp,
  { intent, held }: { readonly intent: WriteIntent; readonly held: readonly OracleSibling[] },
): string | null {
  const newest = held[0];
  if (newest !== undefined && compareNewest(op, newest) >= 0) return "its stamp is not newer";
  const equal = held.filter((row) => row.value === intent.value);
  switch (intent.verb) {
    case "set":
    case "setMany":
      if (op.kind !== "set" || String(op.birth) !== String(op.dot)) return "it is no new birth";
      return sameKills(op, held);
    case "delete":
    case "deleteMany":
      if (op.kind !== "delete" || op.birth !== null) return "it is no delete";
      return held.length === 0 ? "there was nothing to delete" : sameKills(op, held);
    case "withdraw": {
      const own = held.filter((row) => row.birth[0] === by.origin);
      if (op.kind !== "delete" || op.birth !== null) return "it is no delete";
      return own.length === 0 ? "it had nothing to withdraw" : sameKills(op, own);
    }
    case "patch": {
      const visible = held.find((row) => !isHidden(by, op.table, row));
      if (op.kind !== "patch") return "it is no patch";
      if (visible === undefined) return "a patch where nothing is shown";
      if (String(op.birth) !== String(visible.birth)) return "it is not under the visible birth";
      return sameKills(
        op,
        held.filter((row) => row !== visible),
      );
    }
    case "add":
    case "addMany":
      if (op.kind !== "set" || String(op.birth) !== String(op.dot)) return "it is no new birth";
      // One's own equal value is renewed, not doubled.
      return sameKills(
        op,
        equal.filter((row) => row.birth[0] === by.origin),
      );
    case "remove":
      if (op.kind !== "delete") return "it is no delete";
      return sameKills(op, equal);
    default:
      return intent.verb satisfies never;
  }
}

function sameKills(op: WrittenOp, expected: readonly OracleSibling[]): string | null {
  const kills = op.kills.map((birth) => birth.join(":")).sort();
  const births = expected.map((row) => row.birth.join(":")).sort();
  return kills.join(" ") === births.join(" ")
    ? null
    : `it should kill ${births.join(" ") || "none"}`;
}

/** Whether the node shows no rows of that owner; only those with the node's lifetime hide. */
function isHidden(by: Incarnation, table: string, row: OracleSibling): boolean {
  if (!table.endsWith("|node")) return false;
  const { origins } = by.engine.tables.replica;
  return origins.hidden[origins.find(row.birth[0])] !== false;
}
