/** Makes a script from a seed: which nodes, which limits, which writes and which faults. */
import type { Script, ScriptAction, ScriptNode, ScriptTable, WriteVerb } from "./script.ts";
import { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE, type Shape, shapeOf, type WorldSize } from "./shapes.ts";

/** What may go wrong in a run, and how often per node and ten seconds. */
export interface Weather {
  readonly crashes: number;
  readonly leaves: number;
  readonly replaces: number;
  readonly cuts: number;
  readonly splits: number;
  readonly resets: number;
  readonly stalls: number;
  readonly slow: number;
  readonly clocks: number;
}

const ALL_TABLES: readonly ScriptTable[] = [
  { name: "sessions", type: "set", lifetime: "node", indexed: true },
  { name: "rooms", type: "set", lifetime: "cluster", indexed: false },
  { name: "routes", type: "bag", lifetime: "node", indexed: false },
  { name: "tags", type: "bag", lifetime: "cluster", indexed: true },
];

/** Other kinds of runs than the usual ones. */
export interface ScenarioOptions {
  /** Runs of that size only, instead of mixed ones. */
  readonly size?: WorldSize | undefined;
  /** Serial calls instead of writes. */
  readonly serial?: boolean;
  /** Tables that are paused on one side of a split, and long splits. */
  readonly split?: boolean;
  /** Nodes that cannot be reached are forgotten within seconds, also when they live. */
  readonly forgetful?: boolean;
}

/** Large and long worlds of lower seeds know nothing of what was thought of later. */
const NEWER_FROM_SEED = 100_000;

/** The script of a seed: the same one each time. */
export function scenarioOf(
  seed: number,
  { forgetful = false, size }: ScenarioOptions = {},
): Script {
  const shape = shapeOf(seed, size);
  const random = new SeededRandom(seed, 7);
  // Most runs are of the sizes that people run; a few are larger.
  const nodeCount = random.pick(random.chance(shape.manyShare) ? shape.manyNodes : shape.fewNodes);
  const activeMs = random.int(...shape.activeMs);
  // Fewer than half may go for good: the others could not close them.
  const mortals = random.chance(shape.mortalShare)
    ? random.int(0, Math.floor((nodeCount - 1) / 2))
    : 0;
  const plain = Array.from({ length: nodeCount }, (_, at) => nodeOf(random, at, activeMs, shape));
  const later = laterOf(seed, plain);
  const tables = tablesOf(random, shape);
  const weather = weatherOf(random);
  const actions = [
    ...writesOf(random, { nodeCount, tableCount: tables.length, activeMs, shape }),
    ...faultsOf(random, { nodeCount, activeMs, weather, mortals, shape }),
  ];
  const tableCount = tables.length;
  const acted = withLaterActs(seed, actions, { nodeCount, tableCount, activeMs, shape });
  acted.sort((a, b) => a.atMs - b.atMs);
  return {
    seed: random.u32(),
    nodes: withEarlier(seed, later.nodes),
    tables: withMerging(seed, withTimesToLive(seed, tables, shape)),
    network: {
      delayMinMs: 0.2,
      delayMaxMs: random.pick(shape.delayMaxMs),
      jitterMs: random.pick(shape.jitterMs),
      dialTimeoutMs: random.int(...shape.dialTimeoutMs),
    },
    timings: timingsOf(random, forgetful ? random.int(2000, 5000) : activeMs, shape),
    limits: { ...limitsOf(random, shape), ...later.limits },
    shape,
    originGap: random.pick([1, 1, 3, 1_000_000]),
    actions: isReplayed(shape) ? acted : withHearers(seed, acted, nodeCount),
    activeMs,
  };
}

/** Some nodes are of the time between the first release and lists of births. */
function withEarlier(seed: number, nodes: readonly ScriptNode[]): ScriptNode[] {
  const random = new SeededRandom(seed, 14);
  const share = random.pick([0, 0, 0.4, 1]);
  return nodes.map((node) => ({ ...node, listsNoBirths: random.chance(share) }));
}

/** Choices that came later: of a source of their own, so that recorded seeds stay what they were. */
function laterOf(
  seed: number,
  nodes: readonly ScriptNode[],
): { readonly nodes: ScriptNode[]; readonly limits: Script["limits"] } {
  const random = new SeededRandom(seed, 8);
  const oldShare = random.pick([0, 0, 0, 0.4]);
  return {
    nodes: nodes.map((node) => ({ ...node, isOld: random.chance(oldShare) })),
    limits: { retiredRanges: random.pick([1, 4, 64]) },
  };
}

export function nodeOf(
  random: SeededRandom,
  at: number,
  activeMs: number,
  shape: Shape = DEFAULT_SHAPE,
): ScriptNode {
  const isSkewed = random.chance(0.5);
  return {
    bootAtMs:
      at === 0 || random.chance(0.6) ? random.between(0, 300) : random.between(0, activeMs / 2),
    skewMs: isSkewed ? random.between(-400, 400) : 0,
    turnMs: random.pick(shape.turnMs),
  };
}

