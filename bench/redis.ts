/**
 * A session store's work on Skein and on Redis: set, get, all sessions of a user, delete. Skein
 * reads in its own process and acknowledges a write when three nodes have it; Redis is one
 * server, without replicas and without a disk, asked over loopback.
 */
import { Figures } from "./figure.ts";
import { LocalReads } from "./local-reads.ts";
import type { Progress, Settings } from "./progress.ts";
import { RedisSide, redisMissing } from "./redis-side.ts";
import type { Report } from "./report.ts";
import {
  addFigures,
  behindPeers,
  figureSheet,
  type LoadCase,
  type Outcome,
  ratioSheet,
  runRounds,
  SHORT_WINDOW,
  windowOf,
} from "./rounds.ts";
import type { LoadKind, Side } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

const NODES = 3;
const ROWS = 99_999;
const CALLERS = [1, 100, 1000];

const KINDS: readonly { kind: LoadKind; id: string; label: string }[] = [
  { kind: "set", id: "set", label: "set" },
  { kind: "get", id: "get", label: "get" },
  { kind: "prefix", id: "user", label: "all 3 sessions of a user" },
  { kind: "delete", id: "delete", label: "delete after set (deletes)" },
];

const CASES: readonly LoadCase[] = KINDS.flatMap(({ kind, id, label }) =>
  CALLERS.map((callers) => ({
    id: `${id}${callers}`,
    label: `${label}, ${callers.toLocaleString("en")} ${callers === 1 ? "caller" : "callers"}`,
    load: { kind, callers, nodes: 1, rowsPerCall: 1 },
    isLatency: callers === 1,
  })),
);

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchRedis(settings: Settings, progress: Progress): Promise<Report> {
  const missing = redisMissing();
  const started: Side[] = [];
  try {
    const skein = await SkeinCluster.start(NODES, { profiles: settings.profiles });
    started.push(skein);
    let redis: RedisSide | null = null;
    if (missing === "") {
      redis = await RedisSide.start();
      started.push(redis);
      await redis.load(0, ROWS);
    }
    await skein.load(0, ROWS);
    await skein.load(0, ROWS, "loadTexts");
    const [, reader = skein.first] = skein.nodes;
    await reader.call("prepareReads", ROWS);
    await reader.call("readAll", null);
    const reads = new LocalReads(reader, windowOf(settings, SHORT_WINDOW).measuredMs);
    const sidesOf = ({ load: { kind } }: LoadCase) => [
      kind === "get" || kind === "prefix" ? reads : skein,
      ...(redis ? [redis] : []),
    ];
    const outcomes = await runRounds(CASES, sidesOf, {
      settings,
      progress,
      window: SHORT_WINDOW,
    });
    await skein.compareContents();
    return report(outcomes, redis?.version ?? null, missing);
  } finally {
    await Promise.all(started.map((side) => side.stop()));
  }
}

function report(outcomes: readonly Outcome[], version: string | null, missing: string): Report {
  const figures = new Figures("redis");
  addFigures(figures, outcomes);
  return {
    name: "redis",
    notes: [
      `${ROWS.toLocaleString("en")} rows before, three for each user. Skein: ${NODES} nodes, each ` +
        "a process; a write ends when all of them have applied it, reads are local and have one " +
        "caller whatever is said. After each window of writes the replicas' digests were compared.",
      version
        ? `Redis ${version}: one server without disk or replicas, over loopback by ioredis with ` +
          "auto-pipelining from one process; a hash for each user, a field for each session, JSON. " +
          "After each window of writes the rows were counted."
        : `Redis was skipped: ${missing}.`,
    ],
    sheets: [ratioSheet(outcomes, ["Redis"]), figureSheet(outcomes)],
    behind: behindPeers(outcomes, ["Redis"]),
    figures: figures.list,
  };
}
