/**
 * Links that break for good while the cluster is at rest, and what is promised then. Nodes that the
 * links left join in one piece, directly or over others, show all of one another's rows, come to
 * the same rows, and a write on one of them counts or names every other one. One broken link of
 * three or more nodes, then several: a path, a star, a ring that lacks two, two pieces.
 */
import { SplitError } from "../../src/errors.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue } from "../../src/tables/value.ts";
import type { ExpiryChecker } from "./expiry-checker.ts";
import type { Faults } from "./faults.ts";
import type { Fleet, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import { relayFault } from "./rest-checker.ts";
import type { Script } from "./script.ts";
import { KEYS } from "./script-writer.ts";
import { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE, type Shape } from "./shapes.ts";
import type { Report } from "./state-checker.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import type { WriteChecker } from "./write-checker.ts";

/** What it works on. */
export interface BrokenLinksParts {
  readonly script: Script;
  readonly time: VirtualClock;
  readonly network: Network;
  readonly faults: Faults;
  readonly fleet: Fleet;
  readonly writes: WriteChecker;
  readonly expiry: ExpiryChecker;
  readonly totals: Totals;
  readonly report: Report;
  readonly trace: Trace | null;
  /** A checker has seen something. */
  readonly isOver: () => boolean;
}

/** Nodes that are one piece by the links left. */
type Piece = readonly Incarnation[];

/** Of a write on broken links. */
interface WriteAbout {
  readonly piece: Piece;
  /** No more than one link is broken. */
  readonly isOne: boolean;
  readonly settled: () => void;
}

interface Link {
  readonly from: string;
  readonly to: string;
  readonly oneWay: boolean;
}

/** The stage. The caller lets the cluster come to rest after each break. */
export class BrokenLinks {
  readonly #parts: BrokenLinksParts;
  #isMended = true;

  constructor(parts: BrokenLinksParts) {
    this.#parts = parts;
  }

  /** One link, both ways or one. False if there are too few nodes to relay, or not in this run. */
  breakOne(): boolean {
    const live = this.#parts.fleet.live();
    const isChosen = new SeededRandom(this.#parts.script.seed, 18).chance(this.#shape.oneLinkShare);
    if (live.length < 3 || !isChosen || this.#parts.isOver()) return false;
    const random = new SeededRandom(this.#parts.script.seed, 10);
    const one = random.pick(live);
    const other = random.pick(live.filter((life) => life !== one));
    const [from, to] = [one.identity.address, other.identity.address];
    const oneWay = random.chance(0.5);
    this.#parts.totals.brokenLinks++;
    this.#during([{ from, to, oneWay }], [live], random);
    return true;
  }

  /** Two links or more, of four nodes or more. False if that is not for this run. */
  breakSeveral(): boolean {
    const live = this.#parts.fleet.live();
    const random = new SeededRandom(this.#parts.script.seed, 15);
    if (live.length < 4 || !random.chance(this.#shape.severalLinksShare) || this.#parts.isOver())
      return false;
    const { pieces, left } = layoutOf(random, live);
    const broken: Link[] = [];
    for (const [at, one] of live.entries()) {
      for (const other of live.slice(at + 1)) {
        if (left.has(pairOf(one, other))) continue;
        const [from, to] = [one.identity.address, other.identity.address];
        broken.push({ from, to, oneWay: random.chance(0.3) });
      }
    }
    this.#parts.totals.brokenMeshes++;
    // Who is some steps away all at once may be taken for dead until its beats have come round.
    const { network } = this.#parts.faults;
    network.begin();
    this.#during(broken, pieces, random);
    network.end(this.#parts.time.nowMs);
    return true;
  }

  get #shape(): Shape {
    return this.#parts.script.shape ?? DEFAULT_SHAPE;
  }

  #during(broken: readonly Link[], pieces: readonly Piece[], random: SeededRandom): void {
    const { network, faults, time, report } = this.#parts;
    const what = broken.map(({ from, to, oneWay }) => `${from} ${oneWay ? "->" : "-"} ${to}`);
    this.#parts.trace?.(time.nowMs, "network", `breaks ${what} for good`);
    faults.calm.begin();
    this.#isMended = false;
    const toldShare = random.pick([0, 1]);
    for (const { from, to, oneWay } of broken) {
      network.cut(from, to, { oneWay, toldShare, detectMs: 400, brokenShare: 0.5 });
    }
    const steps = Math.max(...pieces.map((piece) => piece.length));
    const fault = this.#judge(pieces, this.#relayMs(steps), broken.length === 1);
    if (fault !== null) report("relay", `${what}: ${fault}`);
    this.#isMended = true;
    for (const { from, to } of broken) network.repair(from, to);
    faults.calm.end(time.nowMs);
  }

  /** What takes two pings with one node on the way takes two more with each further one. */
  #relayMs(nodes: number): number {
    const { pingMs = 1000 } = this.#parts.script.timings;
    const { delayMaxMs, jitterMs } = this.#parts.script.network;
    return (nodes - 2) * (2 * pingMs + 2 * (delayMaxMs + jitterMs)) + 8 * pingMs;
  }

  #judge(pieces: readonly Piece[], relayMs: number, isOne: boolean): string | null {
    const { time, expiry, script, isOver } = this.#parts;
    const { pingMs = 1000, downMs = 4000 } = script.timings;
    const { lagMs = 4000 } = script.limits;
    this.#runUntil(time.nowMs + 2 * downMs + lagMs + relayMs);
    const writers = pieces.flat().filter((life) => this.#parts.fleet.isHealthy(life));
    let settled = 0;
    for (const piece of pieces) {
      for (const life of piece) {
        if (!writers.includes(life)) continue;
        life.process.call(() => this.#write(life, { piece, isOne, settled: () => settled++ }));
      }
    }
    const settledMs = time.nowMs + Math.max(relayMs, lagMs + 3 * pingMs);
    const faultNow = (): string | null =>
      settled < writers.length
        ? `${settled} of ${writers.length} writes settled`
        : (pieces.map(relayFault).find((fault) => fault !== null) ?? null);
    let fault = faultNow();
    while (fault !== null && time.nowMs < settledMs && !isOver()) {
      this.#runUntil(Math.min(settledMs, time.nowMs + pingMs / 2));
      fault = faultNow();
    }
    // The end of a row's time is a write, too, and may be on its way just then.
    const untilMs = time.nowMs + expiry.longestMs + relayMs;
    while (settled === writers.length && fault !== null && time.nowMs < untilMs && !isOver()) {
      this.#runUntil(time.nowMs + pingMs);
      fault = faultNow();
    }
    return fault;
  }

  /** Acknowledgements by way of one other node come sooner than their writer stops to wait. */
  get #isSwift(): boolean {
    const { pingMs = 1000 } = this.#parts.script.timings;
    const { delayMaxMs, jitterMs } = this.#parts.script.network;
    const { lagMs = 4000 } = this.#parts.script.limits;
    return lagMs >= 4 * pingMs + 6 * (delayMaxMs + jitterMs);
  }

  #write(life: Incarnation, about: WriteAbout): void {
    const { script, writes, report } = this.#parts;
    const { piece, isOne } = about;
    let isSettled = false;
    const settled = (): void => {
      if (!isSettled) about.settled();
      isSettled = true;
    };
    const { tables } = life.engine;
    const [table] = script.tables;
    if (table === undefined) return settled();
    const state = life.declare(table);
    const refusal = tables.split.errorOf(state, false);
    const mayPause = !isOne && this.#mayPause(life, state, piece);
    if (refusal !== null && !mayPause) {
      report("split:refused", `${life.who} by relay: ${refusal.message}`);
    }
    if (refusal !== null) return settled();
    const value = encodeValue({ u: "u1" });
    const verb = table.type === "bag" ? "add" : "set";
    const seq = writes.during({ verb, value }, () =>
      tables.write[verb](state, KEYS[1] as string, value),
    );
    // Too few can be heard of in time: it waits for acknowledgements until the links are back.
    if (mayPause || (!isOne && this.#mayWait(life, state, piece))) settled();
    const fail = (error: Error): void => {
      if (mayPause && error instanceof SplitError) return;
      report("relay", `${life.who}: a write by relay: ${error.message}`);
    };
    const done = (reached: { nodes: number; catchingUp: readonly string[] }): void => {
      settled();
      const { nodes, catchingUp } = reached;
      // It may have waited until the links were back.
      if (this.#isMended) return;
      const missing = piece.length - 1 - nodes - catchingUp.length;
      const isLate = catchingUp.length > 0 && isOne && this.#isSwift;
      if (missing >= 0 && missing <= takenForDead(life, piece) && !isLate) return;
      const said = `counts ${nodes} and names ${catchingUp.join(", ") || "nobody"}`;
      report("relay", `${life.who}: a write by relay ${said}, of ${piece.length - 1} others`);
    };
    tables.wait(seq, { need: "all", timeoutMs: 60_000 }, { done, fail }, state);
  }

  /** Whether writers of the table may be refused while several links are broken. */
  #mayPause(life: Incarnation, { split }: TableState, piece: Piece): boolean {
    // News of the lease goes one node further than its holder, and heartbeats come late.
    if (split === "leaseSide") return true;
    return split === "pauseMinority" && !this.#isMajority(piece.length - takenForDead(life, piece));
  }

  /** Whether a write of the table may wait: acknowledgements come by one other node, not by two. */
  #mayWait(life: Incarnation, { split }: TableState, piece: Piece): boolean {
    return split === "pauseMinority" && !this.#isMajority(near(life, piece).size);
  }

  #isMajority(nodes: number): boolean {
    return nodes * 2 > this.#parts.script.nodes.length;
  }

  #runUntil(atMs: number): void {
    this.#parts.time.runUntil(atMs, this.#parts.isOver);
  }
}

/**
 * How many nodes of its piece that one takes for dead just now, and may: their heartbeats come over
 * two others or more, each of which passes them on with its next ping.
 */
function takenForDead(life: Incarnation, piece: Piece): number {
  const { cluster } = life.engine;
  const heard = near(life, piece);
  return piece.filter(({ origin }) => !heard.has(origin) && !cluster.isLive(origin)).length;
}

/** Origins that it is linked to, itself or by way of one other node. */
function near(life: Incarnation, piece: Piece): ReadonlySet<number> {
  const origins = new Set([life.origin]);
  for (const peer of life.engine.cluster.linkedPeers()) {
    origins.add(peer.origin);
    const between = piece.find(({ origin }) => origin === peer.origin);
    for (const further of between?.engine.cluster.linkedPeers() ?? []) origins.add(further.origin);
  }
  return origins;
}

/** Which links are left, and the pieces that they make. */
function layoutOf(
  random: SeededRandom,
  live: readonly Incarnation[],
): { readonly pieces: readonly Piece[]; readonly left: ReadonlySet<string> } {
  const order = shuffled(random, live);
  const form = random.pick(["path", "star", "ring", "tree", "pieces"] as const);
  const cutAt = form === "pieces" ? random.int(1, order.length - 1) : order.length;
  const pieces = [order.slice(0, cutAt), order.slice(cutAt)].filter((piece) => piece.length > 0);
  const left = new Set<string>();
  for (const piece of pieces) {
    for (const [at, one] of piece.entries()) {
      if (at === 0) continue;
      const to = form === "star" ? 0 : form === "tree" ? random.int(0, at - 1) : at - 1;
      left.add(pairOf(one, piece[to] as Incarnation));
    }
    // A ring that lacks two links is two paths, and one more link across makes them one.
    if (form === "ring") left.add(pairOf(piece[0] as Incarnation, piece[2] as Incarnation));
  }
  return { pieces, left };
}

function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const rest = [...items];
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.int(0, rest.length - 1), 1));
  return order;
}

function pairOf(one: Incarnation, other: Incarnation): string {
  const pair = [one.identity.address, other.identity.address];
  return pair.sort().join(" ");
}