function tablesOf(random: SeededRandom, shape: Shape): ScriptTable[] {
  const { tableShare, tablesLeast } = shape;
  const tables = ALL_TABLES.filter(() => random.chance(tableShare));
  return tables.length >= tablesLeast ? tables : [...ALL_TABLES].slice(0, 2);
}

/** Rows of some tables end by themselves; decided apart, so that older seeds stay what they were. */
function withTimesToLive(
  seed: number,
  tables: readonly ScriptTable[],
  shape: Shape,
): ScriptTable[] {
  const random = new SeededRandom(seed, 13);
  if (random.chance(0.7)) return [...tables];
  return tables.map((table) =>
    random.chance(0.5) ? { ...table, ttlMs: random.pick(shape.ttlMs) } : table,
  );
}

/** What some sets say of concurrent writes. */
function withMerging(seed: number, tables: readonly ScriptTable[]): ScriptTable[] {
  const random = new SeededRandom(seed, 16);
  if (random.chance(0.5)) return [...tables];
  return tables.map((table) =>
    table.type === "set" ? { ...table, merging: random.pick(["union", "least"]) } : table,
  );
}

/** Recorded seeds of those sizes stay what they were. */
function isReplayed({ size }: Shape): boolean {
  return size === "large" || size === "long";
}

/** Some that are replaced while they run are still heard by one node, who does not know better. */
function withHearers(
  seed: number,
  actions: readonly ScriptAction[],
  nodeCount: number,
): ScriptAction[] {
  const random = new SeededRandom(seed, 23);
  return actions.map((action) =>
    action.kind === "replace" && random.chance(0.6)
      ? { ...action, hearer: random.int(0, nodeCount - 1) }
      : action,
  );
}

/** Some deletes take back the node's own rows only; tables are declared no longer, for a while. */
function withLaterActs(
  seed: number,
  actions: readonly ScriptAction[],
  of: {
    readonly nodeCount: number;
    readonly tableCount: number;
    readonly activeMs: number;
    readonly shape: Shape;
  },
): ScriptAction[] {
  const random = new SeededRandom(seed, 17);
  const share = random.pick([0, 0.3, 0.6]);
  const acted = actions.map((action): ScriptAction => {
    const isDelete = action.kind === "write" && action.verb === "delete";
    return isDelete && random.chance(share) ? { ...action, verb: "withdraw" } : action;
  });
  for (let count = random.int(0, 3); count > 0; count--) {
    const node = random.int(0, of.nodeCount - 1);
    const table = random.int(0, of.tableCount - 1);
    const atMs = random.between(500, of.activeMs);
    acted.push({ kind: "remove table", atMs, node, table });
  }
  const isOlder = isReplayed(of.shape) && seed < NEWER_FROM_SEED;
  return isOlder ? acted : [...acted, ...refusalsOf(seed, of)];
}

/** Nobody is let in at a node's address, and links to some of the others break, or to all. */
function refusalsOf(
  seed: number,
  of: { readonly nodeCount: number; readonly activeMs: number; readonly shape: Shape },
): ScriptAction[] {
  const random = new SeededRandom(seed, 31);
  const share = random.pick([0.3, 1]);
  return Array.from({ length: random.pick(of.shape.refusals) }, (): ScriptAction => {
    const node = random.int(0, of.nodeCount - 1);
    const others = Array.from({ length: of.nodeCount }, (_, index) => index);
    return {
      kind: "refuse",
      atMs: random.between(of.shape.faultsFromMs, of.activeMs),
      node,
      resets: others.filter((other) => other !== node && random.chance(share)),
      forMs: random.pick([100, 800, 2000]) * random.between(0.5, 1.5),
    };
  });
}

export function timingsOf(
  random: SeededRandom,
  forgetAfterMs: number,
  shape: Shape = DEFAULT_SHAPE,
): Script["timings"] {
  const pingMs = random.pick(shape.pingMs);
  return {
    pingMs,
    downMs: pingMs * random.pick([3, 4]),
    refusedDownMs: pingMs * 2,
    handshakeMs: shape.handshakeMs,
    redialMinMs: 50,
    redialMaxMs: shape.redialMaxMs,
    forgetAfterMs,
  };
}

export function limitsOf(random: SeededRandom, shape: Shape = DEFAULT_SHAPE): Script["limits"] {
  return {
    opRingOps: random.pick(shape.opRingOps),
    creditWindowBytes: random.pick([100, 300, 1000, 100_000]),
    frameOps: random.pick([1, 4, 100]),
    chunkKeys: random.int(1, 4),
    sliceRows: random.int(1, 4),
    lagMs: random.pick(shape.lagMs),
    pullStallMs: random.pick(shape.pullStallMs),
    expiryGraceMs: 300,
  };
}

function weatherOf(random: SeededRandom): Weather {
  const often = (share: number, most: number): number =>
    random.chance(share) ? random.between(0, most) : 0;
  return {
    crashes: often(0.8, 2),
    leaves: often(0.4, 1),
    replaces: often(0.2, 0.5),
    cuts: often(0.7, 4),
    splits: often(0.3, 1.5),
    resets: often(0.4, 2),
    stalls: often(0.5, 2),
    slow: often(0.3, 1),
    clocks: often(0.3, 1),
  };
}

