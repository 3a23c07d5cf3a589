/** The targets of this project, one entry for each figure that they ask for. */
import type { Place, What } from "./figure.ts";
import {
  downPublished,
  formPublished,
  healPublished,
  insertNewPublished,
  insertPublished,
  joinPublished,
  memoryPublished,
  type Published,
  readPublished,
} from "./published.ts";

/** One figure that is to be reached. */
export interface Goal {
  /** Goals of one line are reached together. */
  readonly line: number;
  readonly title: string;
  /** Where ours is; several: the worst of those that were measured. */
  readonly ours: Place | readonly Place[];
  /** A peer's figure of the same run. */
  readonly peer?: Place;
  /** CETS's figure on another machine, and there the peer's. */
  readonly cets?: number;
  readonly peerThere?: number;
  /** The target: so many times better than CETS, or than the peer; or at most so much. */
  readonly timesCets?: number;
  readonly timesPeer?: number;
  readonly most?: number;
  /** What does less than is asked here, in the same run: no more than that can be expected. */
  readonly floor?: GoalFloor;
}

/** A figure that stands for the least that something takes. */
export interface GoalFloor {
  readonly place: Place;
  /** So many times as much of it is needed. Default 1. */
  readonly times?: number;
}

/** `Skein` of a benchmark's case. */
function skein(benchmark: string, id: string, what: What): Place {
  return { benchmark, case: id, side: "Skein", what };
}

/** Relative to CETS, scaled by a peer. */
function byCets(
  line: number,
  title: string,
  ours: Place,
  published: Published,
  { peer = "Mnesia", floor }: { peer?: string; floor?: GoalFloor } = {},
) {
  return {
    line,
    title,
    ours,
    peer: { ...ours, side: peer },
    cets: published.value,
    timesCets: published.factor,
    ...(published.peer === undefined ? {} : { peerThere: published.peer }),
    ...(floor === undefined ? {} : { floor }),
  };
}

/** The same case by another side that does less. */
function lessBy(side: string, ours: Place, times = 1): { floor: GoalFloor } {
  return { floor: { place: { ...ours, side }, times } };
}

/** A case of `insert`, beside the barest copy or the bare echo. */
function ofSets(
  line: number,
  title: string,
  id: keyof typeof insertPublished,
  what: What = "rate",
) {
  const ours = skein("insert", id, what);
  // A single small message is quicker by itself than with rows to be put into Maps.
  const side = what === "p50Micros" ? "bare ws" : "bare copy";
  return byCets(line, title, ours, insertPublished[id], lessBy(side, ours));
}

/** To the leader, from there to all, and the word that all have it: an echo is two messages. */
const ECHOES_OF_INSERT_NEW = 1.5;

const STALL_MS = 10;
const { rows1m } = joinPublished;
const { heal } = healPublished;
const joined = (what: What) => skein("join", "rows1m", what);
const delays = (benchmark: string, ...ids: string[]) =>
  ids.flatMap((id) => [
    skein(benchmark, id, "delayP99Ms"),
    { ...skein(benchmark, id, "delayP99Ms"), side: "Skein, joiner" },
  ]);

