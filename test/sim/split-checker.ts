/**
 * Splits and the tables that pause in them. Whoever could hear fewer than a majority for longer
 * than the failure detector needs must refuse; a majority that was whole when the split came, and
 * that nothing else has befallen, must not refuse at all; and a refused write changes nothing.
 */
import { SplitError, type SplitRefusal } from "../../src/errors.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import type { Fleet } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { LeaseDatabase } from "./lease-database.ts";
import type { Network } from "./network.ts";
import type { Script, ScriptAction } from "./script.ts";
import type { Report } from "./state-checker.ts";

/** What it looks at. */
export interface SplitWorld {
  readonly script: Script;
  readonly fleet: Fleet;
  readonly network: Network;
  /** Null where no table asks for a lease. */
  readonly database: LeaseDatabase | null;
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
    guardedLeases: 0,
    leaseWrites: 0,
    judgedDeaf: 0,
  };
  readonly #report: Report;
  readonly #world: SplitWorld;
  /** Since when each life could hear too few. */
  readonly #alone = new Map<Incarnation, number>();
  /** Since when each life cannot hear the holder of the lease, and who that is. */
  readonly #deaf = new Map<Incarnation, { readonly sinceMs: number; readonly holder: number }>();
  /** Lives of a whole majority; emptied when anything else befalls anybody. */
  #guarded: ReadonlySet<Incarnation> = new Set();
  /** Lives of a whole side that holds the lease, likewise. */
  #leased: ReadonlySet<Incarnation> = new Set();
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
    this.linksBreak();
    // A side whose links are about to break for another reason is not whole.
    if (action.kind !== "split" || this.#world.network.isResetting) return;
    const { nodes } = this.#world.fleet;
    for (const bit of [0, 1]) {
      const side = nodes.filter(({ index }) => ((action.side >> index) & 1) === bit);
      const lives = side.flatMap(({ current }) => (current === null ? [] : [current]));
      if (lives.length !== side.length || !lives.every((life) => this.#isWhole(life, lives)))
        continue;
      if (side.length >= this.majority && isOpen(lives, "pauseMinority")) {
        this.#guarded = new Set(lives);
        this.counters.guardedMajorities++;
      }
      const holder = this.#world.database?.works === true && this.#world.database.lease;
      if (holder && lives.some(({ origin }) => origin === holder.origin)) {
        if (!isOpen(lives, "leaseSide")) continue;
        this.#leased = new Set(lives);
        this.counters.guardedLeases++;
      }
    }
  }

  /** Several links break: what was whole need not be, as nodes hear one another. */
  linksBreak(): void {
    this.#guarded = new Set();
    this.#leased = new Set();
  }

  /** Throws SplitError as the public tables do. To be called before each write. */
  admit(life: Incarnation, table: TableState): void {
    const { tables } = life.engine;
    const before = tables.replica.nextSeq;
    try {
      tables.checkWritable(1, table);
    } catch (error) {
      if (error instanceof SplitError) this.#refused(life, before, error.policy);
      throw error;
    }
    if (table.split === "leaseSide") this.#acceptedByLease(life, table);
    if (table.split !== "pauseMinority") return;
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
    if (held || changes !== this.#changes) {
      this.#alone.clear();
      this.#deaf.clear();
    }
    this.#changes = changes;
    const holder = this.#world.database?.lease ?? null;
    for (const life of alive) {
      const heard = this.#heardBy(life, alive);
      if (heard.size >= this.majority) this.#alone.delete(life);
      else if (!this.#alone.has(life)) this.#alone.set(life, nowMs);
      this.#checkLease(life);
      const hearsHolder = [...heard].some(({ origin }) => origin === holder?.origin);
      if (holder === null || hearsHolder) this.#deaf.delete(life);
      else if (this.#deaf.get(life)?.holder !== holder.origin) {
        this.#deaf.set(life, { sinceMs: nowMs, holder: holder.origin });
      }
    }
  }

  /** Whatever a node counts on is so by the database's time, until the very end. */
  #checkLease(life: Incarnation): void {
    const known = life.engine.lease?.lease ?? null;
    const real = this.#world.database?.lease ?? null;
    if (known === null || life.left) return;
    if (real?.term === known.term && real.origin === known.holder) return;
    const has = real === null ? "nobody has it" : `it is ${real.origin}'s, of term ${real.term}`;
    this.#report("split:lease", `${life.who} counts on ${JSON.stringify(known)}; ${has}`);
  }

  #acceptedByLease(life: Incarnation, table: TableState): void {
    this.sweep();
    this.counters.leaseWrites++;
    if (life.engine.lease?.lease === null) {
      this.#report("split:lease", `${life.who} writes ${table.id} without a lease`);
    }
    const deaf = this.#deaf.get(life);
    if (deaf === undefined) return;
    this.counters.judgedDeaf++;
    const ms = this.#world.nowMs() - deaf.sinceMs;
    if (ms <= this.#boundMs) return;
    const what = `has not heard the holder ${deaf.holder} for ${ms} ms`;
    this.#report("split:accepted", `${life.who} writes ${table.id}, and ${what}`);
  }

  /** That life refuses to be written from now on. */
  paused(life: Incarnation, { policy, text }: SplitRefusal): void {
    this.counters.pauses++;
    const guarded = policy === "leaseSide" ? this.#leased : this.#guarded;
    if (!guarded.has(life)) return;
    this.#report("split:refused", `${life.who} pauses on a side that is whole: ${text}`);
  }

  #isWhole(life: Incarnation, side: readonly Incarnation[]): boolean {
    const { cluster } = life.engine;
    if (!this.#world.fleet.isHealthy(life)) return false;
    if (this.#world.network.isSlow(life.identity.address)) return false;
    const linked = new Set(cluster.linkedPeers().map(({ origin }) => origin));
    return side.every((other) => {
      const [a, b] = [life.identity.address, other.identity.address];
      if (other === life) return true;
      const { network } = this.#world;
      return linked.has(other.origin) && !network.isCut(a, b) && !network.isCut(b, a);
    });
  }

  #refused(life: Incarnation, seqBefore: number, policy: SplitRefusal["policy"]): void {
    this.counters.refusedWrites++;
    if (life.engine.tables.replica.nextSeq !== seqBefore) {
      this.#report("split:changed", `${life.who} has written and refused`);
    }
    const guarded = policy === "leaseSide" ? this.#leased : this.#guarded;
    if (!guarded.has(life)) return;
    this.#report("split:refused", `${life.who} refuses ${policy} on a side that is whole`);
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

  /** Whose words may reach that one, by any way; itself included. */
  #heardBy(life: Incarnation, alive: readonly Incarnation[]): ReadonlySet<Incarnation> {
    const heard = new Set([life]);
    for (const hearer of heard) {
      for (const other of alive) {
        const isCut = this.#world.network.isCut(other.identity.address, hearer.identity.address);
        if (!isCut) heard.add(other);
      }
    }
    return heard;
  }
}

function isOpen(lives: readonly Incarnation[], policy: SplitRefusal["policy"]): boolean {
  return lives.every(({ engine }) => engine.splits.refusal(policy) === null);
}
