/**
 * One run: a cluster of simulated nodes, the script of what happens to it, and the checkers that
 * look after every turn of every node. One synchronous loop over a virtual clock.
 */
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { boundsFault, creditFault } from "./bounds.ts";
import { BrokenLinks } from "./broken-links.ts";
import { DeathChecker, type DeathWorld } from "./death-checker.ts";
import { Endings } from "./endings.ts";
import { ExpiryChecker } from "./expiry-checker.ts";
import { FaceChecker } from "./face-checker.ts";
import { Faults } from "./faults.ts";
import { Fleet, type Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import { readView, rowsOfOthers } from "./inspect.ts";
import { LeaseDatabase } from "./lease-database.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { RefusalChecker } from "./refusal-checker.ts";
import { indexFault, restlessness, rowDifference } from "./rest-checker.ts";
import type { Script } from "./script.ts";
import { KEYS, ScriptWriter } from "./script-writer.ts";
import { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE, type Shape } from "./shapes.ts";
import { SplitChecker } from "./split-checker.ts";
import { type Report, StateChecker } from "./state-checker.ts";
import { TableAmbush } from "./table-ambush.ts";
import { addCounters, newTotals, type Totals } from "./totals.ts";
import type { CheckerName, Violation } from "./violation.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { WriteChecker } from "./write-checker.ts";

/** How a run went. */
export interface RunResult {
  readonly violation: Violation | null;
  readonly totals: Totals;
}

/** It must have come to rest this long after the last fault. */
const REST_MAX_MS = 60_000;
/** Sweeps of the checkers that judge waits. */
const SWEEP_MS = 250;
/** Writes at rest must be everywhere after this long. */
const PROBE_MS = 2_000;

/** The run. */
export class World {
  readonly #script: Script;
  readonly #trace: Trace | null;
  readonly #time = new VirtualClock();
  readonly #oracle = new Oracle();
  readonly #totals: Totals = newTotals();
  readonly #network: Network;
  readonly #fleet: Fleet;
  readonly #faults: Faults;
  readonly #database: LeaseDatabase | null;
  readonly #state: StateChecker;
  readonly #writes: WriteChecker;
  readonly #face: FaceChecker;
  readonly #expiry: ExpiryChecker;
  readonly #deaths: DeathChecker;
  readonly #refusals: RefusalChecker;
  readonly #splits: SplitChecker;
  readonly #writer: ScriptWriter;
  readonly #links: BrokenLinks;
  readonly #endings: Endings;
  readonly #ambush: TableAmbush;
  #violation: Violation | null = null;
  /** Rows were taken out on purpose: only what is left in the end is judged. */
  #isDamaged = false;
  /**
   * Lives that had applied more of a replaced process than those who retired it, that were replaced
   * themselves and retired one elsewhere in its log, or that had applied more than those who did
   * while its own host said for it that nobody listens: what was ended by that of others' rows, on
   * them alone, is put back by the self-check, so that they are judged at rest only.
   */
  readonly #strayed = new Set<Incarnation>();
  /** One of them has lost rows of its own by it: the others lose them by the self-check. */
  #hasEndedLate = false;
  /** By origin: lives whose hosts refused for them when it was first retired. */
  readonly #unheard = new Map<number, readonly Incarnation[]>();

  constructor(script: Script, trace: Trace | null = null) {
    this.#script = script;
    this.#trace = trace;
    const random = new SeededRandom(script.seed, 1);
    const [time, totals, report] = [this.#time, this.#totals, this.#report];
    this.#network = new Network(time, random.fork(2), script.network, (from, to) =>
      report("frame", `a frame from ${from} to ${to} changed after it was sent`),
    );
    const network = this.#network;
    const isLeased = script.tables.some(({ split }) => split === "leaseSide");
    const database = isLeased
      ? new LeaseDatabase(time, new SeededRandom(script.seed, 15), script.leaseMs ?? 5000)
      : null;
    this.#database = database;
    this.#fleet = new Fleet({
      ...{ script, time, random, network, totals, report, trace, database },
      turned: (life) => this.#turned(life),
      wrote: (life, op) => {
        this.#expiry.wrote(life, op);
        this.#writes.wrote(life, op);
      },
      declared: (life, table) => {
        const { merging } = script.tables.find(({ name }) => name === table.name) ?? {};
        this.#face.declared(life, table, merging);
      },
      accused: (life, origin, reason) => {
        this.#deaths.accused(life, origin);
        this.#endings.accused(life, origin);
        if (reason === "refused") this.#refusals.accused(life, origin);
      },
      paused: (life, refusal) => this.#splits.paused(life, refusal),
      died: (life) => this.#deaths.died(life),
    });
    const fleet = this.#fleet;
    const { activeMs } = script;
    this.#faults = new Faults({ time, network, fleet, totals, trace, database, activeMs });
    this.#state = new StateChecker(this.#oracle, report);
    const nowMs = (): number => time.nowMs;
    this.#splits = new SplitChecker(report, { script, fleet, network, database, nowMs });
    this.#writes = new WriteChecker(this.#oracle, report, {
      nowMs: () => time.nowMs,
      lives: fleet.lives,
      stalledMs: (of, sinceMs) => this.#faults.stalledMs(of, sinceMs),
      majority: this.#splits.majority,
      pendingMaxMs: this.#pendingMaxMs(),
    });
    this.#expiry = new ExpiryChecker(script, report, () => time.nowMs);
    this.#face = new FaceChecker(this.#oracle, report);
    this.#refusals = new RefusalChecker(report, { network, lives: fleet.lives });
    this.#deaths = new DeathChecker(report, this.#deathWorld());
    const [checker, splits] = [this.#writes, this.#splits];
    this.#writer = new ScriptWriter({ script, checker, splits, nowMs: () => time.nowMs }, trace);
    const isOver = (): boolean => this.#violation !== null;
    const staged = { script, time, faults: this.#faults, fleet, totals, report, trace, isOver };
    const { expiry, writes } = { expiry: this.#expiry, writes: this.#writes };
    this.#links = new BrokenLinks({ ...staged, network, writes, expiry });
    const write = this.#writer.write.bind(this.#writer);
    this.#endings = new Endings({ ...staged, network, write });
    const struck = (): void => this.#splits.linksBreak();
    this.#ambush = new TableAmbush({ ...staged, network, struck, write });
  }

  /** Runs the script, lets the cluster come to rest and checks it there. */
  run(): RunResult {
    for (const node of this.#fleet.nodes) {
      this.#fleet.bootLater(node, this.#script.nodes[node.index]?.bootAtMs ?? 0);
    }
    for (const action of this.#script.actions) {
      this.#time.after(action.atMs, () => {
        if (action.kind === "remove table") return this.#removeTable(action);
        if (action.kind !== "write") {
          this.#splits.faultComes(action);
          return this.#faults.act(action);
        }
        const life = this.#fleet.node(action.node).current;
        if (this.#fleet.isHealthy(life)) this.#writer.write(life, action);
      });
    }
    this.#sweepLater();
    this.#runUntil(this.#script.activeMs);
    this.#network.repairAll();
    this.#database?.repair();
    this.#faults.calm.touch(this.#time.nowMs);
    this.#faults.network.touch(this.#time.nowMs);
    this.#comeToRest("after the last fault");
    this.#probe();
    this.#comeToRest("after the last writes");
    if (this.#links.breakOne()) this.#comeToRest("after the broken link");
    this.#splits.linksBreak();
    if (this.#links.breakSeveral()) this.#comeToRest("after several broken links");
    if (this.#endings.run()) this.#comeToRest("after the end of one");
    if (this.#violation === null && this.#damage()) this.#comeToRest("after the damage");
    this.#outlive();
    return { violation: this.#violation, totals: this.#sum() };
  }

  readonly #report: Report = (checker: CheckerName, message: string): void => {
    if (this.#violation !== null) return;
    this.#violation = { checker, message, atMs: this.#time.nowMs };
    this.#trace?.(this.#time.nowMs, "checker", `${checker}: ${message}`);
  };

  #runUntil(atMs: number): void {
    this.#time.runUntil(atMs, () => this.#violation !== null);
  }

  #removeTable({ node, table: at }: { readonly node: number; readonly table: number }): void {
    const table = this.#script.tables[at % this.#script.tables.length];
    const life = this.#fleet.node(node).current;
    if (table === undefined || !this.#fleet.isHealthy(life)) return;
    // Nobody ends rows of a table whose time to live is not said any more.
    if (table.ttlMs !== undefined || table.split !== undefined) return;
    this.#trace?.(this.#time.nowMs, life.who, `removes table ${table.name}`);
    life.process.call(() => {
      const removed = life.removeTable(table);
      if (removed === null) return;
      this.#face.removed(life, removed);
      this.#totals.tablesRemoved++;
    });
  }

  // After each turn

  #turned(life: Incarnation): void {
    const { tables } = life.engine;
    this.#writes.turned();
    const awaited = tables.replica.ahead.size;
    if (awaited > this.#totals.aheadMost) this.#totals.aheadMost = awaited;
    const { limits } = this.#script;
    const credit = creditFault(life, limits, this.#network.counters.largestFrameBytes);
    if (credit !== null) this.#report("bounds", credit);
    if (!tables.merging && !this.#isDamaged) {
      this.#noteRetired(life);
      if (life.fullCheckDue) this.#checkAll(life);
      else if (life.touched.size > 0) {
        if (!this.#isStray(life)) {
          this.#state.checkKeys(life.who, tables, life.touched.values());
        }
        life.touched.clear();
      }
    }
    this.#ambush.turned(life);
    if (life.fencedBy !== null) this.#fleet.afterFence(life);
  }

  #checkAll(life: Incarnation): void {
    life.fullCheckDue = false;
    life.touched.clear();
    if (this.#isStray(life)) return;
    this.#state.checkAll(life.who, life.engine.tables);
    const index = indexFault(life);
    if (index !== null) this.#report("index", index);
    const { divergences } = life.engine.tables.counters;
    if (divergences > 0 && !this.#isDamaged && this.#totals.strayed === 0)
      this.#report("digest", `${life.who} saw ${divergences} divergences`);
    const bounds = boundsFault(life, this.#script.limits);
    if (bounds !== null) this.#report("bounds", bounds);
  }

  /** Retiring is a cut in time: what was covered of the origin then is all there will ever be. */
  #noteRetired(life: Incarnation): void {
    const before = life.vectorBefore;
    if (before === null) return;
    const { origins } = life.engine.tables.replica;
    for (const origin of life.retiredNow) {
      const seq = before.get(origin) ?? 0;
      this.#trace?.(this.#time.nowMs, life.who, `retires ${origin} at ${seq}`);
      this.#retire(life, origin, seq);
      if (life.hasJudged) this.#checkAgreed(life, origin);
    }
    life.hasJudged = false;
    for (const [origin, seq] of before) {
      if (!origins.retired.has(origin) || life.retiredNow.includes(origin)) continue;
      const known = this.#oracle.finalOf(origin) ?? 0;
      // What a replaced process writes after that is not the cluster's, whoever has heard it.
      const isCut = this.#fleet.lives.get(origin)?.wasReplaced === true;
      if (seq <= known) continue;
      if (isCut || life.wasReplaced || this.#wasUnheard(life, origin))
        this.#stray(life, { origin, seq, known });
      else this.#reportRetired(life, { origin, seq, known });
    }
    if (life.retiredNow.length > 0) this.#noteJoined(life, before);
    life.retiredBefore = origins.retired.list();
    life.retiredNow = [];
    const hasClosed = origins.closed.includes(true);
    life.vectorBefore = hasClosed ? readView(life.engine.tables).vector : null;
  }

  /** Whoever is linked to the one that retires an origin has said that it has closed it as well. */
  #checkAgreed(life: Incarnation, origin: number): void {
    for (const peer of life.engine.cluster.linkedPeers()) {
      const other = this.#fleet.lives.get(peer.origin);
      if (other === undefined || !other.process.alive) continue;
      // Who has said goodbye is closed by others, and does not close itself.
      if (other.left && peer.origin === origin) continue;
      const { origins } = other.engine.tables.replica;
      if (origins.retired.has(origin) || origins.gone[origins.find(origin)] === true) continue;
      this.#report("retire", `${life.who} retires ${origin}, and ${other.who} has not closed it`);
    }
  }

  #isStray(life: Incarnation): boolean {
    return this.#hasEndedLate || this.#strayed.has(life);
  }

  #stray(life: Incarnation, of: { origin: number; seq: number; known: number }): void {
    this.#strayed.add(life);
    if (!life.wasReplaced && this.#oracle.endLate(life.origin, of) > 0) this.#hasEndedLate = true;
    this.#totals.strayed++;
    this.#trace?.(this.#time.nowMs, life.who, "has applied more of it");
  }

  /** Ids between retired ones may have been retired with them, unheard of. */
  #noteJoined(life: Incarnation, before: ReadonlyMap<number, number>): void {
    const { retired } = life.engine.tables.replica.origins;
    for (const origin of this.#fleet.lives.keys()) {
      if (!retired.has(origin) || life.retiredNow.includes(origin)) continue;
      if (life.retiredBefore.some(([from, to]) => from <= origin && origin <= to)) continue;
      this.#retire(life, origin, before.get(origin) ?? 0);
    }
  }

  /** Others may have retired it elsewhere in the log only if none of them is left. */
  #retire(life: Incarnation, origin: number, seq: number): void {
    const final = this.#oracle.finalOf(origin);
    const known = final ?? seq;
    // What a replaced process makes of it ends with that process, unless it is the first: those
    // that are still linked to it take it over.
    if (life.wasReplaced && final !== seq) {
      if (final === undefined) this.#oracle.retire(origin, seq);
      return this.#stray(life, { origin, seq, known });
    }
    if (final === undefined) this.#noteUnheard(origin);
    else if (seq > known && this.#wasUnheard(life, origin)) {
      return this.#stray(life, { origin, seq, known });
    }
    const isHeld = this.#fleet
      .live()
      .some(
        (other) =>
          other !== life &&
          !other.wasReplaced &&
          other.engine.tables.replica.origins.retired.has(origin),
      );
    if (known !== seq && isHeld) this.#reportRetired(life, { origin, seq, known });
    this.#oracle.retire(origin, seq);
  }

  #noteUnheard(origin: number): void {
    const isUnheard = ({ identity }: Incarnation) => this.#network.refusesLive(identity.address);
    this.#unheard.set(origin, this.#fleet.live().filter(isUnheard));
  }

  #wasUnheard(life: Incarnation, origin: number): boolean {
    return this.#unheard.get(origin)?.includes(life) === true;
  }

  #reportRetired(life: Incarnation, of: { origin: number; seq: number; known: number }): void {
    const { origin, seq, known } = of;
    this.#report("retire", `${life.who} retires ${origin} at ${seq}, others at ${known}`);
  }

  // Checkers that judge waits

  #sweepLater(): void {
    this.#time.after(SWEEP_MS, () => {
      this.#writes.sweep();
      this.#deaths.sweep();
      this.#splits.sweep();
      this.#sweepLater();
    });
  }

  #pendingMaxMs(): number {
    const { lagMs = 4000 } = this.#script.limits;
    const { pingMs = 1000 } = this.#script.timings;
    return lagMs + 3 * pingMs;
  }

  #deathWorld(): DeathWorld {
    const { timings, network } = this.#script;
    const { downMs = 4000, pingMs = 1000, redialMaxMs = 5000, handshakeMs = 5000 } = timings;
    const reachMs =
      redialMaxMs * 1.5 + handshakeMs + network.dialTimeoutMs + 2 * network.delayMaxMs;
    return {
      nowMs: () => this.#time.nowMs,
      calmSinceMs: () => this.#faults.calm.sinceMs,
      healthy: () => this.#fleet.live().filter((life) => this.#fleet.isHealthy(life)),
      replacedAtMs: (dead) => {
        const node = this.#fleet.nodes.find(({ name }) => name === dead.identity.name);
        const life = node?.current;
        return life?.process.alive === true ? life.bootedAtMs : null;
      },
      wasReachable: (life, sinceMs) =>
        this.#faults.network.sinceMs < sinceMs && this.#faults.stalledMs(life, sinceMs) === 0,
      hideMaxMs: reachMs + 2 * downMs + 4 * pingMs,
      closeMaxMs: reachMs + 2 * downMs + 6 * pingMs,
    };
  }

  // Rest

  #comeToRest(when: string): void {
    const untilMs = this.#time.nowMs + REST_MAX_MS;
    let why: string | null = "not looked at";
    while (why !== null && this.#violation === null && this.#time.nowMs < untilMs) {
      this.#runUntil(this.#time.nowMs + this.#shape.lookMs);
      why = this.#restlessness();
      if (why !== null) this.#trace?.(this.#time.nowMs, "rest", why);
    }
    if (this.#violation !== null) return;
    if (why !== null) {
      const rows = rowDifference(this.#fleet.live());
      this.#report("rest", `not at rest ${when}: ${why}${rows}`);
    }
    this.#strayed.clear();
    this.#hasEndedLate = false;
    for (const life of this.#fleet.live()) {
      this.#checkAll(life);
      this.#face.checkAtRest(life);
    }
  }

  get #shape(): Shape {
    return this.#script.shape ?? DEFAULT_SHAPE;
  }

  #restlessness(): string | null {
    this.#fleet.endOrphans();
    if (this.#fleet.nodes.some((node) => node.bootDue)) return "nodes are to boot";
    for (const life of this.#fleet.replaced) return `${life.who} is replaced and not fenced`;
    const live = this.#fleet.live();
    if (live.some((life) => life.process.stalled)) return "a node is stalled";
    if (this.#network.isResetting) return "links are about to break";
    // What it sent before may be taken for its last word a little later.
    const lately = this.#time.nowMs - (this.#script.timings.downMs ?? 4000);
    if (live.some((life) => this.#faults.stalledMs(life, lately) > 0)) return "a node has stalled";
    const leaseless = live.find(({ engine }) => engine.splits.refusal("leaseSide") !== null);
    if (leaseless !== undefined) return `${leaseless.who} knows of no lease`;
    return restlessness(live);
  }

  /** Waits until every row with a time to live must be gone, also those of absent owners. */
  #outlive(): void {
    const { longestMs } = this.#expiry;
    if (longestMs === 0 || this.#violation !== null) return;
    const { expiryGraceMs = 0 } = this.#script.limits;
    const { pingMs = 1000 } = this.#script.timings;
    const graces = this.#fleet.nodes.length + 1;
    const untilMs = this.#time.nowMs + longestMs + graces * expiryGraceMs + 6 * pingMs;
    const isOver = (): boolean => this.#fleet.live().every((life) => this.#expiry.isGone(life));
    while (this.#violation === null && this.#time.nowMs < untilMs && !isOver()) {
      this.#runUntil(Math.min(untilMs, this.#time.nowMs + this.#shape.lookMs));
    }
    this.#comeToRest("after the last row has expired");
    if (this.#violation !== null) return;
    for (const life of this.#fleet.live()) this.#expiry.checkGone(life);
  }

  /** At rest, every node's write reaches every other node. */
  #probe(): void {
    if (this.#violation !== null) return;
    const live = this.#fleet.live();
    let settled = 0;
    for (const life of live) {
      life.process.call(() => this.#probeFrom(life, live.length - 1, () => settled++));
    }
    const isOver = (): boolean => settled === live.length || this.#violation !== null;
    this.#time.runUntil(this.#time.nowMs + PROBE_MS, isOver);
    if (settled === live.length || this.#violation !== null) return;
    this.#report("pending", `${live.length - settled} writes at rest wait for ${PROBE_MS} ms`);
  }

  #probeFrom(life: Incarnation, others: number, settled: () => void): void {
    const { tables } = life.engine;
    const state = this.#restTable(life);
    if (state === null) return;
    const value = encodeValue({ u: "u0" });
    const verb = state.type === "bag" ? "add" : "set";
    const write = (): number => tables.write[verb](state, KEYS[0] as string, value);
    const { far } = tables.counters;
    const seq = this.#writes.during({ verb, value }, write);
    const waiter = {
      done: (reached: { readonly nodes: number; readonly catchingUp: readonly string[] }): void => {
        settled();
        if (reached.nodes === others && reached.catchingUp.length === 0) return;
        // Rows that expire in this very moment may outrun a short ring: who has to pull may lag.
        const isNamed = reached.nodes + reached.catchingUp.length === others;
        if (isNamed && tables.counters.far > far) return;
        const said = `reached ${reached.nodes} of ${others}`;
        this.#report("ack:uncounted", `${life.who}: a write at rest ${said}`);
      },
      fail: (error: Error): void =>
        this.#report("ack:uncounted", `${life.who}: a write at rest: ${error.message}`),
    };
    tables.wait(seq, { need: "all", timeoutMs: 2 * PROBE_MS }, waiter, state);
  }

  /** The first table, which nobody that is at rest may refuse to be written. */
  #restTable(life: Incarnation): TableState | null {
    const [table] = this.#script.tables;
    if (table === undefined) return null;
    const state = life.declare(table);
    const error = life.engine.tables.split.errorOf(state, false);
    if (error === null) return state;
    this.#report("split:refused", `${life.who} at rest: ${error.message}`);
    return null;
  }

  /**
   * Rows vanish from replicas whose owners live, as a fault of the engine would have it. Nobody is
   * told. False if there was nothing to damage, or somebody who cannot be compared with.
   */
  #damage(): boolean {
    const live = this.#fleet.live();
    if (live.length < 2 || this.#script.nodes.some(({ isOld }) => isOld === true)) return false;
    // Rows that expire are writes: a session that one of them causes would spread the damage.
    if (this.#expiry.longestMs > 0) return false;
    const random = new SeededRandom(this.#script.seed, 9);
    const { damageShare } = this.#shape;
    if (damageShare < 1 && !random.chance(damageShare)) return false;
    for (let count = random.int(0, 3); count > 0; count--) {
      const life = random.pick(live);
      const rows = rowsOfOthers(life, live);
      if (rows.length === 0) continue;
      const { table, row } = random.pick(rows);
      this.#isDamaged = true;
      this.#trace?.(this.#time.nowMs, life.who, `loses ${table.id} ${row.key}`);
      life.process.call(() => life.engine.tables.replica.drop(table, row));
    }
    return this.#isDamaged;
  }

  #sum(): Totals {
    const totals = this.#totals;
    totals.seeds = 1;
    const { shape } = this.#script;
    if (shape !== undefined) totals[`${shape.size}Worlds`] = 1;
    totals.virtualMs = this.#time.nowMs;
    totals.deathChecks = this.#deaths.checks;
    const { frames: messages, bytes, connections } = this.#network.counters;
    addCounters(totals, { messages, bytes, connections });
    addCounters(totals, this.#state.counters);
    addCounters(totals, this.#writes.counters);
    addCounters(totals, this.#face.counters);
    addCounters(totals, this.#splits.counters);
    addCounters(totals, this.#refusals.counters);
    if (this.#database !== null) addCounters(totals, this.#database.counters);
    for (const life of this.#fleet.lives.values()) {
      addCounters(totals, life.engine.tables.counters);
    }
    return totals;
  }
}
