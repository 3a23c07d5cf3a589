/**
 * What is kept of a run: a JSON file of its figures, to compare later runs with, and RESULTS.md
 * for people.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figure.ts";
import { goalsMarkdown } from "./goals-table.ts";
import { type Plot, plotsOf, writePlots } from "./plots.ts";
import { type Report, toMarkdown } from "./report.ts";

/**
 * The JSON file. `figures` is described in figure.ts. A reader refuses a `format` that it does
 * not know.
 */
export interface Kept {
  readonly format: 1;
  /** Machine, versions, commit and date, one line each. */
  readonly facts: readonly string[];
  /** Seconds that each benchmark took. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly figures: readonly Figure[];
}

/** The results lie beside the sources; this file runs from build/bench. */
const RESULTS = fileURLToPath(new URL("../../bench/RESULTS.md", import.meta.url));

/** One report of a run and how long it took. */
export interface Timed {
  readonly report: Report;
  readonly seconds: number;
}

export function keptOf(facts: readonly string[], run: readonly Timed[]): Kept {
  return {
    format: 1,
    facts,
    seconds: Object.fromEntries(run.map(({ report, seconds }) => [report.name, seconds])),
    figures: run.flatMap(({ report }) => report.figures),
  };
}

export function writeKept(file: string, kept: Kept): void {
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`);
}

/** Throws unless the file was written by `writeKept`. */
export function readKept(file: string): Kept {
  const kept: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (isKept(kept)) return kept;
  throw new Error(`${file} holds no figures of format 1, as --json writes them`);
}

function isKept(kept: unknown): kept is Kept {
  if (typeof kept !== "object" || kept === null) return false;
  return "format" in kept && kept.format === 1 && "figures" in kept && Array.isArray(kept.figures);
}

/** Writes RESULTS.md, with the goals first, and the plots; returns the path of the former. */
export function writeResults(kept: Kept, run: readonly Timed[]): string {
  const head = [
    "# Results",
    "Written by `npm run bench -- --write`. Absolute figures hold for this machine and day only; " +
      "what counts are the ratios to a peer of the same run. CETS's figures are of another " +
      "machine and stand here for orientation. Targets are in multiples of those.",
    kept.facts.map((fact) => `- ${fact}`).join("\n"),
    goalsMarkdown(kept.figures),
    `Time taken: ${timesTaken(run)}.`,
  ];
  const plots = plotsOf(kept.figures);
  const reports = run.map(({ report }) => `${toMarkdown(report)}\n${linksTo(plots, report)}`);
  writePlots(plots);
  writeFileSync(RESULTS, `${[...head, ...reports].join("\n\n").trimEnd()}\n`);
  return RESULTS;
}

function linksTo(plots: readonly Plot[], { name }: Report): string {
  const own = plots.filter(({ benchmark }) => benchmark === name);
  return own.map(({ title, file }) => `![${title}](plots/${file})`).join("\n\n");
}

/** "insert 120 s, join 80 s; 200 s in all". */
export function timesTaken(run: readonly Timed[]): string {
  const each = run.map(({ report, seconds }) => `${report.name} ${Math.round(seconds)} s`);
  const all = run.reduce((sum, { seconds }) => sum + seconds, 0);
  return `${each.join(", ")}; ${Math.round(all)} s in all`;
}
