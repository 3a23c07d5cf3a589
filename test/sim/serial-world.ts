/**
 * One run of serial calls: a cluster of simulated nodes under faults, clients that call, and the
 * judgement of what they were told.
 *
 * `quorum`: the whole history of each key must be linearizable, whatever happened, as long as no
 * more nodes have lost their memory at a time than the mode allows. `available`: the history up
 * to the moment in which a living node was first counted as down or left out by another one, for
 * from then on there may be two clusters, or in which nobody was left who remembers anything;
 * until then no key may ever have two rows either; nor ever in `quorum` mode.
 */
import type { WrittenOp } from "../../src/tables/observer.ts";
import { Ambush } from "./ambush.ts";
import { Faults } from "./faults.ts";
import { Fleet, type Trace } from "./fleet.ts";
import { ForkChecker } from "./fork-checker.ts";
import type { Incarnation } from "./incarnation.ts";
import { checkLinear, historyUpTo } from "./linear.ts";
import { Network } from "./network.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SerialClients } from "./serial-clients.ts";
import type { SerialScript, SerialTable } from "./serial-scenario.ts";
import type { Report } from "./state-checker.ts";
import { addCounters, newTotals, type Totals } from "./totals.ts";
import type { Violation } from "./violation.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { RunResult } from "./world.ts";

/** After the last fault the cluster has this long to come together. */
const HEAL_MS = 12_000;
/** Calls at rest are served within this time. */
const PROBE_MS = 10_000;
const SWEEP_MS = 100;
/** Histories shorter than this prove little, and are not counted as judged. */
const HISTORY_LEAST = 20;

const NOBODY: ReadonlyMap<string, number> = new Map();

/** The run. */
export class SerialWorld {
  readonly #script: SerialScript;
  readonly #trace: Trace | null;
  readonly #time = new VirtualClock();
  readonly #totals: Totals = newTotals();
  readonly #network: Network;
  readonly #fleet: Fleet;
  readonly #faults: Faults;
  readonly #clients: SerialClients;
  /** By table. */
  readonly #forks: ReadonlyMap<string, ForkChecker>;
  readonly #ambush: Ambush;
  /** The table of that mode. */
  readonly #available: string;
  /** Moments in which lives ended, by origin. */
  readonly #ends = new Map<Incarnation, number>();
  #violation: Violation | null = null;
  /** The moment of the first accusation of a living node. */
  #splitMoment = Number.POSITIVE_INFINITY;
  /** The moment in which more memory was lost than `quorum` mode can bear. */
  #lossMoment = Number.POSITIVE_INFINITY;
  /** All seats have voted once: the cluster has begun. */
  #hasBegun = false;
  /** Moments in which another node began to lead. */
  readonly #changes: number[] = [];
  readonly #leading = new Map<Incarnation, number>();

