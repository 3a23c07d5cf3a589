/** The tables of the joins of a run, and its figures. */
import { Figures } from "./figure.ts";
import { bytes, millis, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import type { MnesiaJoin } from "./mnesia.ts";
import type { Started } from "./node-calls.ts";
import type { ProbeResult } from "./probe.ts";
import { joinPublished } from "./published.ts";
import type { Report } from "./report.ts";

/** How many rows the full node has. */
export interface Size {
  readonly id: keyof typeof joinPublished;
  readonly label: string;
  readonly rows: number;
}

/** One join of one node. */
export interface SkeinJoin {
  readonly started: Started;
  readonly full: ProbeResult;
  readonly joiner: ProbeResult;
  readonly fullPeak: number;
  readonly joinerPeak: number;
}

/** All joins of one size. */
export interface Outcome {
  readonly size: Size;
  readonly skein: readonly SkeinJoin[];
  readonly mnesia: readonly MnesiaJoin[];
}

const STALL_TARGET_MS = 10;

/** What the joins of all sizes say. */
export function joinFindings(
  outcomes: readonly Outcome[],
): Pick<Report, "sheets" | "behind" | "figures"> {
  return {
    sheets: [ratios(outcomes), figures(outcomes)],
    behind: outcomes.flatMap(behind),
    figures: figureList(outcomes),
  };
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
