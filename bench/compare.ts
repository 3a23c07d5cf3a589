/** What differs between two runs, where it is more than the windows of either run spread. */
import { type Figure, nameOf, show, timesBetter } from "./figure.ts";
import { table, times } from "./format.ts";
import type { Kept } from "./results.ts";

/** One figure of both runs. */
export interface Change {
  readonly before: Figure;
  readonly after: Figure;
  /** How many times better it has become; below 1 it is worse. */
  readonly ratio: number;
}

/** Windows that do not overlap: the best of the one run is behind the worst of the other. */
export function changesOf(before: readonly Figure[], after: readonly Figure[]): Change[] {
  const earlier = new Map(before.map((figure) => [nameOf(figure), figure]));
  const changes = after.flatMap((figure) => {
    const old = earlier.get(nameOf(figure));
    if (!old || (figure.low <= old.high && old.low <= figure.high)) return [];
    return [
      { before: old, after: figure, ratio: timesBetter(figure.what, figure.value, old.value) },
    ];
  });
  // The greatest change first, whichever way it goes.
  return changes.sort((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)));
}

/** As text: what each file was made on, then a line for each change. */
export function compareText(before: Kept, after: Kept): string {
  const changes = changesOf(before.figures, after.figures);
  const known = new Set(before.figures.map(nameOf));
  const both = after.figures.filter((figure) => known.has(nameOf(figure))).length;
  const head = [
    "## Compared with an earlier run",
    `Then: ${before.facts.join("; ")}.`,
    `${both} figures are in both runs; of ${both - changes.length} the windows of both overlap. ` +
      `${changes.filter(({ ratio }) => ratio > 1).length} are better, ` +
      `${changes.filter(({ ratio }) => ratio < 1).length} are worse. “×” above 1 is better.`,
  ];
  if (changes.length === 0) return `${head.join("\n\n")}\n`;
  return `${[...head, table({ caption: "", head: HEAD, rows: changes.map(rowOf) })].join("\n\n")}\n`;
}

const HEAD = ["figure", "before [low–high]", "after [low–high]", "×"];

function rowOf({ before, after, ratio }: Change): string[] {
  const spread = ({ what, value, low, high }: Figure) =>
    `${show(what, value)} [${show(what, low)}–${show(what, high)}]`;
  return [nameOf(after), spread(before), spread(after), times(ratio)];
}
