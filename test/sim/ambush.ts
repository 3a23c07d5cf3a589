/**
 * Faults at the worst moment: told of what serial calls come to, this strikes now and then.
 *
 *   writer  who has just written dies, and only one other node gets to know what it wrote
 *   winner  who has just been told that it has won dies in the same turn
 *   split   who has just written is cut off from all others, or with one of them, for a while
 *   grant   what a node writes comes late at another one, whose link to the leader breaks meanwhile
 */
import type { Fleet, SimNode, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { AmbushKind, SerialScript } from "./serial-scenario.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What it works with. */
export interface AmbushParts {
  readonly script: SerialScript;
  readonly time: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly fleet: Fleet;
  readonly totals: Totals;
  readonly trace: Trace | null;
}

/** Nothing before the cluster has come together. */
const FROM_MS = 2500;
const SHARE = 0.15;
const HELD_UP = { oneWay: false, toldShare: 0, detectMs: 0, brokenShare: 0 };

/** The one in the bushes. */
export class Ambush {
  readonly #parts: AmbushParts;
  #nextMs = FROM_MS;

  constructor(parts: AmbushParts) {
    this.#parts = parts;
  }

  /** That life has written in this very turn; nothing of it has been sent yet. */
  wrote(life: Incarnation, quorum: boolean): void {
    const kinds: readonly AmbushKind[] = quorum ? ["split", "writer"] : ["writer", "grant"];
    const kind = this.#chosen(kinds);
    const others = this.#others(life);
    if (kind === null || others.length === 0) return;
    if (kind === "writer") this.#onWriter(life, others);
    else if (kind === "split") this.#onSplit(life, others);
    else this.#onGrant(life, others);
  }

  /** A call of that life that wrote has returned in this turn. */
  returned(life: Incarnation): void {
    if (this.#chosen(["winner"]) === null) return;
    const { fleet, random, time } = this.#parts;
    const node = this.#nodeOf(life);
    if (node === undefined) return;
    this.#note(life.who, "ambush: the winner dies");
    const backAfterMs = random.between(100, 2000);
    time.after(0, () => {
      if (node.current === life) fleet.end(node, random.chance(0.5), backAfterMs);
    });
  }

  #onWriter(life: Incarnation, others: readonly SimNode[]): void {
    const { fleet, random, time, script } = this.#parts;
    const node = this.#nodeOf(life);
    if (node === undefined) return;
    const witness = random.pick(others);
    const rest = others.filter((other) => other !== witness);
    this.#note(life.who, `ambush: the writer dies, ${witness.name} knows`);
    const { pingMs = 1000, downMs = 3500 } = script.timings;
    // Long enough to count the writer as down, too short to count the witness.
    const forMs = random.between(2 * pingMs, downMs);
    for (const other of rest) this.#cut(node.address, other.address, forMs);
    for (const other of rest) this.#cut(witness.address, other.address, forMs);
    const { delayMaxMs, jitterMs } = script.network;
    const livesOnMs = random.between(0, 2) * (delayMaxMs + jitterMs);
    const backAfterMs = forMs + random.between(0, 2000);
    time.after(livesOnMs, () => {
      if (node.current === life) fleet.end(node, random.chance(0.3), backAfterMs);
    });
  }

  #onSplit(life: Incarnation, others: readonly SimNode[]): void {
    const { random, script } = this.#parts;
    const node = this.#nodeOf(life);
    if (node === undefined) return;
    const { downMs = 3500 } = script.timings;
    const forMs = downMs * random.between(1.3, 3);
    // The others go on: they are a majority.
    const mayBeTwo = others.length + 1 >= 5;
    const beside = mayBeTwo && random.chance(0.5) ? [node, random.pick(others)] : [node];
    this.#note(life.who, `ambush: cut off with ${beside.map(({ name }) => name)} for ${forMs} ms`);
    for (const one of beside) {
      for (const other of others) {
        if (!beside.includes(other)) this.#cut(one.address, other.address, forMs);
      }
    }
  }

  #onGrant(life: Incarnation, others: readonly SimNode[]): void {
    const { network, random, script, time } = this.#parts;
    const node = this.#nodeOf(life);
    const leader = life.engine.tables.serial.leader;
    const late = random.pick(others);
    const to = others.find(({ current }) => current?.origin === leader && current !== null);
    if (node === undefined || to === undefined || to === late) return;
    this.#note(life.who, `ambush: ${late.name} hears of it late`);
    const { pingMs = 1000 } = script.timings;
    const forMs = pingMs * random.between(0.5, 2);
    this.#cut(node.address, late.address, forMs);
    const { delayMaxMs, jitterMs } = script.network;
    for (let count = random.int(1, 3); count > 0; count--) {
      const afterMs = random.between(0, 0.7) * forMs + 2 * (delayMaxMs + jitterMs);
      time.after(afterMs, () => network.reset(late.address, to.address));
    }
  }

  #chosen(kinds: readonly AmbushKind[]): AmbushKind | null {
    const { script, random, time, totals } = this.#parts;
    const able = kinds.filter((kind) => script.ambushes.includes(kind));
    const isTime = time.nowMs >= this.#nextMs && time.nowMs < script.activeMs - 1000;
    if (able.length === 0 || !isTime || !random.chance(SHARE)) return null;
    this.#nextMs = time.nowMs + random.between(500, 3000);
    totals.ambushes++;
    return random.pick(able);
  }

  #cut(a: string, b: string, forMs: number): void {
    const { network, script, time } = this.#parts;
    if (a === b || network.isCut(a, b) || network.isCut(b, a)) return;
    network.cut(a, b, HELD_UP);
    const leftMs = Math.max(0, script.activeMs - time.nowMs);
    time.after(Math.min(forMs, leftMs), () => network.repair(a, b));
  }

  #others(life: Incarnation): SimNode[] {
    const { nodes } = this.#parts.fleet;
    return nodes.filter(({ current }) => current?.process.alive === true && current !== life);
  }

  #nodeOf(life: Incarnation): SimNode | undefined {
    return this.#parts.fleet.nodes.find(({ current }) => current === life);
  }

  #note(who: string, what: string): void {
    this.#parts.trace?.(this.#parts.time.nowMs, who, what);
  }
}
