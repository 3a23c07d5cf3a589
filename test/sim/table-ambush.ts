/**
 * Faults at the moment at which the tables are most at odds: as a node opens a pull, or begins to
 * merge what a session has brought. Moments that faults by the clock hardly ever meet.
 *
 *   writes  while the pull is open its sender writes, and others do
 *   break   the link to another node breaks in the middle of it
 *   burst   it writes one key so often that no ring reaches back: those linked to it pull anew
 *   slow    slices take long while another node, which has just been cut off, pulls in its turn
 *   end     another node's process ends in the middle of it
 */
import type { Fleet, SimNode, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import type { Script, WriteVerb } from "./script.ts";
import type { WriteAction } from "./script-writer.ts";
import { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE } from "./shapes.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What it works with. */
export interface TableAmbushParts {
  readonly script: Script;
  readonly time: VirtualClock;
  readonly network: Network;
  readonly fleet: Fleet;
  readonly totals: Totals;
  readonly trace: Trace | null;
  /** A fault is about to be made. */
  readonly struck: () => void;
  /** A node is to write. */
  readonly write: (life: Incarnation, action: WriteAction) => void;
}

const KINDS = ["writes", "writes", "writes", "burst", "burst", "slow", "break", "end"] as const;
const WRITES_MAX = 4;
const BURST_MAX = 8;
const SLOW_TURN_MS = 50;
const SLOW_FOR_MS = 800;
const KEYS_MAX = 4;

/** The one in the bushes. */
export class TableAmbush {
  readonly #parts: TableAmbushParts;
  readonly #random: SeededRandom;
  readonly #share: number;
  /** What each life was doing after its last turn. */
  readonly #doing = new WeakMap<Incarnation, "pulling" | "merging">();

  constructor(parts: TableAmbushParts) {
    this.#parts = parts;
    this.#random = new SeededRandom(parts.script.seed, 25);
    this.#share = (parts.script.shape ?? DEFAULT_SHAPE).ambushShare;
  }

  /** After each turn of a life. */
  turned(life: Incarnation): void {
    if (this.#share === 0) return;
    const { tables } = life.engine;
    const doing = tables.merging ? "merging" : tables.work.pulling ? "pulling" : null;
    const before = this.#doing.get(life) ?? null;
    if (doing === before) return;
    if (doing === null) this.#doing.delete(life);
    else this.#doing.set(life, doing);
    const { time, script } = this.#parts;
    if (doing === null || time.nowMs >= script.activeMs) return;
    if (this.#random.chance(this.#share)) this.#strike(life, doing);
  }

  #strike(life: Incarnation, doing: "pulling" | "merging"): void {
    const { totals, time, trace, fleet } = this.#parts;
    const others = fleet.nodes.filter(({ current }) => current !== null && current !== life);
    if (others.length === 0) return;
    const kind = this.#random.pick(KINDS);
    totals.ambushes++;
    this.#parts.struck();
    trace?.(time.nowMs, life.who, `ambush while ${doing}: ${kind}`);
    const other = this.#random.pick(others);
    if (kind === "writes") return this.#write(life, others);
    if (kind === "burst") return this.#burst(life);
    if (kind === "slow") return this.#slow(life, other);
    const { delayMaxMs, jitterMs } = this.#parts.script.network;
    time.after(this.#random.between(0, delayMaxMs + jitterMs), () => {
      this.#parts.struck();
      if (kind === "break") this.#reset(life, other);
      else fleet.end(other, false, this.#random.between(20, 200));
    });
  }

  #write(life: Incarnation, others: readonly SimNode[]): void {
    const { time, script, write, fleet } = this.#parts;
    const { delayMaxMs, jitterMs } = script.network;
    for (let count = this.#random.int(1, WRITES_MAX); count > 0; count--) {
      const other = this.#random.chance(0.6) ? null : this.#random.pick(others);
      const action = this.#writeOf(this.#random.pick(["set", "delete", "patch", "remove"]));
      time.after(this.#random.between(0, 2 * (delayMaxMs + jitterMs)), () => {
        const writer = other === null ? life : other.current;
        if (fleet.isHealthy(writer)) write(writer, action);
      });
    }
  }

  /** In one turn, the slices after which take long. */
  #burst(life: Incarnation): void {
    const { time, script, write, fleet } = this.#parts;
    const { opRingOps = 0 } = script.limits;
    const action = this.#writeOf("set");
    life.process.slow(SLOW_TURN_MS, SLOW_FOR_MS);
    time.after(0, () => {
      for (let count = Math.min(opRingOps, BURST_MAX) + 1; count > 0; count--) {
        if (fleet.isHealthy(life)) write(life, action);
      }
    });
  }

  #writeOf(verb: WriteVerb): WriteAction {
    return {
      ...{ kind: "write", atMs: 0, node: 0, ack: "all", timeoutMs: 30_000, verb },
      table: this.#random.int(0, this.#parts.script.tables.length - 1),
      keys: [this.#random.int(0, KEYS_MAX)],
    };
  }

  #slow(life: Incarnation, other: SimNode): void {
    life.process.slow(SLOW_TURN_MS, SLOW_FOR_MS);
    this.#reset(life, other);
  }

  #reset(life: Incarnation, other: SimNode): void {
    this.#parts.network.reset(life.identity.address, other.address);
  }
}
