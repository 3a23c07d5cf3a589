/**
 * An empty node joins a full one, while a writer and a reader go on at both ends. Mnesia copies
 * a table of as many rows to an empty node, while a writer goes on at the full one.
 */

import { residentPeakBytes } from "./cpu.ts";
import { Figures } from "./figure.ts";
import { bytes, millis, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import { Mnesia, type MnesiaJoin, mnesiaMissing } from "./mnesia.ts";
import type { Started } from "./node-process.ts";
import type { ProbeResult } from "./probe.ts";
import type { Progress, Settings } from "./progress.ts";
import { joinPublished } from "./published.ts";
import type { Report } from "./report.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Size {
  readonly id: keyof typeof joinPublished;
  readonly label: string;
  readonly rows: number;
}

/** One join of one node. */
interface SkeinJoin {
  readonly started: Started;
  readonly full: ProbeResult;
  readonly joiner: ProbeResult;
  readonly fullPeak: number;
  readonly joinerPeak: number;
}

interface Outcome {
  readonly size: Size;
  readonly skein: readonly SkeinJoin[];
  readonly mnesia: readonly MnesiaJoin[];
}

const SIZES: readonly Size[] = [
  { id: "rows100k", label: "100 k rows", rows: 100_000 },
  { id: "rows1m", label: "1 M rows", rows: 1_000_000 },
];
const STALL_TARGET_MS = 10;
/** Larger tables are compared by the engine's own digests only. */
const CONTENTS_ROWS_MAX = 100_000;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchJoin(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const sizes = settings.quick ? SIZES.slice(0, 1) : SIZES;
  const outcomes: Outcome[] = [];
  for (const [index, size] of sizes.entries()) {
    const at = (done: number) => (index + done) / sizes.length;
    outcomes.push(await joins(size, settings, missing, (doing, done) => progress(doing, at(done))));
  }
  return {
    name: "join",
    notes: [
      "An empty node starts and joins one that is full. Time to fill: from the first link to the " +
        "end of `ready()`; time in all: from the call of `startNode`, discovery included. At both " +
        "nodes a writer and a reader go on with pauses of 1 ms; a stall is the time from when " +
        "such a call was due to its end. At the joiner they start before its first link. After " +
        "each join the digests of both were compared and were equal.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia: `add_table_copy` to a node that runs already, with a `sync_dirty` writer.",
    ],
    sheets: [ratios(outcomes), figures(outcomes)],
    behind: outcomes.flatMap(behind),
    figures: figureList(outcomes),
  };
}

/** One join of each side in turns. */
async function joins(
  size: Size,
  settings: Settings,
  missing: string,
  progress: Progress,
): Promise<Outcome> {
  const cluster = await SkeinCluster.start(1, { profiles: settings.profiles });
  try {
    await cluster.load(0, size.rows);
    const skein: SkeinJoin[] = [];
    const mnesia: MnesiaJoin[] = [];
    for (let round = 1; round <= settings.rounds; round++) {
      progress(`round ${round}: ${size.label}`, (round - 1) / settings.rounds);
      skein.push(await skeinJoin(cluster, size, round, round === settings.rounds));
      if (missing === "") mnesia.push(await mnesiaJoin(size));
    }
    return { size, skein, mnesia };
  } finally {
    await cluster.stop();
  }
}

async function skeinJoin(
  cluster: SkeinCluster,
  size: Size,
  round: number,
  isLast: boolean,
): Promise<SkeinJoin> {
  await cluster.first.call("probe", size.rows);
  await cluster.profileStart();
  const { node, started } = await cluster.add(size.rows);
  if (started.size < size.rows) {
    throw new Error(`ready() ended with ${started.size} of ${size.rows} rows`);
  }
  await cluster.joined();
  await cluster.profileEnd(`join-${size.rows}-${round}`);
  const joiner = await node.call("probed", null);
  const full = await cluster.first.call("probed", null);
  const [fullPid = 0] = cluster.pids;
  const fullPeak = residentPeakBytes(fullPid);
  const joinerPeak = residentPeakBytes(node.pid);
  await cluster.compareDigests();
  // Reading everything takes long and decodes every value: not before the last figure.
  if (isLast && size.rows <= CONTENTS_ROWS_MAX) await cluster.compareContents();
  await cluster.remove(node);
  await cluster.joined();
  return { started, full, joiner, fullPeak, joinerPeak };
}

async function mnesiaJoin(size: Size): Promise<MnesiaJoin> {
  const mnesia = await Mnesia.start(1, 1);
  try {
    await mnesia.load(0, size.rows);
    return await mnesia.join();
  } finally {
    await mnesia.stop();
  }
}

