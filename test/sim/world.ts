/**
 * One run: a cluster of simulated nodes, the script of what happens to it, and the checkers that
 * look after every turn of every node. One synchronous loop over a virtual clock.
 */
import type { Log } from "../../src/runtime.ts";
import { encodeKey } from "../../src/tables/key.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { boundsFault } from "./bounds.ts";
import { Calm } from "./calm.ts";
import { DeathChecker } from "./death-checker.ts";
import { Incarnation } from "./incarnation.ts";
import { readView } from "./inspect.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { SimProcess } from "./process.ts";
import { indexFault, restlessness } from "./rest-checker.ts";
import type { Script, ScriptAction } from "./script.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type Report, StateChecker } from "./state-checker.ts";
import { newTotals, type Totals } from "./totals.ts";
import type { CheckerName, Violation } from "./violation.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { WriteChecker, type WriteIntent } from "./write-checker.ts";

/** How a run went. */
export interface RunResult {
  readonly violation: Violation | null;
  readonly totals: Totals;
}

/** One line of what happens, for `--trace`. */
export type Trace = (atMs: number, who: string, what: string) => void;

interface SimNode {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  current: Incarnation | null;
  /** It is to come back. */
  bootDue: boolean;
}

type WriteAction = Extract<ScriptAction, { kind: "write" }>;

/** While the cluster comes to rest it is looked at this often. */
const REST_LOOK_MS = 250;
/** It must have come to rest this long after the last fault. */
const REST_MAX_MS = 60_000;
/** Sweeps of the checkers that judge waits. */
const SWEEP_MS = 250;
/** Writes at rest must be everywhere after this long. */
const PROBE_MS = 2_000;
const KEYS: readonly string[] = Array.from({ length: 19 }, (_, at) =>
  encodeKey(at % 4 === 1 ? ["t", at] : at % 4 === 2 ? at : at % 4 === 3 ? BigInt(at) : `k${at}`),
);

/** The run. */
export class World {
  readonly #script: Script;
  readonly #trace: Trace | null;
  readonly #time = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #network: Network;
  readonly #oracle = new Oracle();
  readonly #state: StateChecker;
  readonly #writes: WriteChecker;
  readonly #deaths: DeathChecker;
  readonly #calm = new Calm();
  readonly #nodes: readonly SimNode[];
  readonly #lives = new Map<number, Incarnation>();
  readonly #stalls: { readonly of: Incarnation; readonly fromMs: number; readonly toMs: number }[] =
    [];
  readonly #totals: Totals = newTotals();
  #nextOrigin = 1;
  #valueCount = 0;
  #violation: Violation | null = null;

