/**
 * Whoever sets a row with its key reserved must have seen all rows of that key that there are:
 * a birth that some living node holds, and that neither this op nor an earlier one ends, says
 * that the key was granted twice, or given back too early.
 */
import type { WrittenOp } from "../../src/tables/observer.ts";
import type { Incarnation } from "./incarnation.ts";

/** Older ops of a key are not looked at: whoever writes has seen later ones. */
const OPS_KEPT = 60;

/** The ops of the keys of one table, as they are written. */
export class ForkChecker {
  readonly #table: string;
  readonly #lives: ReadonlyMap<number, Incarnation>;
  /** Lives whose name is another's by now: what they alone hold comes to nobody. */
  readonly #replaced: ReadonlySet<Incarnation>;
  readonly #ops = new Map<string, WrittenOp[]>();

  constructor(
    table: string,
    of: {
      readonly lives: ReadonlyMap<number, Incarnation>;
      readonly replaced: ReadonlySet<Incarnation>;
    },
  ) {
    this.#table = table;
    this.#lives = of.lives;
    this.#replaced = of.replaced;
  }

  /** An op was written. Returns what is wrong with it, or null. */
  wrote(op: WrittenOp): string | null {
    if (op.table !== this.#table) return null;
    const ops = this.#ops.get(op.key) ?? [];
    const fault = op.kind === "set" ? this.#faultOf(op, ops) : null;
    ops.push(op);
    if (ops.length > OPS_KEPT) ops.shift();
    this.#ops.set(op.key, ops);
    return fault;
  }

  #faultOf(op: WrittenOp, earlier: readonly WrittenOp[]): string | null {
    for (const before of earlier) {
      if (before.kind !== "set" || !this.#isStored(before)) continue;
      const isEnded = [...earlier.filter((one) => this.#isHeld(one)), op].some((one) =>
        one.kills.some(([origin, seq]) => origin === before.dot[0] && seq === before.dot[1]),
      );
      if (!isEnded) return `the op ${op.dot} does not end ${before.dot} under the same key`;
    }
    return null;
  }

  /** Whether a living node holds the row: what nobody holds was never written. */
  #isStored({ dot: [origin, seq], key }: WrittenOp): boolean {
    // A row that dies with its owner may be gone here and not yet there.
    const owner = this.#lives.get(origin);
    const isGone = owner?.process.alive !== true || owner.left;
    if (isGone && this.#table.endsWith("|node")) return false;
    for (const life of this.#lives.values()) {
      if (!life.process.alive || life.left || this.#replaced.has(life)) continue;
      const { origins, tables } = life.engine.tables.replica;
      const index = origins.find(origin);
      if (index >= 0 && tables.get(this.#table)?.find(key, index, seq)) return true;
    }
    return false;
  }

  /** Whether a living node has applied that op. */
  #isHeld({ dot: [origin, seq] }: WrittenOp): boolean {
    for (const life of this.#lives.values()) {
      if (!life.process.alive || life.left || this.#replaced.has(life)) continue;
      const { origins } = life.engine.tables.replica;
      const index = origins.find(origin);
      // What a retired origin wrote counts as covered without having been there.
      if (index < 0 || origins.retired.has(origin)) continue;
      if (origins.covered(index, seq)) return true;
    }
    return false;
  }
}