function figureList(outcomes: readonly Outcome[]) {
  const list = new Figures("join");
  for (const { size, skein, mnesia } of outcomes) {
    const probed = (pick: (join: SkeinJoin) => ProbeResult) => ({
      writeStallMs: skein.map((join) => pick(join).writeStallMs),
      readStallMs: skein.map((join) => pick(join).readStallMs),
      delayP99Ms: skein.map((join) => pick(join).delay.p99Ms),
      delayMaxMs: skein.map((join) => pick(join).delay.maxMs),
    });
    list.add(
      { case: size.id, side: "Skein" },
      {
        timeMs: skein.map((join) => join.started.filledMs),
        movedBytes: skein.map((join) => join.started.bytes),
        peakBytes: skein.map((join) => join.fullPeak),
        ...probed((join) => join.full),
      },
    );
    list.add(
      { case: size.id, side: "Skein, joiner" },
      { peakBytes: skein.map((join) => join.joinerPeak), ...probed((join) => join.joiner) },
    );
    list.add(
      { case: size.id, side: "Mnesia" },
      {
        timeMs: mnesia.map((join) => join.ms),
        writeStallMs: mnesia.map((join) => join.stallMs),
        movedBytes: mnesia.map((join) => join.bytes),
      },
    );
  }
  return list.list;
}

/** The middle of the joins, and of stalls the longest. */
function skeinFigures(joins: readonly SkeinJoin[]) {
  const of = (pick: (join: SkeinJoin) => number) => median(joins.map(pick));
  const longest = (pick: (join: SkeinJoin) => number) => Math.max(...joins.map(pick));
  return {
    readyMs: of((join) => join.started.readyMs),
    filledMs: of((join) => join.started.filledMs),
    bytes: of((join) => join.started.bytes),
    fullWriteMs: longest((join) => join.full.writeStallMs),
    fullReadMs: longest((join) => join.full.readStallMs),
    joinerWriteMs: longest((join) => join.joiner.writeStallMs),
    joinerReadMs: longest((join) => join.joiner.readStallMs),
    fullDelay: delays(joins.map((join) => join.full)),
    joinerDelay: delays(joins.map((join) => join.joiner)),
    fullPeak: longest((join) => join.fullPeak),
    joinerPeak: longest((join) => join.joinerPeak),
  };
}

/** The middle of the p99, and the longest of all. */
function delays(probes: readonly ProbeResult[]): [string, string] {
  return [
    millis(median(probes.map(({ delay }) => delay.p99Ms))),
    millis(Math.max(...probes.map(({ delay }) => delay.maxMs))),
  ];
}

function mnesiaFigures(joins: readonly MnesiaJoin[]) {
  return {
    ms: median(joins.map((join) => join.ms)),
    stallMs: joins.length > 0 ? Math.max(...joins.map((join) => join.stallMs)) : Number.NaN,
    bytes: median(joins.map((join) => join.bytes)),
  };
}

function ratios(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "Ratios of this run (medians of time, longest stalls)",
    head: [
      "table",
      "Skein, time to fill",
      "Mnesia, time to copy",
      "Mnesia's time ÷ Skein's",
      "writer's stall at the full node: Skein",
      "Mnesia",
      "bytes: Skein",
      "Mnesia",
      "CETS (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map(({ size, skein, mnesia }) => {
      const ours = skeinFigures(skein);
      const theirs = mnesiaFigures(mnesia);
      return [
        size.label,
        millis(ours.filledMs),
        millis(theirs.ms),
        times(theirs.ms / ours.filledMs),
        millis(ours.fullWriteMs),
        millis(theirs.stallMs),
        bytes(ours.bytes),
        bytes(theirs.bytes),
        joinPublished[size.id].cets,
        `${joinPublished[size.id].target}, stall ≤ ${STALL_TARGET_MS} ms`,
      ];
    }),
  };
}

function figures(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "Skein, both nodes (medians of time; stalls, delays and memory are the greatest)",
    head: [
      "table",
      "node",
      "time in all",
      "writer's stall",
      "reader's stall",
      "loop delay p99",
      "longest",
      "peak RSS",
      "joins",
    ],
    rows: outcomes.flatMap(({ size, skein }) => {
      const ours = skeinFigures(skein);
      const row = (node: string, cells: string[]) => [
        size.label,
        node,
        ...cells,
        `${skein.length}`,
      ];
      return [
        row("full", [
          "–",
          millis(ours.fullWriteMs),
          millis(ours.fullReadMs),
          ...ours.fullDelay,
          bytes(ours.fullPeak),
        ]),
        row("joiner", [
          millis(ours.readyMs),
          millis(ours.joinerWriteMs),
          millis(ours.joinerReadMs),
          ...ours.joinerDelay,
          bytes(ours.joinerPeak),
        ]),
      ];
    }),
  };
}

function behind({ size, skein, mnesia }: Outcome): string[] {
  const ours = skeinFigures(skein);
  const theirs = mnesiaFigures(mnesia);
  const lines: string[] = [];
  if (ours.filledMs > theirs.ms) {
    lines.push(`${size.label}: ${times(ours.filledMs / theirs.ms)} of Mnesia's time in this run`);
  }
  const stall = Math.max(ours.fullWriteMs, ours.joinerWriteMs);
  if (stall > STALL_TARGET_MS) {
    lines.push(`${size.label}: a writer stalled ${millis(stall)}, target ${STALL_TARGET_MS} ms`);
  }
  const { value, factor, target } = joinPublished[size.id];
  if (ours.filledMs > value / factor) {
    lines.push(`${size.label}: filled in ${millis(ours.filledMs)}, target ${target}`);
  }
  return lines;
}
