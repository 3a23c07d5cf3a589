/**
 * The figures of a run: the one data type that the JSON file keeps, and that the table of goals,
 * the plots and `--compare` read. Stable: a field may be added, none changes its meaning.
 */
import { bytes, digits, millis, perSecond, micros as showMicros } from "./format.ts";
import { median } from "./latency.ts";

/** One figure over all windows of one side in one case. */
export interface Figure {
  /** The benchmark, as on the command line. */
  readonly benchmark: string;
  /** Short name of the case within it. */
  readonly case: string;
  /** "Skein", "Mnesia", "Redis" and so on. */
  readonly side: string;
  readonly what: What;
  /** Median of the windows; of what `WHATS` says so, the greatest of all. */
  readonly value: number;
  /** Least and greatest of the windows: the spread. */
  readonly low: number;
  readonly high: number;
  readonly windows: number;
}

interface Meaning {
  /** How many times better a greater or a smaller figure is. */
  readonly better: "more" | "less";
  /** What stands for all windows. */
  readonly pick: "median" | "greatest";
  /** As people read it. */
  readonly title: string;
  show(value: number): string;
}

const count = (unit: string) => (value: number) => `${digits(value)} ${unit}`;

function meaning(
  title: string,
  show: (value: number) => string,
  { better = "less", pick = "median" }: Partial<Pick<Meaning, "better" | "pick">> = {},
): Meaning {
  return { title, show, better, pick };
}

const GREATEST = { pick: "greatest" } as const;

/** Everything that is measured; units are in the names. Sizes are bytes. */
export const WHATS = {
  rate: meaning("rows or calls per second", perSecond, { better: "more" }),
  p50Micros: meaning("p50 of a call", showMicros),
  p99Micros: meaning("p99 of a call", showMicros),
  maxMicros: meaning("longest call", showMicros, GREATEST),
  cpuMicros: meaning("CPU time per row, all processes", showMicros),
  delayP99Ms: meaning("event loop delay p99", millis),
  delayMaxMs: meaning("event loop delay, longest", millis, GREATEST),
  timeMs: meaning("time", millis),
  closedMs: meaning("until the sockets of a killed process close", millis, GREATEST),
  writeStallMs: meaning("longest stall of a writer", millis, GREATEST),
  readStallMs: meaning("longest stall of a reader", millis, GREATEST),
  pauseMs: meaning("longest pause of the garbage collector", millis, GREATEST),
  movedBytes: meaning("bytes moved", bytes),
  rowBytes: meaning("bytes of memory per row", bytes),
  peakBytes: meaning("peak of resident memory", bytes, GREATEST),
  bytesPerSecond: meaning("bytes per second of a link", count("B/s")),
  framesPerSecond: meaning("frames per second of a link", count("/s")),
  bytesPerOp: meaning("bytes sent per op", bytes),
  framesPerOp: meaning("frames sent per op", count("frames")),
} satisfies Record<string, Meaning>;

export type What = keyof typeof WHATS;

/** Names one figure of a run. */
export type Place = Pick<Figure, "benchmark" | "case" | "side" | "what">;

/** Collects the figures of one benchmark. */
export class Figures {
  readonly list: Figure[] = [];
  readonly #benchmark: string;

  constructor(benchmark: string) {
    this.#benchmark = benchmark;
  }

  /** One value for each window. What was not measured (NaN, nothing) makes no figure. */
  add(at: { case: string; side: string }, values: Partial<Record<What, readonly number[]>>): void {
    for (const what of keysOf(values)) {
      const measured = (values[what] ?? []).filter((value) => Number.isFinite(value));
      if (measured.length === 0) continue;
      const greatest = Math.max(...measured);
      this.list.push({
        benchmark: this.#benchmark,
        ...at,
        what,
        value: WHATS[what].pick === "greatest" ? greatest : median(measured),
        low: Math.min(...measured),
        high: greatest,
        windows: measured.length,
      });
    }
  }
}

function keysOf(values: Partial<Record<What, unknown>>): What[] {
  const known = Object.keys(WHATS);
  return Object.keys(values).filter((key): key is What => known.includes(key));
}

export function nameOf({ benchmark, case: id, side, what }: Place): string {
  return `${benchmark}/${id}/${side}/${what}`;
}

export function findFigure(figures: readonly Figure[], place: Place): Figure | undefined {
  const name = nameOf(place);
  return figures.find((figure) => nameOf(figure) === name);
}

/** With its unit. */
export function show(what: What, value: number): string {
  return WHATS[what].show(value);
}

/** How many times better `value` is than `other`; below 1 it is worse. */
export function timesBetter(what: What, value: number, other: number): number {
  return WHATS[what].better === "more" ? value / other : other / value;
}
