/** A run of serial calls from a seed: few keys, some clients on each node, and faults. */
import { faultsOf, limitsOf, nodeOf, timingsOf, type Weather } from "./scenario.ts";
import type { Script, ScriptTable } from "./script.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A run: the script has faults alone. */
export interface SerialScript extends Script {
  /** Clients, each bound to a node. */
  readonly clients: readonly { readonly node: number; readonly thinkMs: number }[];
  readonly keyCount: number;
}

/** One table of each mode; rows that outlive their writers, so that no death ends one. */
export const SERIAL_TABLES: readonly (ScriptTable & { readonly quorum: boolean })[] = [
  { name: "available", type: "set", lifetime: "cluster", indexed: false, quorum: false },
  { name: "quorum", type: "set", lifetime: "cluster", indexed: false, quorum: true },
];

const CALM: Weather = {
  crashes: 0,
  leaves: 0,
  replaces: 0,
  cuts: 0,
  splits: 0,
  resets: 0,
  stalls: 0,
  slow: 0,
  clocks: 0,
};

/** The run of a seed: the same one each time. */
export function serialScenarioOf(seed: number): SerialScript {
  const random = new SeededRandom(seed, 8);
  const nodeCount = random.chance(0.15) ? 2 : random.int(3, 5);
  const activeMs = random.int(9_000, 14_000);
  const weather = weatherOf(random);
  // One of them is enough to bring down half of two nodes.
  const mortals = 0;
  const actions = faultsOf(random, { nodeCount, activeMs, weather, mortals });
  actions.sort((a, b) => a.atMs - b.atMs);
  return {
    seed: random.u32(),
    nodes: Array.from({ length: nodeCount }, (_, at) => nodeOf(random, at, activeMs)),
    tables: SERIAL_TABLES,
    network: {
      delayMinMs: 0.2,
      delayMaxMs: random.pick([2, 20, 60]),
      jitterMs: random.pick([0.5, 5, 60]),
      dialTimeoutMs: random.int(300, 900),
    },
    timings: timingsOf(random, 60_000),
    limits: limitsOf(random),
    originGap: random.pick([1, 3, 1_000_000]),
    actions,
    activeMs,
    keyCount: random.int(1, 2),
    clients: Array.from({ length: random.int(3, 6) }, (_, at) => ({
      node: at,
      thinkMs: random.pick([20, 100, 300]),
    })),
  };
}

/** Runs of crashes alone, of single cuts and crashes, and of all faults. */
function weatherOf(random: SeededRandom): Weather {
  const often = (most: number): number => random.between(0, most);
  const kind = random.float();
  if (kind < 0.4) return { ...CALM, crashes: often(1.5), leaves: often(0.5), clocks: often(0.5) };
  if (kind < 0.7) return { ...CALM, crashes: often(1), cuts: often(2), resets: often(2) };
  return {
    crashes: often(1),
    leaves: often(0.4),
    replaces: random.chance(0.2) ? often(0.5) : 0,
    cuts: often(3),
    splits: often(2),
    resets: often(1),
    stalls: often(1.5),
    slow: often(0.5),
    clocks: often(0.5),
  };
}
