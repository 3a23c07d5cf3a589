/**
 * Acknowledged writes on three nodes: a call ends when all nodes have applied it. Skein, Mnesia,
 * the bare transport and the barest copy run the same loads in turns.
 */
import { BareCopy } from "./copy.ts";
import { Figures } from "./figure.ts";
import { Floor } from "./floor.ts";
import { median } from "./latency.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { insertPublished, type Published } from "./published.ts";
import type { Report } from "./report.ts";
import {
  addFigures,
  behindCets,
  behindPeers,
  figureSheet,
  type LoadCase,
  type Outcome,
  rateOf,
  ratioSheet,
  runRounds,
  WINDOW,
} from "./rounds.ts";
import type { Load, Side } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

const NODES = 3;
const PRELOADED = 100_000;

const CASES: readonly LoadCase[] = [
  {
    id: "callers1",
    label: "set, 1 caller",
    load: load(1, 1, 1),
    isLatency: true,
    published: insertPublished.callers1,
  },
  {
    id: "callers100",
    label: "set, 100 callers on one node",
    load: load(100, 1, 1),
    published: insertPublished.callers100,
  },
  {
    id: "callers1000",
    label: "set, 1,000 callers on one node",
    load: load(1000, 1, 1),
    published: insertPublished.callers1000,
  },
  { id: "callers10000", label: "set, 10,000 callers on one node", load: load(10_000, 1, 1) },
  {
    id: "callers300",
    label: "set, 300 callers over 3 nodes",
    load: load(100, 3, 1),
    published: insertPublished.callers300,
  },
  {
    id: "pipelined",
    label: "set, 1 caller, 1,000 under way at once",
    load: { ...load(1, 1, 1000), kind: "pipelined" },
    published: insertPublished.pipelined,
  },
  {
    id: "many100",
    label: "setMany of 100, 1 caller",
    load: load(1, 1, 100),
    published: insertPublished.many100,
  },
  {
    id: "many1000",
    label: "setMany of 1,000, 1 caller",
    load: load(1, 1, 1000),
    published: insertPublished.many1000,
  },
  {
    id: "delete100",
    label: "delete after set, 100 callers (deletes)",
    load: { ...load(100, 1, 1), kind: "delete" },
  },
];

/** Cases whose targets a floor is held against. */
const COPIED = new Set(["callers1", "callers100", "callers1000", "callers300", "many1000"]);

function load(callers: number, nodes: number, rowsPerCall: number): Load {
  return { kind: "set", callers, nodes, rowsPerCall };
}

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchInsert(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const started: Side[] = [];
  try {
    const skein = await SkeinCluster.start(NODES, { profiles: settings.profiles });
    started.push(skein);
    const floor = await Floor.start(NODES - 1);
    started.push(floor);
    const copy = await BareCopy.start(NODES);
    started.push(copy);
    await copy.load(0, PRELOADED);
    let mnesia: Mnesia | null = null;
    if (missing === "") {
      mnesia = await Mnesia.start(NODES);
      started.push(mnesia);
      await mnesia.load(0, PRELOADED);
    }
    await skein.load(0, PRELOADED);
    const sidesOf = ({ id, load: { kind } }: LoadCase) => [
      skein,
      // Mnesia has no write that is acknowledged later.
      ...(mnesia && kind !== "pipelined" ? [mnesia] : []),
      // A message for each row: where many rows go in one it is no floor.
      ...(id === "callers1" ? [floor] : []),
      ...(COPIED.has(id) ? [copy] : []),
    ];
    const outcomes = await runRounds(CASES, sidesOf, { settings, progress, window: WINDOW });
    await skein.compareContents();
    return report(outcomes, mnesia, missing);
  } finally {
    await Promise.all(started.map((side) => side.stop()));
  }
}

function report(outcomes: readonly Outcome[], mnesia: Mnesia | null, missing: string): Report {
  const figures = new Figures("insert");
  addFigures(figures, outcomes);
  const peer = mnesia
    ? `Mnesia of Erlang/OTP ${mnesia.release}: ram_copies, ordered_set, \`sync_dirty\`; rows of ` +
      `${mnesia.rowBytes} B in its external term format; for setMany one \`sync_transaction\`.`
    : `Mnesia was skipped: ${missing}.`;
  return {
    name: "insert",
    notes: [
      `${NODES} nodes, each a process, ${PRELOADED.toLocaleString("en")} rows before. A call ends ` +
        "when every node has applied it. After each window the replicas' sizes and digests were " +
        "compared and were equal. Rates count rows, latencies are of calls.",
      peer,
      "Bare ws: one WebSocket message of 190 B for each row to two peers, which echo it; nothing " +
        "is stored or batched.",
      "Bare copy: the least that replicated rows cost in JavaScript over this transport. Three " +
        "processes, each with a Map; values are encoded by msgpackr, the rows of a turn go out in " +
        "one WebSocket message, the others put them into their Maps and answer how many they have. " +
        "No order, log, checks, sums, conflicts or failures. After each window the rows were counted.",
    ],
    sheets: [ratioSheet(outcomes, ["Mnesia", "bare ws", "bare copy"]), figureSheet(outcomes)],
    behind: [...behindPeers(outcomes, ["Mnesia"]), ...behindCets(outcomes, timesCets)],
    figures: figures.list,
  };
}

/** The figure of a single caller is the p50 of its calls, µs. */
function timesCets(outcome: Outcome, { value }: Published): number {
  if (!outcome.case.isLatency) return rateOf(outcome, "Skein") / value;
  return value / median((outcome.windows.get("Skein") ?? []).map((window) => window.p50));
}
