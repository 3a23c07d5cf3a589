/**
 * Nodes that run already start at the same moment with ten empty tables: how long until each of
 * them shares all tables with all others.
 */
import { Figures } from "./figure.ts";
import { millis, type Sheet } from "./format.ts";
import { median } from "./latency.ts";
import type { Progress, Settings } from "./progress.ts";
import { formPublished } from "./published.ts";
import type { Report } from "./report.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Size {
  readonly id: keyof typeof formPublished;
  readonly nodes: number;
}

/** Milliseconds of one start. */
interface Formed {
  readonly ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

interface Outcome {
  readonly size: Size;
  readonly formed: Formed[];
}

const SIZES: readonly Size[] = [
  { id: "nodes3", nodes: 3 },
  { id: "nodes8", nodes: 8 },
];
const TABLES = 10;
/** Written afterwards, to see that what has formed is a cluster. */
const ROWS = 1000;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchForm(settings: Settings, progress: Progress): Promise<Report> {
  const outcomes: Outcome[] = SIZES.map((size) => ({ size, formed: [] }));
  for (let round = 0; round < settings.rounds; round++) {
    for (const [index, { size, formed }] of outcomes.entries()) {
      const done = (round + index / outcomes.length) / settings.rounds;
      progress(`round ${round + 1}: ${size.nodes} nodes`, done);
      formed.push(await form(size));
    }
  }
  return {
    name: "form",
    notes: [
      `Each node is a process, with ${TABLES} empty tables; they find each other through one SQLite ` +
        "file. Time: from the order to start, given to all at once, to when the last of them " +
        `shares all rows with all others. Then ${ROWS.toLocaleString("en")} rows were written and ` +
        "all replicas held them. More processes than processors: loop delays are the scheduler's.",
    ],
    sheets: [sheet(outcomes)],
    behind: outcomes.flatMap(({ size, formed }) => {
      const ms = median(formed.map((each) => each.ms));
      const { mostMs, target } = formPublished[size.id];
      return ms > mostMs ? [`${size.nodes} nodes: ${millis(ms)}, target ${target}`] : [];
    }),
    figures: figureList(outcomes),
  };
}

async function form({ nodes }: Size): Promise<Formed> {
  const cluster = await SkeinCluster.start(0);
  try {
    const formed = await cluster.addTogether(nodes, TABLES);
    await cluster.load(0, ROWS);
    const rows = await cluster.compareContents();
    if (rows !== ROWS) throw new Error(`the nodes hold ${rows} of ${ROWS} rows`);
    return formed;
  } finally {
    await cluster.stop();
  }
}

function figureList(outcomes: readonly Outcome[]) {
  const figures = new Figures("form");
  for (const { size, formed } of outcomes) {
    figures.add(
      { case: size.id, side: "Skein" },
      {
        timeMs: formed.map((each) => each.ms),
        delayP99Ms: formed.map((each) => each.delayP99Ms),
        delayMaxMs: formed.map((each) => each.delayMaxMs),
      },
    );
  }
  return figures.list;
}

function sheet(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "Medians of time and p99; the worst of the nodes",
    head: [
      "nodes × tables",
      "time",
      "loop delay p99",
      "longest",
      "starts",
      "CETS (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map(({ size, formed }) => [
      `${size.nodes} × ${TABLES}`,
      millis(median(formed.map((each) => each.ms))),
      millis(median(formed.map((each) => each.delayP99Ms))),
      millis(Math.max(...formed.map((each) => each.delayMaxMs))),
      `${formed.length}`,
      formPublished[size.id].cets,
      formPublished[size.id].target,
    ]),
  };
}
