/**
 * `insertNew` on three nodes: one winner a key, and a call ends when all nodes have applied its row.
 * On the leader and off it, with one caller and with a hundred, beside the bare transport in turns.
 */
import { Floor } from "./floor.ts";
import { micros, perSecond, type Report, times } from "./format.ts";
import type { Progress, Settings } from "./progress.ts";
import { insertNewPublished, type Published } from "./published.ts";
import { type Load, type Measured, measure, type Summary, summarize, type Window } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Case {
  readonly label: string;
  readonly load: Load;
  readonly published: Published | null;
}

interface Outcome {
  readonly case: Case;
  readonly skein: Summary;
  readonly floor: Summary;
}

const NODES = 3;
const PRELOADED = 10_000;
const WARM_UP: Window = { warmUpMs: 300, measuredMs: 300 };
/** The node that was started first leads. */
const [ON, OFF] = [0, 1];

const CASES: readonly Case[] = [
  { label: "on the leader, 1 caller", load: load(1, ON), published: null },
  { label: "off the leader, 1 caller", load: load(1, OFF), published: insertNewPublished.callers1 },
  { label: "on the leader, 100 callers", load: load(100, ON), published: null },
  {
    label: "off the leader, 100 callers",
    load: load(100, OFF),
    published: insertNewPublished.callers100,
  },
];

function load(callers: number, firstNode: number): Load {
  return { callers, nodes: 1, rowsPerCall: 1, isSerial: true, firstNode };
}

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchInsertNew(settings: Settings, progress: Progress): Promise<Report> {
  const skein = await SkeinCluster.start(NODES, { profiles: settings.profiles });
  try {
    const floor = await Floor.start(NODES - 1);
    try {
      await skein.load(0, PRELOADED);
      const outcomes = await runCases(skein, floor, { settings, progress });
      await skein.compareContents();
      return report(outcomes);
    } finally {
      await floor.stop();
    }
  } finally {
    await skein.stop();
  }
}

async function runCases(
  skein: SkeinCluster,
  floor: Floor,
  { settings, progress }: { readonly settings: Settings; readonly progress: Progress },
): Promise<Outcome[]> {
  const window: Window = settings.quick
    ? { warmUpMs: 200, measuredMs: 500 }
    : { warmUpMs: 300, measuredMs: 1500 };
  const windows = CASES.map(() => ({ skein: [] as Measured[], floor: [] as Measured[] }));
  const steps = (settings.rounds + 1) * CASES.length;
  // Round 0 is short and dropped: the compiler gets to know every load first.
  for (let round = 0; round <= settings.rounds; round++) {
    for (const [index, each] of CASES.entries()) {
      progress(`round ${round}: ${each.label}`, (round * CASES.length + index) / steps);
      const during = round > 0 ? window : WARM_UP;
      const measured = await measure(skein, each.load, during);
      const bare = await measure(floor, each.load, during);
      if (round === 0) continue;
      windows[index]?.skein.push(measured);
      windows[index]?.floor.push(bare);
    }
  }
  return CASES.map((each, index) => {
    const { skein: own = [], floor: bare = [] } = windows[index] ?? {};
    return { case: each, skein: summarize(own), floor: summarize(bare) };
  });
}

function report(outcomes: readonly Outcome[]): Report {
  return {
    name: "insert-new",
    notes: [
      `${NODES} nodes, each a process, ${PRELOADED.toLocaleString("en")} rows before; mode ` +
        "`available`. A call ends when every node has applied its row. After each window the " +
        "replicas' sizes and digests were compared and were equal, at the end all rows.",
      "The transport's floor: one WebSocket message of 190 B for each row to two peers, which " +
        "echo it; nothing is decided, stored or batched.",
    ],
    sheets: [
      {
        caption: "insertNew (medians of the windows)",
        head: [
          ...["case", "rows per second [min–max]", "p50", "p99", "CPU per row"],
          ...["bare ws", "bare ws p50", "CETS (another machine, for orientation)", "target"],
        ],
        rows: outcomes.map(rowOf),
      },
    ],
    behind: outcomes.flatMap(behind),
    data: outcomes,
  };
}

function rowOf({ case: { label, published }, skein, floor }: Outcome): string[] {
  return [
    label,
    `${perSecond(skein.rate)} [${perSecond(skein.rateLow)}–${perSecond(skein.rateHigh)}]`,
    micros(skein.p50),
    micros(skein.p99),
    micros(skein.cpuPerRow),
    perSecond(floor.rate),
    micros(floor.p50),
    published?.cets ?? "–",
    published?.target ?? "–",
  ];
}

function behind({ case: { label, published }, skein }: Outcome): string[] {
  if (published === null) return [];
  const ratio = skein.rate / published.value;
  if (ratio >= published.factor) return [];
  const ahead = ratio < 1 ? "behind CETS's figure of another machine" : "short of the target";
  return [`${label}: ${times(ratio)} of CETS's (${published.cets}), ${ahead}`];
}
