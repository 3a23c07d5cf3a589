/**
 * `insertNew` on three nodes: one winner a key, and a call ends when all nodes have applied its
 * row. On the leader and off it, beside a transaction of Mnesia and the bare transport in turns.
 */
import { Figures } from "./figure.ts";
import { Floor } from "./floor.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { insertNewPublished } from "./published.ts";
import type { Report } from "./report.ts";
import {
  addFigures,
  behindCets,
  behindPeers,
  figureSheet,
  type LoadCase,
  type Outcome,
  ratioSheet,
  runRounds,
  SHORT_WINDOW,
} from "./rounds.ts";
import type { Load, Side } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

const NODES = 3;
const PRELOADED = 10_000;
/** The node that was started first leads. */
const [ON, OFF] = [0, 1];

/** Those without more in their id are off the leader: the targets are theirs. */
const CASES: readonly LoadCase[] = [
  { id: "leader1", label: "on the leader, 1 caller", load: load(1, ON), isLatency: true },
  {
    id: "callers1",
    label: "off the leader, 1 caller",
    load: load(1, OFF),
    isLatency: true,
    published: insertNewPublished.callers1,
  },
  { id: "leader100", label: "on the leader, 100 callers", load: load(100, ON) },
  {
    id: "callers100",
    label: "off the leader, 100 callers",
    load: load(100, OFF),
    published: insertNewPublished.callers100,
  },
];

function load(callers: number, firstNode: number): Load {
  return { kind: "insertNew", callers, nodes: 1, rowsPerCall: 1, firstNode };
}

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchInsertNew(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const started: Side[] = [];
  try {
    const skein = await SkeinCluster.start(NODES, { profiles: settings.profiles });
    started.push(skein);
    await skein.load(0, PRELOADED);
    started.push(await Floor.start(NODES - 1));
    if (missing === "") {
      const mnesia = await Mnesia.start(NODES);
      started.push(mnesia);
      await mnesia.load(0, PRELOADED);
    }
    const outcomes = await runRounds(CASES, () => started, {
      settings,
      progress,
      window: SHORT_WINDOW,
    });
    await skein.compareContents();
    return report(outcomes, missing);
  } finally {
    await Promise.all(started.map((side) => side.stop()));
  }
}

function report(outcomes: readonly Outcome[], missing: string): Report {
  const figures = new Figures("insert-new");
  addFigures(figures, outcomes);
  return {
    name: "insert-new",
    notes: [
      `${NODES} nodes, each a process, ${PRELOADED.toLocaleString("en")} rows before; mode ` +
        "`available`. A call ends when every node has applied its row. After each window the " +
        "replicas' sizes and digests were compared and were equal, at the end all rows.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia, which has no leader: a `transaction` that reads the key with a lock to write, " +
          "and writes the row where there was none.",
      "The transport's floor: one WebSocket message of 190 B for each row to two peers, which " +
        "echo it; nothing is decided, stored or batched.",
    ],
    sheets: [ratioSheet(outcomes, ["Mnesia", "bare ws"]), figureSheet(outcomes)],
    behind: [...behindPeers(outcomes, ["Mnesia"]), ...behindCets(outcomes)],
    figures: figures.list,
  };
}
