/**
 * Splits and the tables that pause in them. Whoever could hear fewer than a majority for longer
 * than the failure detector needs must refuse; a majority that was whole when the split came, and
 * that nothing else has befallen, must not refuse at all; and a refused write changes nothing.
 */
import { SplitError } from "../../src/errors.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import type { Fleet } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import type { Script, ScriptAction } from "./script.ts";
import type { Report } from "./state-checker.ts";

/** What it looks at. */
export interface SplitWorld {
  readonly script: Script;
  readonly fleet: Fleet;
  readonly network: Network;
  nowMs(): number;
}

/** The checker. */
export class SplitChecker {
  readonly counters = {
    refusedWrites: 0,
    pauses: 0,
    guardedMajorities: 0,
    guardedWrites: 0,
    judgedMinorities: 0,
  };
  readonly #report: Report;
  readonly #world: SplitWorld;
  /** Since when each life could hear too few. */
  readonly #alone = new Map<Incarnation, number>();
  /** Lives of a whole majority; emptied when anything else befalls anybody. */
  #guarded: ReadonlySet<Incarnation> = new Set();
  #changes = "";

  constructor(report: Report, world: SplitWorld) {
    this.#report = report;
    this.#world = world;
  }

  /** Nodes that are more than half. */
  get majority(): number {
    return Math.floor(this.#world.script.nodes.length / 2) + 1;
  }

  /** A fault is about to be made. */
  faultComes(action: ScriptAction): void {
    this.#guarded = new Set();
    if (action.kind !== "split") return;
    const { nodes } = this.#world.fleet;
    for (const bit of [0, 1]) {
      const side = nodes.filter(({ index }) => ((action.side >> index) & 1) === bit);
      const lives = side.flatMap(({ current }) => (current === null ? [] : [current]));
      if (lives.length !== side.length || side.length < this.majority) continue;
      if (!lives.every((life) => this.#isWhole(life, lives))) continue;
      this.#guarded = new Set(lives);
      this.counters.guardedMajorities++;
    }
  }

  /** Throws SplitError as the public tables do. To be called before each write. */
  admit(life: Incarnation, table: TableState): void {
    const { tables } = life.engine;
    const before = tables.replica.nextSeq;
    try {
      tables.checkWritable(1, table);
    } catch (error) {
      if (error instanceof SplitError) this.#refused(life, before);
      throw error;
    }
    if (table.split === "merge") return;
    if (this.#guarded.has(life)) this.counters.guardedWrites++;
    this.#accepted(life, table);
  }

  /** To be called every now and then: who hears whom. */
  sweep(): void {
    const { fleet, network } = this.#world;
    const nowMs = this.#world.nowMs();
    const alive = [...fleet.lives.values()].filter(({ process }) => process.alive);
    // What was held up comes through with a repair, or when a process runs or reads again.
    const held = alive.some(({ process, identity }) => {
      return process.stalled || network.isSlow(identity.address);
    });
    const changes = `${network.repairs} ${fleet.lives.size}`;
    if (held || changes !== this.#changes) this.#alone.clear();
    this.#changes = changes;
    for (const life of alive) {
      if (this.#heardBy(life, alive) >= this.majority) this.#alone.delete(life);
      else if (!this.#alone.has(life)) this.#alone.set(life, nowMs);
    }
  }

  /** That life refuses to be written from now on. */
  paused(life: Incarnation): void {
    this.counters.pauses++;
    if (!this.#guarded.has(life)) return;
    this.#report("split:refused", `${life.who} pauses within a majority that is whole`);
  }

  #isWhole(life: Incarnation, side: readonly Incarnation[]): boolean {
    const { cluster, splits } = life.engine;
    if (!this.#world.fleet.isHealthy(life) || splits.refusal("pauseMinority") !== null)
      return false;
    if (this.#world.network.isSlow(life.identity.address)) return false;
    const linked = new Set(cluster.linkedPeers().map(({ origin }) => origin));
    return side.every((other) => {
      const [a, b] = [life.identity.address, other.identity.address];
      if (other === life) return true;
      const { network } = this.#world;
      return linked.has(other.origin) && !network.isCut(a, b) && !network.isCut(b, a);
    });
  }

  #refused(life: Incarnation, seqBefore: number): void {
    this.counters.refusedWrites++;
    if (life.engine.tables.replica.nextSeq !== seqBefore) {
      this.#report("split:changed", `${life.who} has written and refused`);
    }
    if (!this.#guarded.has(life)) return;
    this.#report("split:refused", `${life.who} refuses within a majority that is whole`);
  }

  #accepted(life: Incarnation, table: TableState): void {
    this.sweep();
    const since = this.#alone.get(life);
    if (since === undefined) return;
    const ms = this.#world.nowMs() - since;
    this.counters.judgedMinorities++;
    if (ms <= this.#boundMs) return;
    this.#report("split:accepted", `${life.who} writes ${table.id}, alone for ${ms} ms`);
  }

  /** Silence, and one ping and its way for each node that may pass an old heartbeat on. */
  get #boundMs(): number {
    const { timings, network, nodes } = this.#world.script;
    const { downMs = 3500, pingMs = 1000 } = timings;
    const wayMs = pingMs + network.delayMaxMs + network.jitterMs;
    return downMs + pingMs + nodes.length * wayMs;
  }

  /** How many processes' words may reach that one, by any way; itself included. */
  #heardBy(life: Incarnation, alive: readonly Incarnation[]): number {
    const heard = new Set([life]);
    for (const hearer of heard) {
      for (const other of alive) {
        const isCut = this.#world.network.isCut(other.identity.address, hearer.identity.address);
        if (!isCut) heard.add(other);
      }
    }
    return heard.size;
  }
}
