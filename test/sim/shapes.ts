/**
 * How large a run is. Most of what is wrong shows in small worlds already: few nodes that write few
 * keys while faults come thick. They cost a fifth of a large one, so that most runs are small; what
 * takes more nodes, more keys or more time is left to the medium and the large ones.
 */
import { SeededRandom } from "./seeded-random.ts";

/** Sizes of worlds; `former` and `long` ones run on request only. */
export const WORLD_SIZES = ["small", "medium", "large", "former", "long"] as const;

/** One of them. */
export type WorldSize = (typeof WORLD_SIZES)[number];

/** How large a cluster is, how long it runs, and how much happens meanwhile. */
export interface Shape {
  readonly size: WorldSize;
  /** Share of runs with many nodes. */
  readonly manyShare: number;
  readonly manyNodes: readonly number[];
  readonly fewNodes: readonly number[];
  /** Share of the tables that a run has, and how many at least. */
  readonly tableShare: number;
  readonly tablesLeast: number;
  /** Keys of each table, least and most. */
  readonly keys: readonly [number, number];
  /** Time in which something happens, least and most, ms. */
  readonly activeMs: readonly [number, number];
  readonly writes: readonly [number, number];
  /** Faults in that time, beside as many as there were in ten seconds. */
  readonly weatherScale: number;
  readonly faultsFromMs: number;
  /** The longest times between the turns of a node, ms: slices of its work take so long each. */
  readonly turnMs: readonly number[];
  /** Ended processes come back after about so long, ms. */
  readonly backMs: readonly number[];
  /** A process stands still for about so long, ms. */
  readonly stallMs: readonly number[];
  readonly ttlMs: readonly number[];
  readonly pingMs: readonly number[];
  readonly handshakeMs: number;
  readonly redialMaxMs: number;
  readonly delayMaxMs: readonly number[];
  readonly jitterMs: readonly number[];
  readonly dialTimeoutMs: readonly [number, number];
  /** A node has all addresses after so long, and asks for them again after so long, ms. */
  readonly discoverMs: readonly [number, number];
  readonly rediscoverMs: readonly [number, number];
  readonly opRingOps: readonly number[];
  readonly lagMs: readonly number[];
  readonly pullStallMs: readonly number[];
  /** How often nodes may go for good, and how often rows are taken out behind a replica's back. */
  readonly mortalShare: number;
  readonly damageShare: number;
  /** How often a host lets nobody in for a while. */
  readonly refusals: readonly number[];
  /** How often a pull or a merge is disturbed on purpose. */
  readonly ambushShare: number;
  /** How often something befalls one node in the end, when all is at rest. */
  readonly endingShare: number;
  /** While the cluster comes to rest it is looked at this often, ms. */
  readonly lookMs: number;
  /** How often one link breaks for good in runs of three nodes, and several in runs of four. */
  readonly oneLinkShare: number;
  readonly severalLinksShare: number;
}

/** Large ones are for what needs many nodes, or much at once. */
const LARGE: Shape = {
  size: "large",
  manyShare: 0.03,
  manyNodes: [6, 7, 8],
  fewNodes: [2, 3, 3, 3, 3, 4, 4, 5],
  tableShare: 0.7,
  tablesLeast: 2,
  keys: [2, 9],
  activeMs: [2500, 5000],
  writes: [118, 212],
  weatherScale: 2,
  faultsFromMs: 500,
  turnMs: [0, 0.5, 3],
  backMs: [50, 300, 1500],
  stallMs: [50, 500, 1500],
  ttlMs: [200, 800, 2000],
  pingMs: [300, 450],
  handshakeMs: 3000,
  redialMaxMs: 800,
  delayMaxMs: [2, 20, 150],
  jitterMs: [0.5, 5, 150],
  dialTimeoutMs: [300, 900],
  discoverMs: [100, 2000],
  rediscoverMs: [1000, 2000],
  opRingOps: [2, 4, 8, 30],
  lagMs: [600, 1200, 2500],
  pullStallMs: [1000, 3000],
  mortalShare: 0.5,
  damageShare: 1,
  ambushShare: 0,
  endingShare: 0.1,
  refusals: [0, 0, 1, 2],
  lookMs: 250,
  oneLinkShare: 0.65,
  severalLinksShare: 0.35,
};

