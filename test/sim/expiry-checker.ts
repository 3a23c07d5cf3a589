/**
 * Rows with a time to live: none is removed before its time by the true clock, whatever the wall
 * clocks do, none by a node whose it is not while its owner is there, and in the end none is left.
 */
import { isExpiry } from "../../src/tables/op.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Dot } from "./oracle.ts";
import type { Script } from "./script.ts";
import type { Report } from "./state-checker.ts";

/** An op as its writer reports it. */
interface PlainOp {
  readonly dot: Dot;
  readonly table: string;
  readonly key: string;
  readonly kind: "set" | "patch" | "delete";
  readonly kills: readonly Dot[];
}

/** Whether an op says that it removes what is overdue. */
export function isPlainExpiry({ dot, kind, kills }: PlainOp): boolean {
  const [origin, seq] = dot;
  return isExpiry({ kind, origin, seq, kills: kills.map(([o, s]) => ({ origin: o, seq: s })) });
}

/** The checker. */
export class ExpiryChecker {
  readonly #ttls = new Map<string, number>();
  readonly #report: Report;
  readonly #nowMs: () => number;
  /** When each row was written, "origin:seq". */
  readonly #madeAt = new Map<string, number>();

  constructor(script: Script, report: Report, nowMs: () => number) {
    for (const { name, type, lifetime, ttlMs } of script.tables) {
      if (ttlMs !== undefined) this.#ttls.set(`${name}|${type}|${lifetime}`, ttlMs);
    }
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** The longest time to live; zero if no table has one. */
  get longestMs(): number {
    return Math.max(0, ...this.#ttls.values());
  }

  wrote(by: Incarnation, op: PlainOp): void {
    const ttlMs = this.#ttls.get(op.table);
    if (op.kind === "set" && ttlMs !== undefined) {
      this.#madeAt.set(op.dot.join(":"), this.#nowMs());
    }
    if (!isPlainExpiry(op)) return;
    const what = `${by.who} lets ${op.table} ${JSON.stringify(op.key)} expire`;
    const [birth, ...others] = op.kills;
    if (birth === undefined || others.length !== 1 || ttlMs === undefined) {
      this.#report("expiry", `${what}: ends ${op.kills.length} rows, time to live ${ttlMs}`);
      return;
    }
    const age = this.#nowMs() - (this.#madeAt.get(birth.join(":")) ?? Number.POSITIVE_INFINITY);
    if (!(age >= ttlMs - 0.001)) this.#report("expiry", `${what} after ${age} of ${ttlMs} ms`);
    const { origins } = by.engine.tables.replica;
    if (birth[0] === by.origin) return;
    const isAbsent = origins.hidden[origins.find(birth[0])] === true;
    if (isAbsent && op.table.endsWith("|cluster")) return;
    this.#report("expiry", `${what}, which is of ${birth[0]}`);
  }

  /** Whether no such row is left. */
  isGone(life: Incarnation): boolean {
    for (const table of life.engine.tables.replica.tables.values()) {
      if (this.#ttls.has(table.id) && table.rows.size > 0) return false;
    }
    return true;
  }

  /** Long after the last write there are no such rows. */
  checkGone(life: Incarnation): void {
    for (const table of life.engine.tables.replica.tables.values()) {
      if (!this.#ttls.has(table.id) || table.rows.size === 0) continue;
      this.#report("expiry", `${life.who}: ${table.rows.size} rows of ${table.id} are left`);
    }
  }
}
