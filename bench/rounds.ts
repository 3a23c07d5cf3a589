/**
 * The same loads on several sides, in turns: what disturbs one of them on a shared machine is
 * likely to disturb all. Also how such windows become figures and tables.
 */
import type { Figures } from "./figure.ts";
import { micros, perSecond, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import type { Progress, Settings } from "./progress.ts";
import type { Published } from "./published.ts";
import { type Load, type Measured, measure, type Side, type Window } from "./side.ts";

/** One load that several sides are put under. */
export interface LoadCase {
  readonly id: string;
  readonly label: string;
  readonly load: Load;
  /** Judged by the p50 of a call, not by the rate. */
  readonly isLatency?: boolean;
  readonly published?: Published;
}

/** One case: the windows of each side that took part, by the side's name. */
export interface Outcome<C extends LoadCase = LoadCase> {
  readonly case: C;
  readonly windows: ReadonlyMap<string, readonly Measured[]>;
}

const WARM_UP: Window = { warmUpMs: 150, measuredMs: 150 };
/** One caller makes so few calls that compilers need longer to know them all. */
const WARM_UP_OF_ONE: Window = { warmUpMs: 1500, measuredMs: 150 };
const QUICK: Window = { warmUpMs: 50, measuredMs: 150 };

/** All benchmarks together are to take less than a quarter of an hour. */
export const WINDOW: Window = { warmUpMs: 150, measuredMs: 500 };
/** Where there are many cases, or each of them has another benchmark as well. */
export const SHORT_WINDOW: Window = { warmUpMs: 100, measuredMs: 350 };

/** The window of a run. */
export function windowOf({ quick }: Settings, window: Window): Window {
  return quick ? QUICK : window;
}

/** Runs all cases on those sides that take part in them, `rounds` times. */
export async function runRounds<C extends LoadCase>(
  cases: readonly C[],
  sidesOf: (each: C) => readonly Side[],
  run: { readonly settings: Settings; readonly progress: Progress; readonly window: Window },
): Promise<Outcome<C>[]> {
  const { settings, progress } = run;
  const window = windowOf(settings, run.window);
  const outcomes = cases.map((each) => ({ case: each, windows: new Map<string, Measured[]>() }));
  const steps = (settings.rounds + 1) * cases.length;
  // Round 0 is short and dropped: compilers of all sides get to know every load first.
  for (let round = 0; round <= settings.rounds; round++) {
    for (const [index, { case: each, windows }] of outcomes.entries()) {
      progress(`round ${round}: ${each.label}`, (round * cases.length + index) / steps);
      const sides = [...sidesOf(each)];
      if (round % 2 === 1) sides.reverse();
      for (const side of sides) {
        const warmUp = each.isLatency && !settings.quick ? WARM_UP_OF_ONE : WARM_UP;
        const measured = await measure(side, each.load, round > 0 ? window : warmUp);
        if (round > 0) windows.set(side.name, [...(windows.get(side.name) ?? []), measured]);
      }
    }
  }
  return outcomes;
}

/** One figure of each kind for each case and side. */
export function addFigures(figures: Figures, outcomes: readonly Outcome[]): void {
  for (const { case: each, windows } of outcomes) {
    for (const [side, measured] of windows) {
      const of = (pick: (window: Measured) => number) => measured.map(pick);
      figures.add(
        { case: each.id, side },
        {
          rate: of((window) => window.rate),
          p50Micros: of((window) => window.p50),
          p99Micros: of((window) => window.p99),
          maxMicros: of((window) => window.max),
          cpuMicros: of((window) => window.cpuPerRow),
          delayP99Ms: of((window) => window.delayP99Ms),
          delayMaxMs: of((window) => window.delayMaxMs),
        },
      );
    }
  }
}

/** Skein beside its peers, and beside what was published of CETS where there is such. */
export function ratioSheet(outcomes: readonly Outcome[], peers: readonly string[]): Sheet {
  const hasPublished = outcomes.some((outcome) => outcome.case.published);
  return {
    caption: "Ratios of this run",
    head: [
      "case",
      "Skein",
      ...peers.flatMap((peer) => [peer, `Skein ÷ ${peer}`]),
      ...(hasPublished ? ["CETS (another machine, for orientation)", "target against CETS"] : []),
    ],
    rows: outcomes.map((outcome) => [
      outcome.case.label,
      headline(outcome, "Skein"),
      ...peers.flatMap((peer) => [
        headline(outcome, peer),
        times(rateOf(outcome, "Skein") / rateOf(outcome, peer)),
      ]),
      ...(hasPublished
        ? [outcome.case.published?.cets ?? "–", outcome.case.published?.target ?? "–"]
        : []),
    ]),
  };
}

/** Everything that was measured of every side. */
export function figureSheet(outcomes: readonly Outcome[]): Sheet {
  const middle = (windows: readonly Measured[], pick: (window: Measured) => number) =>
    median(windows.map(pick));
  return {
    caption: "All figures (medians of the windows; longest calls and delays are those of all)",
    head: [
      "case",
      "side",
      "rows per second [min–max]",
      "p50",
      "p99",
      "longest",
      "CPU per row",
      "cores busy",
      "loop delay p99",
      "longest",
    ],
    rows: outcomes.flatMap(({ case: { label }, windows }) =>
      [...windows].map(([side, all]) => {
        const rates = all.map((window) => window.rate);
        const spread = `${perSecond(Math.min(...rates))}–${perSecond(Math.max(...rates))}`;
        return [
          label,
          side,
          `${perSecond(median(rates))} [${spread}]`,
          micros(middle(all, (window) => window.p50)),
          micros(middle(all, (window) => window.p99)),
          micros(Math.max(...all.map((window) => window.max))),
          micros(middle(all, (window) => window.cpuPerRow)),
          middle(all, (window) => window.cores).toFixed(2),
          micros(middle(all, (window) => window.delayP99Ms) * 1000),
          micros(Math.max(...all.map((window) => window.delayMaxMs)) * 1000),
        ];
      }),
    ),
  };
}

/** Where Skein is slower than a peer of this run. */
export function behindPeers(outcomes: readonly Outcome[], peers: readonly string[]): string[] {
  return outcomes.flatMap((outcome) =>
    peers.flatMap((peer) => {
      const ratio = rateOf(outcome, "Skein") / rateOf(outcome, peer);
      if (!(ratio < 1)) return [];
      return [`${outcome.case.label}: ${times(ratio)} of ${peer}'s rate in this run`];
    }),
  );
}

/**
 * Where Skein is short of what it wants to be beside CETS. `timesCets` says how many times as good
 * as the published figure a case is; by default that figure is a rate.
 */
export function behindCets(
  outcomes: readonly Outcome[],
  timesCets = (outcome: Outcome, { value }: Published): number => rateOf(outcome, "Skein") / value,
): string[] {
  return outcomes.flatMap((outcome) => {
    const { label, published } = outcome.case;
    if (!published) return [];
    const ratio = timesCets(outcome, published);
    if (ratio >= published.factor) return [];
    const ahead = ratio < 1 ? "behind CETS's figure of another machine" : "short of the target";
    return [`${label}: ${times(ratio)} of CETS's (${published.cets}), ${ahead}`];
  });
}

/** Median of rows per second; NaN of a side that did not take part. */
export function rateOf({ windows }: Outcome, side: string): number {
  return median((windows.get(side) ?? []).map((window) => window.rate));
}

function headline(outcome: Outcome, side: string): string {
  const rate = perSecond(rateOf(outcome, side));
  if (!outcome.case.isLatency || !outcome.windows.has(side)) return rate;
  const p50 = median((outcome.windows.get(side) ?? []).map((window) => window.p50));
  return `${rate}, p50 ${micros(p50)}`;
}