/** The twelve lines, then what Redis is measured by. */
export const GOALS: readonly Goal[] = [
  ofSets(1, "set, 1 caller, p50", "callers1", "p50Micros"),
  ofSets(2, "set, 100 callers on one node", "callers100"),
  ofSets(2, "set, 1,000 callers on one node", "callers1000"),
  ofSets(3, "set, 300 callers over 3 nodes", "callers300"),
  ofSets(4, "setMany of 1,000", "many1000"),
  byCets(
    5,
    "insertNew off the leader, 1 caller",
    skein("insert-new", "callers1", "rate"),
    insertNewPublished.callers1,
    lessBy("bare ws", skein("insert-new", "callers1", "rate"), ECHOES_OF_INSERT_NEW),
  ),
  byCets(
    5,
    "insertNew off the leader, 100 callers",
    skein("insert-new", "callers100", "rate"),
    insertNewPublished.callers100,
  ),
  byCets(
    6,
    "get by a string key, 100 k rows",
    skein("read", "text rows100k", "rate"),
    readPublished.get,
    { peer: "ETS", ...lessBy("bare Map", skein("read", "text rows100k", "rate")) },
  ),
  byCets(
    6,
    "scan of 3 rows by prefix",
    skein("read", "scan rows100k", "rate"),
    readPublished.scan,
    { peer: "ETS" },
  ),
  {
    line: 7,
    title: "join, 1 M rows",
    ours: joined("timeMs"),
    peer: { ...joined("timeMs"), side: "Mnesia" },
    cets: rows1m.value,
    peerThere: rows1m.peer,
    most: 2000,
  },
  {
    line: 7,
    title: "longest stall of a writer in it, both ends",
    ours: [joined("writeStallMs"), { ...joined("writeStallMs"), side: "Skein, joiner" }],
    peer: { ...joined("writeStallMs"), side: "Mnesia" },
    cets: rows1m.stall.value,
    peerThere: rows1m.stall.peer,
    most: STALL_MS,
  },
  {
    line: 8,
    title: "heal, 100 k rows, 1 k differ",
    ours: [skein("heal", "ops", "timeMs"), skein("heal", "buckets1000", "timeMs")],
    cets: heal.cetsMs,
    most: heal.value,
  },
  {
    line: 8,
    title: "longest stall of a writer in it",
    ours: [skein("heal", "ops", "writeStallMs"), skein("heal", "buckets1000", "writeStallMs")],
    cets: heal.cetsMs,
    most: heal.stallMs,
  },
  {
    line: 8,
    title: "bytes moved by it",
    ours: [skein("heal", "ops", "movedBytes"), skein("heal", "buckets1000", "movedBytes")],
    cets: heal.cetsBytes,
    most: heal.bytesMost,
  },
  {
    line: 9,
    title: "stall of a write, peer killed",
    ours: skein("down", "killed", "writeStallMs"),
    cets: downPublished.killed.value,
    most: downPublished.killed.mostMs,
    // Nobody can know of a death before the kernel closes the sockets of the dead.
    floor: { place: { ...skein("down", "killed", "closedMs"), side: "kernel" } },
  },
  {
    line: 9,
    title: "stall of a write, peer hung",
    ours: skein("down", "hung", "writeStallMs"),
    cets: downPublished.hung.value,
    most: downPublished.hung.mostMs,
  },
  {
    line: 10,
    title: "memory per row, 1 M rows",
    ours: [
      skein("memory", "rows1000000", "rowBytes"),
      { ...skein("memory", "rows1000000", "rowBytes"), side: "Skein, replica" },
    ],
    peer: { ...skein("memory", "rows1000000", "rowBytes"), side: "Mnesia" },
    cets: memoryPublished.row.least,
    most: 350,
  },
  {
    line: 11,
    title: "8 nodes × 10 tables formed",
    ours: skein("form", "nodes8", "timeMs"),
    cets: formPublished.nodes8.value,
    most: formPublished.nodes8.mostMs,
  },
  {
    line: 12,
    // With more busy processes than processors the delay is that of the scheduler: no judgement.
    title: "event loop delay p99, worst of join, heal and down",
    ours: [
      ...delays("join", "rows100k", "rows1m"),
      ...delays("heal", "ops", "buckets1000", "buckets10", "bucketsAll"),
      ...delays("down", "killed", "hung"),
    ],
    most: STALL_MS,
  },
  {
    line: 13,
    title: "get, local, beside a GET of Redis by 1 caller",
    ours: skein("redis", "get1", "rate"),
    peer: { ...skein("redis", "get1", "rate"), side: "Redis" },
    timesPeer: 50,
  },
  {
    line: 13,
    title: "get, local, beside pipelined GETs of 1,000 callers",
    ours: skein("redis", "get1000", "rate"),
    peer: { ...skein("redis", "get1000", "rate"), side: "Redis" },
    timesPeer: 50,
  },
  {
    line: 14,
    title: "set on 3 nodes beside pipelined sets of Redis, 1,000 callers",
    ours: skein("redis", "set1000", "rate"),
    peer: { ...skein("redis", "set1000", "rate"), side: "Redis" },
    timesPeer: 1,
  },
];
