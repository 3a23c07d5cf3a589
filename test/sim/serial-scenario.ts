/** A run of serial calls from a seed: few keys, some clients on each node, and faults. */
import { faultsOf, limitsOf, nodeOf, timingsOf, type Weather } from "./scenario.ts";
import type { Script, ScriptAction, ScriptNode, ScriptTable } from "./script.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A table of serial calls. */
export type SerialTable = ScriptTable & { readonly quorum: boolean };

/** Faults that strike at the worst moment: see ambush.ts. */
export type AmbushKind = "writer" | "winner" | "split" | "grant";

/** A run: the script has faults alone. */
export interface SerialScript extends Script {
  /** One of each mode. */
  readonly serialTables: readonly SerialTable[];
  /** Clients, each bound to a node. */
  readonly clients: readonly { readonly node: number; readonly thinkMs: number }[];
  readonly keyCount: number;
  /** Calls that hold on to their key for a while. */
  readonly holdShare: number;
  readonly ambushes: readonly AmbushKind[];
  /** A link that is broken from then on. */
  readonly broken: { readonly atMs: number; readonly from: number; readonly to: number } | null;
}

const table = (name: string, lifetime: "node" | "cluster", quorum: boolean): SerialTable => {
  return { name, type: "set", lifetime, indexed: false, quorum };
};

const AMBUSHES: readonly AmbushKind[] = ["writer", "winner", "split", "grant"];
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
  const script = plainScenarioOf(seed);
  const random = new SeededRandom(seed, 21);
  return random.chance(0.08) ? withMemoryLost(random, script) : script;
}

/** Three nodes and nothing but one that forgets, at the moment that suits it worst. */
function withMemoryLost(random: SeededRandom, script: SerialScript): SerialScript {
  const { timings } = script;
  const nodeCount = 3;
  return {
    ...script,
    nodes: Array.from({ length: nodeCount }, () => ({ bootAtMs: 0, skewMs: 0, turnMs: 0 })),
    actions: rotationOf(random, { nodeCount, timings }),
    clients: Array.from({ length: 6 }, (_, node) => ({ node, thinkMs: 50 })),
    ...{ activeMs: 14_000, keyCount: 1, holdShare: 0, ambushes: [], broken: null },
  };
}

function plainScenarioOf(seed: number): SerialScript {
  const random = new SeededRandom(seed, 8);
  const nodeCount = random.chance(0.15) ? 2 : random.int(3, 5);
  const activeMs = random.int(9_000, 14_000);
  const weather = weatherOf(random);
  const timings = timingsOf(random, 60_000);
  const nodes = nodesOf(random, { nodeCount, activeMs });
  // One of them is enough to bring down half of two nodes.
  const mortals = 0;
  const actions = [
    ...faultsOf(random, { nodeCount, activeMs, weather, mortals }),
    ...upgradesOf(nodes),
    ...(nodeCount >= 3 && random.chance(0.15) ? rotationOf(random, { nodeCount, timings }) : []),
  ];
  actions.sort((a, b) => a.atMs - b.atMs);
  const serialTables = [
    table("available", random.chance(0.3) ? "node" : "cluster", false),
    table("quorum", random.chance(0.3) ? "node" : "cluster", true),
  ];
  return {
    ...{
      seed: random.u32(),
      nodes,
      tables: serialTables,
      serialTables,
      actions,
      activeMs,
      timings,
    },
    network: {
      delayMinMs: 0.2,
      delayMaxMs: random.pick([2, 20, 60]),
      jitterMs: random.pick([0.5, 5, 60]),
      dialTimeoutMs: random.int(300, 900),
    },
    limits: limitsOf(random),
    originGap: random.pick([1, 3, 1_000_000]),
    keyCount: random.int(1, 2),
    clients: Array.from({ length: random.int(3, 6) }, (_, at) => ({
      node: at,
      thinkMs: random.pick([20, 100, 300]),
    })),
    holdShare: random.pick([0.1, 0.1, 0.5]),
    ambushes: AMBUSHES.filter(() => random.chance(0.35)),
    broken: random.chance(0.15)
      ? { atMs: random.between(0, activeMs / 2), from: random.int(0, 9), to: random.int(0, 9) }
      : null,
  };
}

/** In some runs nodes of older software are started anew with today's, one after the other. */
function nodesOf(
  random: SeededRandom,
  of: { readonly nodeCount: number; readonly activeMs: number },
): ScriptNode[] {
  const nodes = Array.from({ length: of.nodeCount }, (_, at) => nodeOf(random, at, of.activeMs));
  if (!random.chance(0.1)) return nodes;
  return nodes.map((node, at) =>
    random.chance(0.5) ? node : { ...node, oldUntilMs: 2000 + 700 * at },
  );
}

function upgradesOf(nodes: readonly ScriptNode[]): ScriptAction[] {
  return nodes.flatMap(({ oldUntilMs }, node): ScriptAction[] =>
    oldUntilMs === undefined
      ? []
      : [{ kind: "crash", atMs: oldUntilMs, node, silent: false, backAfterMs: 100 }],
  );
}

/**
 * One node is cut off while the others go on; then one of those forgets everything, just as the
 * other one is cut off in its turn.
 */
function rotationOf(
  random: SeededRandom,
  of: { readonly nodeCount: number; readonly timings: Script["timings"] },
): ScriptAction[] {
  const { downMs = 3500 } = of.timings;
  const shift = random.int(0, 2);
  const [away, forgetful, next] = [0, 1, 2].map((at) => (at + shift) % 3);
  const atMs = random.between(2000, 3000);
  const forMs = downMs * random.between(1.5, 2);
  const switchMs = atMs + forMs;
  const alone = (node: number): number => 1 << node;
  return [
    { kind: "split", atMs, side: alone(away ?? 0), toldShare: 1, forMs },
    {
      kind: "crash",
      atMs: switchMs - random.between(0, 100),
      node: forgetful ?? 1,
      silent: false,
      backAfterMs: random.between(50, 300),
    },
    {
      kind: "split",
      atMs: switchMs + random.between(0, 50),
      side: alone(next ?? 2),
      toldShare: 1,
      forMs: downMs * 2.5,
    },
  ];
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