  constructor(script: Script, trace: Trace | null = null) {
    this.#script = script;
    this.#trace = trace;
    this.#random = new SeededRandom(script.seed, 1);
    this.#network = new Network(
      this.#time,
      this.#random.fork(2),
      script.network,
      (from, to) => this.#report("frame", `a frame from ${from} to ${to} changed after sending`),
    );
    this.#state = new StateChecker(this.#oracle, this.#report);
    this.#writes = new WriteChecker(this.#oracle, this.#report, {
      nowMs: () => this.#time.nowMs,
      incarnation: (origin) => this.#lives.get(origin),
      incarnations: () => this.#lives.values(),
      stalledMs: (of, sinceMs) => this.#stalledMs(of, sinceMs),
      pendingMaxMs: this.#pendingMaxMs(),
    });
    this.#deaths = new DeathChecker(this.#report, this.#deathWorld());
    this.#nodes = script.nodes.map((_, index) => ({
      index,
      name: `n${index}`,
      address: `sim://n${index}:7400`,
      current: null,
      bootDue: false,
    }));
  }

  /** Runs the script, lets the cluster come to rest and checks it there. */
  run(): RunResult {
    for (const node of this.#nodes) {
      this.#bootLater(node, this.#script.nodes[node.index]?.bootAtMs ?? 0);
    }
    for (const action of this.#script.actions) {
      this.#time.after(action.atMs, () => this.#act(action));
    }
    this.#sweepLater();
    this.#runUntil(this.#script.activeMs);
    this.#network.repairAll();
    this.#calm.touch(this.#time.nowMs);
    this.#comeToRest("after the last fault");
    this.#probe();
    this.#comeToRest("after the last writes");
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

  // Nodes coming and going

  #bootLater(node: SimNode, delayMs: number): void {
    node.bootDue = true;
    this.#time.after(delayMs, () => this.#boot(node));
  }

  #boot(node: SimNode): void {
    node.bootDue = false;
    if (node.current?.process.alive === true) return;
    const { skewMs = 0, turnMs = 0 } = this.#script.nodes[node.index] ?? {};
    const random = this.#random.fork(100 + node.index);
    const { name, address } = node;
    const process = new SimProcess(
      this.#time,
      random.fork(1),
      { skewMs, turnMs, startMs: random.int(0, 1_000_000) },
      {
        turned: () => this.#turned(life),
        threw: (error) => this.#threw(life, error),
      },
    );
    const origin = this.#nextOrigin;
    this.#nextOrigin += random.int(1, this.#script.originGap);
    const life = new Incarnation(
      {
        identity: { name, address, origin, nodeNumber: node.index + 1 },
        script: this.#script,
        process,
        random,
        transport: this.#network.dialler(address, process),
        log: this.#logOf(`${name}#${origin}`),
        wrote: (by, op) => this.#writes.wrote(by, op),
      },
      this.#time.nowMs,
    );
    node.current = life;
    this.#lives.set(origin, life);
    this.#totals.boots++;
    this.#trace?.(this.#time.nowMs, life.who, "boots");
    this.#network.listen(address, process, (link) => life.accept(link));
    process.call(() => {
      life.engine.start();
      this.#discover(life, random);
    });
  }

  /** Discovery: part of the addresses at first, all of them soon. */
  #discover(life: Incarnation, random: SeededRandom): void {
    const others = this.#nodes.map((node) => node.address).filter((a) => a !== life.identity.address);
    life.engine.cluster.setTargets(others.filter(() => random.chance(0.6)));
    life.process.after(random.between(100, 2000), () => life.engine.cluster.setTargets(others));
  }

  #end(node: SimNode, silent: boolean, backAfterMs: number | null): void {
    const life = node.current;
    if (life === null || !life.process.alive) return;
    this.#trace?.(this.#time.nowMs, life.who, silent ? "its machine goes off" : "its process ends");
    life.process.kill();
    this.#network.crash(node.address, silent);
    node.current = null;
    if (!life.left) this.#deaths.died(life);
    if (backAfterMs !== null) this.#bootLater(node, backAfterMs);
  }

  #leave(node: SimNode, backAfterMs: number | null): void {
    const life = node.current;
    if (life === null || !this.#isRunning(life)) return;
    this.#trace?.(this.#time.nowMs, life.who, "says goodbye");
    this.#totals.goodbyes++;
    life.left = true;
    life.process.call(() => life.engine.leave());
    this.#deaths.died(life);
    // The process lives on a little, so that the goodbye goes out.
    const lingerMs = this.#random.between(20, 300);
    this.#time.after(lingerMs, () => {
      if (node.current === life) this.#end(node, false, backAfterMs);
    });
  }

  #isRunning(life: Incarnation | null): life is Incarnation {
    return (
      life !== null &&
      life.process.alive &&
      !life.process.stalled &&
      life.fencedBy === null &&
      !life.left
    );
  }

  #live(): Incarnation[] {
    return this.#nodes.flatMap(({ current }) =>
      current?.process.alive === true && !current.left ? [current] : [],
    );
  }

  // After each turn

  #turned(life: Incarnation): void {
    const { tables } = life.engine;
    this.#writes.turned();
    if (!tables.merging) {
      this.#noteRetired(life);
      if (life.fullCheckDue) {
        life.fullCheckDue = false;
        life.touched.clear();
        this.#checkAll(life);
      } else if (life.touched.size > 0) {
        this.#state.checkKeys(life.who, tables, life.touched.values());
        life.touched.clear();
      }
    }
    if (life.fencedBy !== null) this.#afterFence(life);
  }

  #checkAll(life: Incarnation): void {
    const { tables } = life.engine;
    this.#state.checkAll(life.who, tables);
    this.#totals.aheadMost = Math.max(this.#totals.aheadMost, tables.replica.ahead.size);
    const index = indexFault(life);
    if (index !== null) this.#report("index", index);
    const bounds = boundsFault(life, this.#script.limits);
    if (bounds !== null) this.#report("bounds", bounds);
  }

  /** Retiring is a cut in time: what was covered of the origin then is all there will ever be. */
  #noteRetired(life: Incarnation): void {
    const { replica } = life.engine.tables;
    const before = life.vectorBefore;
    if (before !== null) {
      const judged = new Set(life.retiredNow);
      for (const [origin, seq] of before) {
        if (!replica.origins.retired.has(origin)) continue;
        const final = judged.has(origin) ? seq : this.#oracle.finals.get(origin);
        const agrees = judged.has(origin) ? this.#oracle.retire(origin, seq) : seq <= (final ?? 0);
        if (agrees) continue;
        const known = this.#oracle.finals.get(origin);
        this.#report("retire", `${life.who} retires ${origin} at ${seq}, others at ${known}`);
      }
    }
    life.retiredNow = [];
    const hasClosed = replica.origins.closed.includes(true);
    life.vectorBefore = hasClosed ? readView(life.engine.tables).vector : null;
  }

  #afterFence(life: Incarnation): void {
    const node = this.#nodes.find(({ current }) => current === life);
    if (node === undefined || node.bootDue) return;
    this.#totals.fenced++;
    this.#trace?.(this.#time.nowMs, life.who, `is fenced: ${life.fencedBy}`);
    node.bootDue = true;
    this.#time.after(this.#random.between(50, 800), () => {
      if (node.current === life) this.#end(node, false, this.#random.between(0, 500));
    });
  }

  #threw(life: Incarnation, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#report(text.includes("gap: origin") ? "gaps" : "crash", `${life.who}: ${text}`);
  }

  #logOf(who: string): Log {
    const note = (fields: object, message = ""): void => {
      this.#trace?.(this.#time.nowMs, who, `${message} ${JSON.stringify(fields)}`);
    };
    return {
      debug: note,
      info: note,
      warn: (fields, message) => {
        note(fields, message);
        const { event, message: why } = fields as { event?: string; message?: string };
        if (event !== "bad-frame") return;
        this.#report(/^op \d+ of origin/.test(why ?? "") ? "gaps" : "protocol", `${who}: ${why}`);
      },
      error: (fields, message) => {
        note(fields, message);
        const { event, err } = fields as { event?: string; err?: unknown };
        if (event !== "frame-handler-failed") return;
        const text = err instanceof Error ? (err.stack ?? err.message) : String(err);
        this.#report(text.includes("gap: origin") ? "gaps" : "crash", `${who}: ${text}`);
      },
    };
  }

  // What happens

  #act(action: ScriptAction): void {
    switch (action.kind) {
      case "write":
        return this.#write(action);
      case "crash": {
        const node = this.#node(action.node);
        if (node.current === null) return;
        this.#totals.crashes++;
        return this.#end(node, action.silent, action.backAfterMs);
      }
      case "leave":
        return this.#leave(this.#node(action.node), action.backAfterMs);
      case "cut":
        return this.#cut([[action.from, action.to]], action);
      case "split":
        return this.#cut(this.#pairsAcross(action.side), { ...action, oneWay: false });
      case "reset": {
        this.#calm.touch(this.#time.nowMs);
        return this.#network.reset(
          this.#node(action.from).address,
          this.#node(action.to).address,
        );
      }
      case "stall":
        return this.#stall(this.#node(action.node).current, action.forMs);
      case "slow": {
        const { address } = this.#node(action.node);
        this.#network.slowReader(address, action.readMs);
        return this.#during(action.forMs, () => this.#network.slowReader(address, 0));
      }
      case "clock":
        return this.#node(action.node).current?.process.stepWall(action.stepMs);
      default:
        return action satisfies never;
    }
  }

  #node(index: number): SimNode {
    return this.#nodes[index % this.#nodes.length] as SimNode;
  }

  #pairsAcross(side: number): [number, number][] {
    const pairs: [number, number][] = [];
    for (const a of this.#nodes) {
      for (const b of this.#nodes) {
        const apart = ((side >> a.index) & 1) === 1 && ((side >> b.index) & 1) === 0;
        if (apart) pairs.push([a.index, b.index]);
      }
    }
    return pairs;
  }

  #cut(
    pairs: readonly (readonly [number, number])[],
    how: { readonly oneWay: boolean; readonly toldShare: number; readonly forMs: number },
  ): void {
    const { oneWay, toldShare, forMs } = how;
    const cut: [string, string][] = [];
    for (const [from, to] of pairs) {
      const [a, b] = [this.#node(from).address, this.#node(to).address];
      if (a === b || this.#network.isCut(a, b) || this.#network.isCut(b, a)) continue;
      this.#network.cut(a, b, { oneWay, toldShare, detectMs: 400, brokenShare: 0.5 });
      this.#totals.cuts++;
      cut.push([a, b]);
    }
    if (cut.length === 0) return;
    this.#trace?.(this.#time.nowMs, "network", `cut ${JSON.stringify(cut)} for ${forMs} ms`);
    this.#during(forMs, () => {
      for (const [a, b] of cut) this.#network.repair(a, b);
      this.#trace?.(this.#time.nowMs, "network", `repaired ${JSON.stringify(cut)}`);
    });
  }

  /** A fault that lasts, at most until the active time is over. */
  #during(forMs: number, end: () => void): void {
    this.#calm.begin();
    const left = Math.max(0, this.#script.activeMs - this.#time.nowMs);
    this.#time.after(Math.min(forMs, left), () => {
      end();
      this.#calm.end(this.#time.nowMs);
    });
  }

  #stall(life: Incarnation | null, forMs: number): void {
    if (!this.#isRunning(life)) return;
    this.#totals.stalls++;
    this.#trace?.(this.#time.nowMs, life.who, `stalls for ${forMs} ms`);
    const fromMs = this.#time.nowMs;
    this.#stalls.push({ of: life, fromMs, toMs: fromMs + forMs });
    life.process.stall(forMs);
    this.#calm.begin();
    this.#time.after(forMs, () => this.#calm.end(this.#time.nowMs));
  }

  #stalledMs(of: Incarnation, sinceMs: number): number {
    let sum = 0;
    for (const stall of this.#stalls) {
      if (stall.of !== of) continue;
      sum += Math.max(0, Math.min(stall.toMs, this.#time.nowMs) - Math.max(stall.fromMs, sinceMs));
    }
    return sum;
  }

  // Writes

  #write(action: WriteAction): void {
    const life = this.#node(action.node).current;
    if (!this.#isRunning(life)) return;
    life.process.call(() => this.#writeBy(life, action));
  }

  #writeBy(life: Incarnation, action: WriteAction): void {
    const { tables } = life.engine;
    const table = this.#script.tables[action.table % this.#script.tables.length];
    if (table === undefined) return;
    const state = life.declare(table);
    const keys = action.keys.map((at) => KEYS[at % KEYS.length] as string);
    const key = keys[0] as string;
    const isBag = table.type === "bag";
    const number = this.#valueCount++;
    const u = `u${number % 3}`;
    // Bags get few distinct values, so that equal ones meet.
    const value = encodeValue(isBag ? { u } : { u, n: number });
    const entries = keys.map((each): [string, string] => [each, value]);
    tables.checkWritable(1);
    const write = (verb: WriteIntent["verb"], call: () => number): number => {
      const seq = this.#writes.during({ verb, value }, call);
      if (seq === 0) this.#writes.nothingDone(life, verb, { table: state.id, key });
      this.#trace?.(this.#time.nowMs, life.who, `${verb} ${state.id} ${action.keys} -> ${seq}`);
      return seq;
    };
    const { write: writer } = tables;
    const seq = (() => {
      switch (action.verb) {
        case "add":
        case "set":
          if (isBag) return write("add", () => writer.add(state, key, value));
          return write("set", () => writer.set(state, key, value));
        case "setMany":
          if (isBag) return write("add", () => writer.addMany(state, entries));
          return write("setMany", () => writer.setMany(state, entries));
        case "patch":
          if (isBag) return write("add", () => writer.add(state, key, value));
          return write("patch", () => writer.patch(state, key, value));
        case "remove":
        case "delete":
          if (isBag && action.verb === "remove") {
            return write("remove", () => writer.remove(state, key, value));
          }
          return write("delete", () => writer.delete(state, key));
        case "deleteMany":
          return write("deleteMany", () => writer.deleteMany(state, keys));
        default:
          return action.verb satisfies never;
      }
    })();
    if (seq > 0) this.#writes.await(life, seq, action.ack, action.timeoutMs);
  }

  // Checkers

  #sweepLater(): void {
    this.#time.after(SWEEP_MS, () => {
      this.#writes.sweep();
      this.#deaths.sweep();
      this.#sweepLater();
    });
  }

  #pendingMaxMs(): number {
    const { lagMs = 4000 } = this.#script.limits;
    const { pingMs = 1000 } = this.#script.timings;
    return lagMs + 3 * pingMs;
  }

  #deathWorld(): ConstructorParameters<typeof DeathChecker>[1] {
    const { timings, network } = this.#script;
    const { downMs = 4000, pingMs = 1000, redialMaxMs = 5000, handshakeMs = 5000 } = timings;
    const reach = redialMaxMs * 1.5 + handshakeMs + network.dialTimeoutMs + 2 * network.delayMaxMs;
    return {
      nowMs: () => this.#time.nowMs,
      calmSinceMs: () => this.#calm.sinceMs,
      healthy: () => this.#live().filter((life) => this.#isRunning(life)),
      replacedAtMs: (dead) => {
        const node = this.#nodes.find(({ name }) => name === dead.identity.name);
        const life = node?.current;
        return life?.process.alive === true ? life.bootedAtMs : null;
      },
      hideMaxMs: reach + 2 * downMs + 4 * pingMs,
      closeMaxMs: reach + 2 * downMs + 6 * pingMs,
    };
  }

  // Rest

  #comeToRest(when: string): void {
    const untilMs = this.#time.nowMs + REST_MAX_MS;
    let why: string | null = "not looked at";
    while (this.#violation === null && this.#time.nowMs < untilMs) {
      this.#runUntil(this.#time.nowMs + REST_LOOK_MS);
      const isBooting = this.#nodes.some((node) => node.bootDue);
      why = isBooting ? "nodes are to boot" : restlessness(this.#live());
      if (why === null) break;
    }
    if (this.#violation !== null) return;
    if (why !== null) this.#report("rest", `not at rest ${when}: ${why}`);
    for (const life of this.#live()) this.#checkAll(life);
  }

  /** At rest, every node's write reaches every other node. */
  #probe(): void {
    if (this.#violation !== null) return;
    const live = this.#live();
    let settled = 0;
    for (const life of live) {
      life.process.call(() => {
        const { tables } = life.engine;
        const table = this.#script.tables[0];
        if (table === undefined) return;
        const state = life.declare(table);
        const value = encodeValue({ u: "u0" });
        const verb = table.type === "bag" ? "add" : "set";
        const seq = this.#writes.during({ verb, value }, () =>
          tables.write[verb](state, KEYS[0] as string, value),
        );
        const fail = (): void => this.#report("ack:uncounted", `${life.who}: a write at rest fails`);
        const done = (reached: { nodes: number; catchingUp: readonly string[] }): void => {
          settled++;
          if (reached.nodes === live.length - 1 && reached.catchingUp.length === 0) return;
          this.#report(
            "ack:uncounted",
            `${life.who}: a write at rest reached ${reached.nodes} of ${live.length - 1}`,
          );
        };
        tables.wait(seq, { need: "all", timeoutMs: 2 * PROBE_MS }, { done, fail });
      });
    }
    this.#runUntil(this.#time.nowMs + PROBE_MS);
    if (settled === live.length || this.#violation !== null) return;
    this.#report("pending", `${live.length - settled} writes at rest wait for ${PROBE_MS} ms`);
  }

  #sum(): Totals {
    const totals = this.#totals;
    totals.seeds = 1;
    Object.assign(totals, this.#state.counters);
    const { writes, ops, acked, ackTimeouts, fencedWrites } = this.#writes.counters;
    Object.assign(totals, { writes, ops, acked, ackTimeouts, fencedWrites });
    const { frames, bytes, connections } = this.#network.counters;
    Object.assign(totals, { messages: frames, bytes, connections });
    totals.deathChecks = this.#deaths.checks;
    totals.virtualMs = this.#time.nowMs;
    for (const life of this.#lives.values()) {
      const { counters } = life.engine.tables;
      totals.sessions += counters.sessions;
      totals.sessionsAborted += counters.sessionsAborted;
      totals.opsAnswers += counters.opsAnswers;
      totals.relayed += counters.relayed;
      totals.duplicates += counters.duplicates;
      totals.far += counters.far;
      totals.merges += counters.merges;
      totals.mergeSlices += counters.mergeSlices;
      totals.hides += counters.hides;
      totals.shows += counters.shows;
      totals.closings += counters.closings;
      totals.retirements += counters.retirements;
      totals.lagging += counters.lagging;
      totals.acksRelayed += counters.acksRelayed;
    }
    return totals;
  }
}
