/** Which pictures are made of a run's figures: one for each family of benchmarks. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Figure, show, WHATS, type What } from "./figure.ts";
import { type Bar, barChart, curveChart } from "./svg.ts";

/** A picture of one benchmark. */
export interface Plot {
  readonly benchmark: string;
  /** Name of the file in the folder of plots. */
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

interface Kind {
  readonly benchmark: string;
  readonly what: What;
  readonly title: string;
  /** Cases are "SERIES of NODES" and become curves over the nodes. */
  readonly isOverNodes?: boolean;
}

const KINDS: readonly Kind[] = [
  { benchmark: "insert", what: "rate", title: "Acknowledged writes on three nodes" },
  { benchmark: "insert-new", what: "rate", title: "insertNew on three nodes" },
  {
    benchmark: "nodes",
    what: "rate",
    title: "Acknowledged writes by number of nodes, each a process",
    isOverNodes: true,
  },
  { benchmark: "redis", what: "rate", title: "A session store's work, beside Redis" },
  { benchmark: "join", what: "timeMs", title: "An empty node joins" },
  { benchmark: "join", what: "writeStallMs", title: "Writers while an empty node joins" },
  { benchmark: "heal", what: "timeMs", title: "Two nodes that were apart" },
  { benchmark: "down", what: "writeStallMs", title: "Writers while a node dies" },
  { benchmark: "read", what: "rate", title: "Reads" },
  { benchmark: "memory", what: "rowBytes", title: "Memory" },
  { benchmark: "form", what: "timeMs", title: "Nodes with ten tables start at once" },
  { benchmark: "idle", what: "bytesPerSecond", title: "Links that nobody writes on" },
  {
    benchmark: "scale",
    what: "cpuMicros",
    title: "One write, all nodes in one process",
    isOverNodes: true,
  },
  {
    benchmark: "scale",
    what: "framesPerOp",
    title: "One write, all nodes in one process",
    isOverNodes: true,
  },
];

/** The plots lie beside the sources; this file runs from build/bench. */
const FOLDER = fileURLToPath(new URL("../../bench/plots", import.meta.url));

/** Those that these figures give; a benchmark that was not run has none. */
export function plotsOf(figures: readonly Figure[]): Plot[] {
  return KINDS.flatMap((kind) => {
    const { benchmark, what } = kind;
    const own = figures.filter((each) => each.benchmark === benchmark && each.what === what);
    if (own.length === 0) return [];
    const title = `${kind.title}: ${WHATS[what].title} (logarithmic)`;
    const svg = kind.isOverNodes ? curvesOf(title, own) : barsOf(title, own);
    return [{ benchmark, file: `${benchmark}-${what}.svg`, title, svg }];
  });
}

/** Replaces the files of an earlier run. */
export function writePlots(plots: readonly Plot[]): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const { file, svg } of plots) writeFileSync(join(FOLDER, file), svg);
}

function barsOf(title: string, figures: readonly Figure[]): string {
  const groups = new Map<string, Map<string, Bar>>();
  for (const figure of figures) {
    const bars = groups.get(figure.case) ?? new Map<string, Bar>();
    groups.set(figure.case, bars.set(figure.side, figure));
  }
  return barChart({
    title,
    sides: sidesOf(figures),
    groups: [...groups].map(([label, bars]) => ({ label, bars })),
    show: shower(figures),
  });
}

function curvesOf(title: string, figures: readonly Figure[]): string {
  const curves = new Map<string, { x: number; y: Bar }[]>();
  for (const figure of figures) {
    const [series, nodes] = figure.case.split(" of ");
    const label = `${figure.side}, ${series === "all" ? "all write" : "one writes"}`;
    curves.set(label, [...(curves.get(label) ?? []), { x: Number(nodes), y: figure }]);
  }
  return curveChart({
    title,
    across: "nodes",
    curves: [...curves].map(([label, points]) => ({ label, points })),
    show: shower(figures),
  });
}

function sidesOf(figures: readonly Figure[]): string[] {
  const sides = [...new Set(figures.map(({ side }) => side))];
  // Skein first, so that it has the same colour everywhere.
  return [...sides.filter(isSkein), ...sides.filter((side) => !isSkein(side))];
}

function isSkein(side: string): boolean {
  return side.startsWith("Skein");
}

function shower([first]: readonly Figure[]): (value: number) => string {
  return (value) => (first ? show(first.what, value) : "");
}
