/**
 * Acknowledged writes on three nodes: a call ends when all nodes have applied it. Skein, Mnesia
 * and the bare transport run the same loads in turns, so that what disturbs one of them on a
 * shared machine is likely to disturb all.
 */
import { Floor } from "./floor.ts";
import { micros, perSecond, type Report, type Sheet, times } from "./format.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { insertPublished } from "./published.ts";
import {
  type Load,
  type Measured,
  measure,
  type Side,
  type Summary,
  summarize,
  type Window,
} from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Case {
  readonly id: keyof typeof insertPublished;
  readonly label: string;
  readonly load: Load;
}

const NODES = 3;
const PRELOADED = 100_000;
const WARM_UP: Window = { warmUpMs: 300, measuredMs: 300 };

const CASES: readonly Case[] = [
  { id: "callers1", label: "set, 1 caller", load: load(1, 1, 1) },
  { id: "callers100", label: "set, 100 callers on one node", load: load(100, 1, 1) },
  { id: "callers1000", label: "set, 1,000 callers on one node", load: load(1000, 1, 1) },
  { id: "callers300", label: "set, 300 callers over 3 nodes", load: load(100, 3, 1) },
  { id: "many100", label: "setMany of 100, 1 caller", load: load(1, 1, 100) },
  { id: "many1000", label: "setMany of 1,000, 1 caller", load: load(1, 1, 1000) },
];

function load(callers: number, nodes: number, rowsPerCall: number): Load {
  return { callers, nodes, rowsPerCall };
}

/** One case: what each side has done; null where it did not take part. */
interface Outcome {
  readonly case: Case;
  readonly skein: Summary;
  readonly mnesia: Summary | null;
  readonly floor: Summary | null;
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
    let mnesia: Mnesia | null = null;
    if (missing === "") {
      mnesia = await Mnesia.start(NODES);
      started.push(mnesia);
      await mnesia.load(0, PRELOADED);
    }
    await skein.load(0, PRELOADED);
    const outcomes = await runCases({ skein, floor, mnesia }, settings, progress);
    await skein.compareContents();
    return report(outcomes, mnesia, missing);
  } finally {
    await Promise.all(started.map((side) => side.stop()));
  }
}

interface Sides {
  readonly skein: SkeinCluster;
  readonly floor: Floor;
  readonly mnesia: Mnesia | null;
}

async function runCases(sides: Sides, settings: Settings, progress: Progress): Promise<Outcome[]> {
  const window: Window = settings.quick
    ? { warmUpMs: 200, measuredMs: 500 }
    : { warmUpMs: 300, measuredMs: 1500 };
  const windows = new Map<string, Measured[]>();
  const steps = (settings.rounds + 1) * CASES.length;
  // Round 0 is short and dropped: compilers of both sides get to know every load first.
  for (let round = 0; round <= settings.rounds; round++) {
    for (const [index, each] of CASES.entries()) {
      progress(`round ${round}: ${each.label}`, (round * CASES.length + index) / steps);
      for (const side of turn(sides, each, round)) {
        const name = `${each.id} ${side.name}`;
        const measured = await measure(side, each.load, round > 0 ? window : WARM_UP);
        if (round > 0) windows.set(name, [...(windows.get(name) ?? []), measured]);
      }
    }
  }
  const of = (each: Case, side: Side | null) => {
    const found = side && windows.get(`${each.id} ${side.name}`);
    return found ? summarize(found) : null;
  };
  return CASES.map((each) => {
    const skein = of(each, sides.skein);
    if (!skein) throw new Error(`nothing was measured of ${each.label}`);
    return { case: each, skein, mnesia: of(each, sides.mnesia), floor: of(each, sides.floor) };
  });
}

/** Who takes part, in an order that changes from round to round. */
function turn(sides: Sides, { load: { nodes, rowsPerCall } }: Case, round: number): Side[] {
  const order: Side[] = [sides.skein];
  if (sides.mnesia) order.push(sides.mnesia);
  // One sender, one message a row: the transport's floor says nothing about other loads.
  if (nodes === 1 && rowsPerCall === 1) order.push(sides.floor);
  return round % 2 === 0 ? order : order.reverse();
}

function report(outcomes: readonly Outcome[], mnesia: Mnesia | null, missing: string): Report {
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
      "The transport's floor: one WebSocket message of 190 B for each row to two peers, which " +
        "echo it; nothing is stored or batched.",
    ],
    sheets: [ratios(outcomes), figures(outcomes)],
    behind: outcomes.flatMap(behind),
    data: outcomes,
  };
}

function ratios(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "Ratios of this run",
    head: [
      "case",
      "Skein",
      "Mnesia",
      "Skein ÷ Mnesia",
      "bare ws",
      "Skein ÷ bare ws",
      "CETS (another machine, for orientation)",
      "target against CETS",
    ],
    rows: outcomes.map(({ case: { id, label }, skein, mnesia, floor }) => [
      label,
      headline(id, skein),
      mnesia ? headline(id, mnesia) : "–",
      times(skein.rate / (mnesia?.rate ?? Number.NaN)),
      floor ? headline(id, floor) : "–",
      times(skein.rate / (floor?.rate ?? Number.NaN)),
      insertPublished[id].cets,
      insertPublished[id].target,
    ]),
  };
}

function headline(id: Case["id"], summary: Summary): string {
  const rate = perSecond(summary.rate);
  return id === "callers1" ? `${rate}, p50 ${micros(summary.p50)}` : rate;
}

function figures(outcomes: readonly Outcome[]): Sheet {
  const rows = outcomes.flatMap(({ case: { label }, skein, mnesia, floor }) => {
    const sides: [string, Summary | null][] = [
      ["Skein", skein],
      ["Mnesia", mnesia],
      ["bare ws", floor],
    ];
    return sides.flatMap(([name, side]) => (side ? [figuresOf(label, name, side)] : []));
  });
  return {
    caption: "All figures (medians of the windows; max is the longest of all)",
    head: [
      "case",
      "side",
      "rows per second [min–max]",
      "p50",
      "p99",
      "max",
      "CPU per row",
      "cores busy",
      "loop delay p99",
    ],
    rows,
  };
}

function figuresOf(label: string, name: string, side: Summary): string[] {
  return [
    label,
    name,
    `${perSecond(side.rate)} [${perSecond(side.rateLow)}–${perSecond(side.rateHigh)}]`,
    micros(side.p50),
    micros(side.p99),
    micros(side.max),
    micros(side.cpuPerRow),
    side.cores.toFixed(2),
    side.delayMs === null ? "–" : micros(side.delayMs * 1000),
  ];
}

function behind({ case: { id, label }, skein, mnesia }: Outcome): string[] {
  const lines: string[] = [];
  if (mnesia && skein.rate < mnesia.rate) {
    lines.push(`${label}: ${times(skein.rate / mnesia.rate)} of Mnesia's rate in this run`);
  }
  const published = insertPublished[id];
  const ratio = id === "callers1" ? published.value / skein.p50 : skein.rate / published.value;
  if (ratio < published.factor) {
    const ahead = ratio < 1 ? "behind CETS's figure of another machine" : "short of the target";
    lines.push(`${label}: ${times(ratio)} of CETS's (${published.cets}), ${ahead}`);
  }
  return lines;
}
