/**
 * What befalls a cluster, drawn from a seed. A run is a sequence of rounds; each begins with a
 * whole cluster, has some faults that overlap, and ends with all of them mended. At most one node
 * ends in a round, so what any other node has acknowledged must outlive it.
 */
import { SeededRandom } from "../sim/seeded-random.ts";

/** One fault: begins `atMs` after the round does and ends `forMs` later. */
export type Fault = { readonly atMs: number; readonly forMs: number } & FaultKind;

export type FaultKind =
  /** SIGKILL; started again at the end. */
  | { readonly kind: "kill"; readonly node: string }
  /** Says goodbye in the middle of its writes, and is started again at the end. */
  | { readonly kind: "leave"; readonly node: string }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: "stop"; readonly node: string }
  /** Connections between the two are reset, whoever dials. */
  | { readonly kind: "cut"; readonly from: string; readonly to: string }
  /** Dials of one to the other are reset; the other may dial. */
  | { readonly kind: "dialCut"; readonly from: string; readonly to: string }
  /** Nothing arrives in one direction, the other one works. */
  | { readonly kind: "halfOpen"; readonly from: string; readonly to: string }
  /** Nothing arrives in both directions, nothing closes. */
  | { readonly kind: "silence"; readonly from: string; readonly to: string }
  | {
      readonly kind: "delay";
      readonly from: string;
      readonly to: string;
      readonly delayMs: number;
    }
  | {
      readonly kind: "throttle";
      readonly from: string;
      readonly to: string;
      readonly bytesPerSecond: number;
    }
  /** All links between the nodes of that side and the others are cut, or silent. */
  | { readonly kind: "split"; readonly side: readonly string[]; readonly silently: boolean }
  | { readonly kind: "database"; readonly how: "stop" | "kill" | "pause" };

export const FAULT_KINDS: readonly FaultKind["kind"][] = [
  "kill",
  "leave",
  "stop",
  "cut",
  "dialCut",
  "halfOpen",
  "silence",
  "delay",
  "throttle",
  "split",
  "database",
];

/** Longest of each, ms; the shortest is a tenth. Longer than a node takes to count one out. */
const LONGEST_MS: Readonly<Record<FaultKind["kind"], number>> = {
  kill: 2500,
  leave: 2500,
  stop: 6500,
  cut: 6000,
  dialCut: 6000,
  halfOpen: 6500,
  silence: 6500,
  delay: 6000,
  throttle: 6000,
  split: 6500,
  database: 4000,
};
/** Kinds that do not take turns with the others. */
const BY_THEMSELVES: ReadonlySet<string> = new Set(["kill", "leave", "database"]);
const FAULTS_IN_ROUND = { from: 2, to: 6 };
const BEGIN_WITHIN_MS = 2500;

/** Draws rounds for these nodes: the same seed gives the same ones. */
export class Rounds {
  readonly #nodes: readonly string[];
  readonly #random: SeededRandom;
  /** Without a server of ours there are no faults of the database. */
  readonly #hasDatabase: boolean;
  #rounds = 0;
  #ends = 0;
  #drawn = 0;

  constructor(seed: number, nodes: readonly string[], hasDatabase: boolean) {
    this.#random = new SeededRandom(seed);
    this.#nodes = nodes;
    this.#hasDatabase = hasDatabase;
  }

  /** The next round. No fault of it lasts longer than `limitMs` from its begin. */
  next(limitMs: number): Fault[] {
    const random = this.#random;
    const wholeNodes = [...this.#nodes];
    const faults: Fault[] = [];
    const count = random.int(FAULTS_IN_ROUND.from, FAULTS_IN_ROUND.to);
    const kinds = this.#kinds(count);
    for (const kind of kinds) {
      const longest = LONGEST_MS[kind];
      const atMs = Math.round(random.between(0, Math.min(BEGIN_WITHIN_MS, limitMs / 2)));
      const forMs = Math.round(
        Math.min(random.between(longest / 10, longest), Math.max(100, limitMs - atMs)),
      );
      faults.push({ atMs, forMs, ...this.#draw(kind, wholeNodes) });
    }
    return faults;
  }

  /**
   * In two rounds of three a node ends, each fourth time by a goodbye; in each third one something
   * befalls the database; the others take turns.
   */
  #kinds(count: number): FaultKind["kind"][] {
    const random = this.#random;
    const kinds: FaultKind["kind"][] = [];
    if (random.chance(2 / 3)) kinds.push(this.#ends++ % 4 === 1 ? "leave" : "kill");
    if (this.#hasDatabase && this.#rounds++ % 3 === 1) kinds.push("database");
    const others = FAULT_KINDS.filter((kind) => !BY_THEMSELVES.has(kind));
    while (kinds.length < count) {
      kinds.push(others[this.#drawn++ % others.length] ?? "cut");
    }
    return kinds;
  }

  #draw(kind: FaultKind["kind"], wholeNodes: string[]): FaultKind {
    const random = this.#random;
    switch (kind) {
      case "kill":
      case "leave":
      case "stop":
        // Three of five at most are without a process that runs.
        return { kind, node: taken(random, wholeNodes) };
      case "database":
        return { kind, how: random.pick(["stop", "kill", "pause"] as const) };
      case "split": {
        const size = random.int(1, Math.floor(this.#nodes.length / 2));
        const from = [...this.#nodes];
        const side = Array.from({ length: size }, () => taken(random, from));
        return { kind, side, silently: random.chance(0.5) };
      }
      default: {
        const from = random.pick(this.#nodes);
        const to = random.pick(this.#nodes.filter((node) => node !== from));
        if (kind === "delay") return { kind, from, to, delayMs: random.int(5, 300) };
        if (kind === "throttle") {
          return { kind, from, to, bytesPerSecond: random.int(2, 100) * 1024 };
        }
        return { kind, from, to };
      }
    }
  }
}

function taken(random: SeededRandom, from: string[]): string {
  const [one] = from.splice(random.int(0, from.length - 1), 1);
  if (one === undefined) throw new Error("a round has more faults of processes than nodes");
  return one;
}
