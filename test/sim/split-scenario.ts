/** A run with tables that pause, from a seed: splits that last longer than the failure detector. */
import { faultsOf, limitsOf, nodeOf, timingsOf, type Weather, writesOf } from "./scenario.ts";
import type { Script, ScriptAction, ScriptTable } from "./script.ts";
import { SeededRandom } from "./seeded-random.ts";

const TABLES: readonly ScriptTable[] = [
  { name: "names", type: "set", lifetime: "cluster", indexed: false, split: "pauseMinority" },
  { name: "posts", type: "bag", lifetime: "node", indexed: false, split: "pauseMinority" },
  { name: "master", type: "set", lifetime: "cluster", indexed: false, split: "leaseSide" },
  { name: "sessions", type: "set", lifetime: "node", indexed: true },
];

/** The script of a seed: the same one each time. */
export function splitScenarioOf(seed: number): Script {
  const random = new SeededRandom(seed, 14);
  const nodeCount = random.pick([2, 3, 3, 3, 4, 5, 5]);
  const activeMs = random.int(14_000, 22_000);
  const weather = weatherOf(random);
  const actions = [
    ...writesOf(random, { nodeCount, tableCount: TABLES.length, activeMs }),
    ...faultsOf(random, { nodeCount, activeMs, weather, mortals: 0 }),
    ...splitsOf(random, { nodeCount, activeMs }),
    ...databaseFaultsOf(random, activeMs),
  ];
  actions.sort((a, b) => a.atMs - b.atMs);
  return {
    seed: random.u32(),
    nodes: Array.from({ length: nodeCount }, (_, at) => nodeOf(random, at, activeMs / 4)),
    tables: inAnyOrder(random).map((table) =>
      random.chance(0.2) ? { ...table, ttlMs: random.pick([300, 1500, 5000]) } : table,
    ),
    network: {
      delayMinMs: 0.2,
      delayMaxMs: random.pick([2, 20, 100]),
      jitterMs: random.pick([0.5, 5, 50]),
      dialTimeoutMs: random.int(300, 900),
    },
    timings: timingsOf(random, 60_000),
    limits: limitsOf(random),
    leaseMs: random.pick([2500, 5000]),
    originGap: random.pick([1, 3, 1_000_000]),
    actions,
    activeMs,
  };
}

/** Writes at rest go to the first one. */
function inAnyOrder(random: SeededRandom): ScriptTable[] {
  return random.chance(0.5) ? [...TABLES] : [...TABLES].reverse().sort(leaseFirst);
}

function leaseFirst(a: ScriptTable, b: ScriptTable): number {
  return Number(b.split === "leaseSide") - Number(a.split === "leaseSide");
}

function databaseFaultsOf(random: SeededRandom, activeMs: number): ScriptAction[] {
  if (random.chance(0.5)) return [];
  return Array.from({ length: random.int(1, 2) }, () => ({
    kind: "database",
    atMs: random.between(1000, activeMs),
    mode: random.pick(["away", "slow", "lossy"]),
    forMs: random.pick([800, 3000, 9000]) * random.between(0.5, 1.5),
  }));
}

/** Half of the runs have splits alone: then the larger side must never notice them. */
function weatherOf(random: SeededRandom): Weather {
  const often = (most: number): number => random.between(0, most);
  const isCalm = random.chance(0.5);
  return {
    crashes: isCalm ? 0 : often(1),
    leaves: isCalm ? 0 : often(0.4),
    replaces: isCalm ? 0 : often(0.3),
    cuts: isCalm ? 0 : often(2),
    splits: 0,
    resets: isCalm ? 0 : often(1),
    stalls: isCalm ? 0 : often(0.7),
    slow: isCalm ? 0 : often(0.2),
    clocks: often(0.5),
  };
}

function splitsOf(
  random: SeededRandom,
  of: { readonly nodeCount: number; readonly activeMs: number },
): ScriptAction[] {
  const splits: ScriptAction[] = [];
  for (let count = random.int(1, 3); count > 0; count--) {
    splits.push({
      kind: "split",
      atMs: random.between(2500, of.activeMs - 2000),
      side: random.int(1, 2 ** of.nodeCount - 2),
      toldShare: random.pick([0, 0.6, 1]),
      forMs: random.pick([1000, 4000, 8000]) * random.between(0.5, 1.5),
    });
  }
  return splits;
}