  constructor(script: SerialScript, trace: Trace | null = null) {
    this.#script = script;
    this.#trace = trace;
    const random = new SeededRandom(script.seed, 1);
    this.#available =
      script.serialTables.map(tableId).find((id) => id.startsWith("available")) ?? "";
    const [time, totals, report] = [this.#time, this.#totals, this.#report];
    this.#network = new Network(time, random.fork(2), script.network, (from, to) =>
      report("frame", `a frame from ${from} to ${to} changed after it was sent`),
    );
    const network = this.#network;
    this.#fleet = new Fleet({
      ...{ script, time, random, network, totals, report, trace },
      turned: (life) => this.#turned(life),
      wrote: (life, op) => this.#wrote(life, op),
      declared: () => undefined,
      accused: (life, origin) => this.#accused(life, origin),
      died: (life) => this.#died(life),
      opened: (life) => this.#opened(life),
      replaced: (life) => this.#replaced(life),
    });
    const fleet = this.#fleet;
    this.#faults = new Faults({ time, network, fleet, totals, trace, activeMs: script.activeMs });
    const tables = script.serialTables.map(tableId);
    this.#forks = new Map(tables.map((id) => [id, new ForkChecker(id, fleet)]));
    this.#ambush = new Ambush({
      ...{ script, time, network, fleet, totals, trace },
      random: random.fork(3),
    });
    this.#clients = new SerialClients({
      ...{ script, time, random, fleet, totals, trace },
      ran: (life, resource) => this.#ran(life, resource),
      returned: (life) => this.#ambush.returned(life),
    });
  }

  /** Runs the script, lets the cluster heal, and judges. */
  run(): RunResult {
    for (const node of this.#fleet.nodes) {
      this.#fleet.bootLater(node, this.#script.nodes[node.index]?.bootAtMs ?? 0);
    }
    for (const action of this.#script.actions) {
      if (action.kind !== "write" && action.kind !== "remove table")
        this.#time.after(action.atMs, () => this.#faults.act(action));
    }
    this.#breakLater();
    this.#clients.start();
    this.#sweepLater();
    this.#runFor(this.#script.activeMs);
    this.#network.repairAll();
    this.#runFor(HEAL_MS / 2);
    this.#clients.end();
    this.#runFor(HEAL_MS / 2);
    this.#probe();
    this.#checkForks();
    this.#judge();
    return { violation: this.#violation, totals: this.#sum() };
  }

  readonly #report: Report = (checker, message): void => {
    if (this.#violation !== null) return;
    this.#violation = { checker, message, atMs: this.#time.nowMs };
    this.#trace?.(this.#time.nowMs, "checker", `${checker}: ${message}`);
  };

  #runFor(ms: number): void {
    this.#time.runUntil(this.#time.nowMs + ms, () => this.#violation !== null);
  }

  // What is noticed on the way

  #turned(life: Incarnation): void {
    const { tables } = life.engine;
    if (life.fencedBy !== null) this.#fleet.afterFence(life);
    const { takeovers } = tables.serial.counts;
    if (takeovers > (this.#leading.get(life) ?? 0)) {
      this.#leading.set(life, takeovers);
      this.#changes.push(this.#clients.nextMoment());
      this.#trace?.(this.#time.nowMs, life.who, `leads, takeover ${takeovers}`);
    }
  }

  #wrote(life: Incarnation, op: WrittenOp): void {
    this.#ambush.wrote(life, op.table !== this.#available);
    const fault = this.#forks.get(op.table)?.wrote(op) ?? null;
    if (fault === null || this.#mayFork(op.table)) return;
    this.#report("serial:fork", `${life.who}: ${fault}`);
  }

  /** After a split `available` tables may have two rows under a key, others after a loss. */
  #mayFork(table: string): boolean {
    const moment = table === this.#available ? this.#splitMoment : this.#lossMoment;
    return moment < Number.POSITIVE_INFINITY;
  }

  /** At rest no key has two rows. */
  #checkForks(): void {
    for (const { who, engine } of this.#fleet.live()) {
      for (const id of this.#forks.keys()) {
        if (this.#mayFork(id)) continue;
        for (const key of engine.tables.replica.tables.get(id)?.multi ?? []) {
          const what = `${who} holds two rows of ${id} under ${JSON.stringify(key)} at rest`;
          this.#report("serial:fork", what);
        }
      }
    }
  }

  #accused(life: Incarnation, origin: number): void {
    const other = this.#fleet.lives.get(origin);
    if (other?.process.alive !== true || other.left) return;
    this.#split(`${life.who} counts ${other.who} as down`);
  }

  /** A node that takes part without another one that does: two clusters. */
  #opened(life: Incarnation): void {
    const alive = new Set<number>();
    for (const { origin, state } of life.engine.cluster.members()) {
      if (state === "alive") alive.add(origin);
    }
    for (const other of this.#fleet.lives.values()) {
      if (other === life || !other.isOpen || !other.process.alive || other.left) continue;
      if (!alive.has(other.origin)) this.#split(`${life.who} begins without ${other.who}`);
    }
  }

  #died(life: Incarnation): void {
    this.#endOf(life);
    this.#countMemory();
    const left = this.#fleet.live().filter(({ isOpen, process }) => isOpen && process.alive);
    if (left.length === 0) this.#split("nobody is left who remembers");
  }

  #replaced(life: Incarnation): void {
    this.#endOf(life);
    this.#split(`${life.who} is replaced while it runs`);
  }

  /** From now on its rows of lifetime `node` may be gone. */
  #endOf(life: Incarnation): void {
    if (!this.#ends.has(life)) this.#ends.set(life, this.#clients.nextMoment());
  }

  /** A link that stays broken: nobody may be counted as down for it, and all is to go on. */
  #breakLater(): void {
    const { broken, nodes } = this.#script;
    if (broken === null || nodes.length < 3) return;
    const { address: from } = this.#fleet.node(broken.from);
    const { address: to } = this.#fleet.node(broken.to);
    if (from === to) return;
    this.#time.after(broken.atMs, () => {
      this.#totals.brokenLinks++;
      this.#network.cut(from, to, { oneWay: false, toldShare: 0, detectMs: 0, brokenShare: 0 });
    });
  }

  #split(why: string): void {
    if (this.#splitMoment < Number.POSITIVE_INFINITY) return;
    this.#splitMoment = this.#clients.nextMoment();
    this.#trace?.(this.#time.nowMs, "checker", `split at ${this.#splitMoment}: ${why}`);
  }

  /** A call decides, or begins to hold on to its key: nobody else may hold on to it. */
  #ran(life: Incarnation, resource: string): void {
    if (this.#splitMoment < Number.POSITIVE_INFINITY) return;
    for (const hold of this.#clients.holds) {
      const isOver = hold.resource !== resource || !hold.life.process.alive || hold.life.left;
      if (!isOver) this.#report("serial:hold", `${life.who} and ${hold.life.who}: ${resource}`);
    }
  }

  /** Voters that are alive: the others remember nothing. */
  #countMemory(): void {
    const seats = this.#fleet.nodes.length;
    let remembering = 0;
    for (const { current } of this.#fleet.nodes) {
      const isUp = current?.process.alive === true && !current.left;
      if (isUp && current.engine.tables.serial.isVoter) remembering++;
    }
    // One seat may stay empty from the start: a majority serves, and may be lost.
    const isServed = remembering >= Math.floor(seats / 2) + 1;
    if (isServed) this.#hasBegun = true;
    const isLost = this.#hasBegun && !isServed;
    if (!isLost || this.#lossMoment < Number.POSITIVE_INFINITY) return;
    this.#lossMoment = this.#clients.nextMoment();
    this.#trace?.(this.#time.nowMs, "checker", `memory lost at ${this.#lossMoment}`);
  }

  #sweepLater(): void {
    this.#time.after(SWEEP_MS, () => {
      this.#countMemory();
      this.#sweepLater();
    });
  }

  // The end

  /** Every node's call is served in both modes, and nothing is left over. */
  #probe(): void {
    if (this.#violation !== null) return;
    const live = this.#fleet.live();
    const waiting = new Set<string>();
    for (const life of live) {
      for (const [table, { name }] of this.#script.serialTables.entries()) {
        const who = `${life.who} in ${name}`;
        waiting.add(who);
        const settled = (how: string): void => {
          waiting.delete(who);
          if (how !== "done") this.#report("serial:rest", `${who} at rest: ${how}`);
        };
        life.process.call(() => this.#clients.probe(life, table, settled));
      }
    }
    this.#runFor(PROBE_MS);
    if (waiting.size > 0) this.#report("serial:rest", `wait at rest: ${[...waiting].join(", ")}`);
    for (const life of live) {
      const { pending, reserved } = life.engine.tables.serial;
      if (pending === 0 && reserved === 0) continue;
      this.#report("serial:rest", `${life.who} has ${pending} calls and ${reserved} keys at rest`);
    }
  }

  #judge(): void {
    const mortal = new Map<string, number>();
    for (const [value, life] of this.#clients.writers) {
      const moment = this.#ends.get(life);
      if (moment !== undefined) mortal.set(value, moment);
    }
    for (const [resource, records] of this.#clients.histories) {
      if (this.#violation !== null) return;
      const isQuorum = resource.startsWith("quorum");
      const untilMoment = isQuorum ? this.#lossMoment : this.#splitMoment;
      const history = historyUpTo(SerialClients.callsOf(records), untilMoment);
      this.#totals.historyCalls += history.length;
      if (untilMoment < Number.POSITIVE_INFINITY) this.#totals.historiesCut++;
      if (history.length >= HISTORY_LEAST)
        this.#countHistory(isQuorum, history[0]?.begun ?? 0, untilMoment);
      const verdict = checkLinear(history, resource.includes("|node|") ? mortal : NOBODY);
      if (verdict === "gave up") this.#totals.searchesGivenUp++;
      if (verdict !== "not linearizable") continue;
      this.#report("serial", `the ${history.length} calls on ${resource} have no order`);
    }
  }

  #countHistory(isQuorum: boolean, from: number, until: number): void {
    const totals = this.#totals;
    totals.histories++;
    if (isQuorum) totals.quorumHistories++;
    const hasChange = this.#changes.some((moment) => moment > from && moment < until);
    if (!hasChange) return;
    totals.historiesWithChange++;
    if (isQuorum) totals.quorumWithChange++;
  }

  #sum(): Totals {
    const totals = this.#totals;
    totals.seeds = 1;
    totals.virtualMs = this.#time.nowMs;
    const { frames: messages, bytes, connections } = this.#network.counters;
    addCounters(totals, { messages, bytes, connections });
    for (const life of this.#fleet.lives.values()) {
      addCounters(totals, life.engine.tables.counters);
      const { takeovers, detours } = life.engine.tables.serial.counts;
      totals.serialTakeovers += takeovers;
      totals.detours += detours;
    }
    return totals;
  }
}

function tableId({ name, type, lifetime }: SerialTable): string {
  return `${name}|${type}|${lifetime}`;
}