/** For what takes its time, and for seeds that were recorded. */
const LONG: Shape = {
  ...LARGE,
  size: "long",
  manyShare: 0.1,
  manyNodes: [6, 7, 8, 9],
  fewNodes: [2, 3, 4, 5],
  activeMs: [8000, 13_000],
  writes: [110, 240],
  weatherScale: 1,
  backMs: [50, 500, 3000],
  ttlMs: [300, 1500, 5000],
  pingMs: [250, 400],
};

const MEDIUM: Shape = {
  ...LARGE,
  size: "medium",
  ambushShare: 0.2,
  manyShare: 0,
  fewNodes: [3, 3, 3, 4],
  tableShare: 0.6,
  keys: [2, 8],
  activeMs: [1400, 2600],
  writes: [100, 170],
  weatherScale: 3,
  faultsFromMs: 300,
  turnMs: [0, 0.5, 3, 12],
  backMs: [50, 300, 900],
  ttlMs: [200, 600],
  pingMs: [250, 350],
  handshakeMs: 1500,
  redialMaxMs: 500,
  delayMaxMs: [2, 20, 80],
  jitterMs: [0.5, 5, 80],
  dialTimeoutMs: [200, 600],
  discoverMs: [50, 800],
  rediscoverMs: [500, 1000],
  opRingOps: [2, 4, 8, 16],
  lagMs: [400, 800, 1500],
  pullStallMs: [600, 1500],
  lookMs: 80,
  oneLinkShare: 0.35,
  severalLinksShare: 0.25,
};

const SMALL: Shape = {
  ...MEDIUM,
  size: "small",
  fewNodes: [2, 2, 3, 3, 3],
  keys: [2, 7],
  activeMs: [500, 900],
  writes: [55, 95],
  weatherScale: 9,
  faultsFromMs: 200,
  backMs: [30, 100, 300],
  stallMs: [50, 300, 900],
  ttlMs: [100, 400],
  pingMs: [200, 300],
  handshakeMs: 1000,
  redialMaxMs: 200,
  delayMaxMs: [2, 10, 50],
  jitterMs: [0.5, 5, 50],
  dialTimeoutMs: [100, 400],
  discoverMs: [20, 200],
  rediscoverMs: [150, 400],
  opRingOps: [2, 2, 4, 8],
  lagMs: [250, 400, 800],
  pullStallMs: [300, 800],
  refusals: [0, 0, 0, 1],
  mortalShare: 0.2,
  damageShare: 0.4,
  lookMs: 60,
  oneLinkShare: 0.08,
};

/** What small ones once were: for seeds that were recorded then. */
const FORMER: Shape = {
  ...SMALL,
  size: "former",
  activeMs: [800, 1500],
  writes: [70, 130],
  weatherScale: 6,
  stallMs: [50, 500, 1500],
  lagMs: [300, 600, 1200],
};

const SHAPES: Readonly<Record<WorldSize, Shape>> = {
  small: SMALL,
  medium: MEDIUM,
  large: LARGE,
  former: FORMER,
  long: LONG,
};

/** Share of the runs that are small, and of those that are small or medium. */
const SMALL_SHARE = 0.9;
const MEDIUM_UP_TO = 0.98;

/** The shape of a seed's run; of that size if one is asked for. */
export function shapeOf(seed: number, size: WorldSize | undefined): Shape {
  if (size !== undefined) return SHAPES[size];
  const share = new SeededRandom(seed, 22).float();
  if (share < SMALL_SHARE) return SMALL;
  return share < MEDIUM_UP_TO ? MEDIUM : LARGE;
}

/** Runs of other kinds are made with the times of the long ones. */
export const DEFAULT_SHAPE = LONG;