export function writesOf(
  random: SeededRandom,
  of: {
    readonly nodeCount: number;
    readonly tableCount: number;
    readonly activeMs: number;
    readonly shape?: Shape;
  },
): ScriptAction[] {
  const { nodeCount, tableCount, activeMs, shape = DEFAULT_SHAPE } = of;
  const keyCount = random.int(...shape.keys);
  const count = random.int(...shape.writes);
  const writes: ScriptAction[] = [];
  // Some runs write evenly, some in bursts.
  const bursts = random.chance(0.4)
    ? Array.from({ length: 6 }, () => random.between(0, activeMs))
    : [];
  for (let at = 0; at < count; at++) {
    const atMs =
      bursts.length > 0
        ? Math.min(activeMs, random.pick(bursts) + random.between(0, 300))
        : random.between(0, activeMs);
    const verb = verbOf(random);
    const many = verb === "setMany" || verb === "deleteMany" ? random.int(2, 6) : 1;
    const first = random.int(0, keyCount - 1);
    const ack = random.chance(0.5) ? "all" : random.chance(0.3) ? random.int(1, nodeCount) : "none";
    // So many members may not exist: such a write ends by its time-out alone.
    const isShort = typeof ack === "number" || random.chance(0.15);
    writes.push({
      kind: "write",
      atMs,
      node: random.int(0, nodeCount - 1),
      verb,
      table: random.int(0, tableCount - 1),
      keys: Array.from({ length: many }, (_, index) => (first + index) % keyCount),
      ack,
      timeoutMs: isShort ? random.int(20, 1500) : 30_000,
    });
  }
  return writes;
}

/** 45 % set, 25 % patch, 30 % delete; some of each in batches. */
function verbOf(random: SeededRandom): WriteVerb {
  const share = random.float();
  if (share < 0.4) return "set";
  if (share < 0.45) return "setMany";
  if (share < 0.7) return "patch";
  if (share < 0.85) return "delete";
  if (share < 0.95) return "remove";
  return "deleteMany";
}

export function faultsOf(
  random: SeededRandom,
  of: {
    readonly nodeCount: number;
    readonly activeMs: number;
    readonly weather: Weather;
    /** So many nodes, the last ones, may go for good. */
    readonly mortals: number;
    readonly shape?: Shape;
  },
): ScriptAction[] {
  const { nodeCount, activeMs, weather, mortals, shape = DEFAULT_SHAPE } = of;
  const faults: ScriptAction[] = [];
  const node = (): number => random.int(0, nodeCount - 1);
  const each = (rate: number, make: (atMs: number) => ScriptAction): void => {
    const mean = (rate * nodeCount * activeMs * shape.weatherScale) / 10_000;
    const count = Math.floor(mean) + (random.chance(mean % 1) ? 1 : 0);
    for (let at = 0; at < count; at++)
      faults.push(make(random.between(shape.faultsFromMs, activeMs)));
  };
  const back = (who: number): number | null =>
    who >= nodeCount - mortals && random.chance(0.4)
      ? null
      : random.pick(shape.backMs) * random.between(0.5, 1.5);
  each(weather.crashes, (atMs) => {
    const who = node();
    return { kind: "crash", atMs, node: who, silent: random.chance(0.3), backAfterMs: back(who) };
  });
  each(weather.leaves, (atMs) => {
    const who = node();
    return { kind: "leave", atMs, node: who, backAfterMs: back(who) };
  });
  each(weather.replaces, (atMs) => ({
    kind: "replace",
    atMs,
    node: node(),
    toldShare: random.pick([0, 0.6, 1]),
    forMs: random.between(200, 3000),
  }));
  each(weather.cuts, (atMs) => ({
    kind: "cut",
    atMs,
    from: node(),
    to: node(),
    oneWay: random.chance(0.3),
    toldShare: random.pick([0, 0.6, 1]),
    forMs: random.pick([100, 800, 2000]) * random.between(0.5, 1.5),
  }));
  each(weather.splits / nodeCount, (atMs) => ({
    kind: "split",
    atMs,
    side: random.int(1, 2 ** nodeCount - 2),
    toldShare: random.pick([0, 0.6, 1]),
    forMs: random.pick([200, 1000, 2000]) * random.between(0.5, 1.5),
  }));
  each(weather.resets, (atMs) => ({ kind: "reset", atMs, from: node(), to: node() }));
  each(weather.stalls, (atMs) => ({
    kind: "stall",
    atMs,
    node: node(),
    forMs: random.pick(shape.stallMs) * random.between(0.5, 1.5),
  }));
  each(weather.slow, (atMs) => ({
    kind: "slow",
    atMs,
    node: node(),
    readMs: random.pick([5, 50, 300]),
    forMs: random.between(300, 4000),
  }));
  each(weather.clocks, (atMs) => ({
    kind: "clock",
    atMs,
    node: node(),
    stepMs: random.pick([-5000, -300, 300, 5000]) * random.float(),
  }));
  return faults;
}
