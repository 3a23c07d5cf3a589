/**
 * What befalls one node when all is at rest, so that it can be said exactly what must follow: it
 * says goodbye and everybody closes it; it dies and everybody hides its rows; it stalls for longer
 * than the failure detector waits, and takes nobody for dead when it runs again; it reads so slowly
 * that it lags, and counts again when it does not.
 */

import type { Faults } from "./faults.ts";
import type { Fleet, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import type { Script } from "./script.ts";
import type { WriteAction } from "./script-writer.ts";
import { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE } from "./shapes.ts";
import type { Report } from "./state-checker.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What it works on. */
export interface EndingParts {
  readonly script: Script;
  readonly time: VirtualClock;
  readonly fleet: Fleet;
  readonly faults: Faults;
  readonly network: Network;
  readonly totals: Totals;
  readonly report: Report;
  readonly trace: Trace | null;
  /** A node is to write. */
  readonly write: (life: Incarnation, action: WriteAction) => void;
  /** A checker has seen something. */
  readonly isOver: () => boolean;
}

const KINDS = ["goodbye", "process", "machine", "stall", "lag"] as const;
/** A slow reader takes so much time for each packet, ms. */
const READ_MS = 250;
/** For turns, ticks and handshakes. */
const SLACK_MS = 300;

/** The stage. The caller lets the cluster come to rest after it. */
export class Endings {
  readonly #parts: EndingParts;
  /** It has stalled, and may take nobody for dead now. */
  #stalled: Incarnation | null = null;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** False if there are too few nodes, or it is not for this run. */
  run(): boolean {
    const { script, fleet, totals, time, trace, isOver } = this.#parts;
    const random = new SeededRandom(script.seed, 24);
    const isChosen = random.chance((script.shape ?? DEFAULT_SHAPE).endingShare);
    const live = fleet.live();
    if (!isChosen || live.length < 2 || isOver()) return false;
    const life = random.pick(live);
    const others = live.filter((other) => other !== life);
    const kind = random.pick(KINDS);
    totals.endings++;
    trace?.(time.nowMs, life.who, `ends: ${kind}`);
    if (kind === "goodbye") this.#goodbye(life, others);
    else if (kind === "stall") this.#stall(life, random);
    else if (kind === "lag") this.#lag(life, random.pick(others));
    else this.#die(life, { others, silent: kind === "machine" });
    return true;
  }

  /** That life judged by itself that another is down. */
  accused(judge: Incarnation, origin: number): void {
    if (judge !== this.#stalled) return;
    this.#parts.report("death:false", `${judge.who} stalled, and takes ${origin} for dead`);
  }

  #goodbye(life: Incarnation, others: readonly Incarnation[]): void {
    const { fleet, report } = this.#parts;
    const wayMs = this.#wayMs;
    fleet.leave(this.#nodeOf(life), 2 * wayMs + SLACK_MS, wayMs + 1);
    this.#runFor(wayMs + SLACK_MS);
    for (const other of others) {
      if (isClosed(other, life.origin)) continue;
      report("death:open", `${other.who} was linked to ${life.who}, and missed its goodbye`);
    }
  }

  #die(
    life: Incarnation,
    { others, silent }: { readonly others: readonly Incarnation[]; readonly silent: boolean },
  ): void {
    const { fleet, report, script } = this.#parts;
    const { downMs = 4000, pingMs = 1000 } = script.timings;
    // A heartbeat may still go round; each that passes it on does so with its next ping.
    const boundMs = downMs + 2 * pingMs + others.length * (pingMs + this.#wayMs) + SLACK_MS;
    fleet.end(this.#nodeOf(life), silent, boundMs + SLACK_MS);
    this.#runFor(boundMs);
    for (const other of others) {
      const { origins } = other.engine.tables.replica;
      if (isClosed(other, life.origin) || origins.hidden[origins.find(life.origin)]) continue;
      report("death:shown", `${other.who} shows rows of ${life.who}, dead for ${boundMs} ms`);
    }
  }

  /** Not for so long that the others close it for being absent. */
  #stall(life: Incarnation, random: SeededRandom): void {
    const { faults, script } = this.#parts;
    const { downMs = 4000, pingMs = 1000, forgetAfterMs = 0 } = script.timings;
    const forMs = downMs + random.between(0.1, 0.5) * Math.max(downMs, forgetAfterMs);
    faults.act({ kind: "stall", atMs: 0, node: this.#nodeOf(life).index, forMs });
    this.#stalled = life;
    this.#runFor(forMs + downMs - pingMs);
    this.#stalled = null;
  }

  /** At rest again, everybody must count it: the caller looks. */
  #lag(life: Incarnation, writer: Incarnation): void {
    const { faults, network, script, time, write } = this.#parts;
    const { pingMs = 1000 } = script.timings;
    const { lagMs = 4000 } = script.limits;
    const forMs = lagMs + 3 * pingMs;
    const { address } = this.#nodeOf(life);
    faults.calm.begin();
    faults.network.begin();
    network.slowReader(address, READ_MS);
    this.#runFor(pingMs);
    write(writer, {
      ...{ kind: "write", atMs: 0, node: 0, verb: "set", table: 0, keys: [0] },
      ...{ ack: "all", timeoutMs: 30_000 },
    });
    this.#runFor(forMs - pingMs);
    network.slowReader(address, 0);
    faults.network.end(time.nowMs);
    faults.calm.end(time.nowMs);
  }

  #runFor(ms: number): void {
    const { time, isOver } = this.#parts;
    time.runUntil(time.nowMs + ms, isOver);
  }

  #nodeOf(life: Incarnation) {
    return this.#parts.fleet.node(life.identity.nodeNumber - 1);
  }

  get #wayMs(): number {
    const { delayMaxMs, jitterMs } = this.#parts.script.network;
    return delayMaxMs + jitterMs;
  }
}

function isClosed({ engine }: Incarnation, origin: number): boolean {
  const { origins } = engine.tables.replica;
  return origins.retired.has(origin) || origins.gone[origins.find(origin)] === true;
}
