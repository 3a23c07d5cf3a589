/** Acknowledged writes on 3, 5 and 9 nodes: what each more of them costs, beside Mnesia. */
import { Figures } from "./figure.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
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
} from "./rounds.ts";
import type { Side } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

const SIZES = [3, 5, 9];
const QUICK_SIZES = [3, 5];
const CALLERS = 100;
const ROWS = 10_000;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchNodes(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const sizes = settings.quick ? QUICK_SIZES : SIZES;
  const outcomes: Outcome[] = [];
  for (const [index, nodes] of sizes.entries()) {
    const share = (done: number) => (index + done) / sizes.length;
    const part: Progress = (doing, done) => progress(`${nodes} nodes, ${doing}`, share(done));
    outcomes.push(...(await onNodes(nodes, missing, { settings, progress: part })));
  }
  const figures = new Figures("nodes");
  addFigures(figures, outcomes);
  return {
    name: "nodes",
    notes: [
      `Each node is a process; ${ROWS.toLocaleString("en")} rows before. A call ends when every ` +
        "node has applied it. After each window the replicas' digests were compared and were equal.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia: ram_copies on as many nodes, `sync_dirty`.",
    ],
    sheets: [ratioSheet(outcomes, ["Mnesia"]), figureSheet(outcomes)],
    behind: behindPeers(outcomes, ["Mnesia"]),
    figures: figures.list,
  };
}

async function onNodes(
  nodes: number,
  missing: string,
  run: { settings: Settings; progress: Progress },
): Promise<Outcome[]> {
  const started: Side[] = [];
  try {
    const skein = await SkeinCluster.start(nodes, { profiles: run.settings.profiles });
    started.push(skein);
    await skein.load(0, ROWS);
    if (missing === "") {
      const mnesia = await Mnesia.start(nodes);
      started.push(mnesia);
      await mnesia.load(0, ROWS);
    }
    const outcomes = await runRounds(casesOf(nodes), () => started, {
      ...run,
      window: SHORT_WINDOW,
    });
    await skein.compareContents();
    return outcomes;
  } finally {
    await Promise.all(started.map((side) => side.stop()));
  }
}

function casesOf(nodes: number): LoadCase[] {
  const load = { kind: "set", callers: CALLERS, rowsPerCall: 1 } as const;
  return [
    {
      id: `one of ${nodes}`,
      label: `${nodes} nodes, ${CALLERS} callers on one`,
      load: { ...load, nodes: 1 },
    },
    {
      id: `all of ${nodes}`,
      label: `${nodes} nodes, ${CALLERS} callers on each`,
      load: { ...load, nodes },
    },
  ];
}
