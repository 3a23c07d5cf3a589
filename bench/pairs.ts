/**
 * Pairs of sides that do the same work: windows in turns, so that what the machine does meanwhile
 * befalls both, and a ratio of their medians.
 */
import { type Figures, show } from "./figure.ts";
import { type Sheet, times } from "./format.ts";
import { latencyOf, median, Recorder } from "./latency.ts";
import type { Progress, Settings } from "./progress.ts";

/** One piece of work, done by both sides in a closed loop of one caller. */
export interface Pair {
  /** Short name of the case. */
  readonly id: string;
  readonly label: string;
  /** Rows of one call; rates are in rows. */
  readonly rows: number;
  skein(): Promise<unknown>;
  bare(): Promise<unknown>;
}

/** Windows of one side in one case. */
interface Windows {
  readonly rate: number[];
  readonly p50Micros: number[];
  readonly p99Micros: number[];
  /** Of this process alone: the server's is not Skein's doing. */
  readonly cpuMicros: number[];
}

/** What was measured for one pair. */
export interface PairOutcome {
  readonly pair: Pair;
  readonly skein: Windows;
  readonly bare: Windows;
}

const WINDOW_MS = 600;
const QUICK_MS = 120;
const WARM_CALLS = 20;

/** Runs all pairs, round by round. */
export async function runPairs(
  pairs: readonly Pair[],
  settings: Settings,
  progress: Progress,
): Promise<readonly PairOutcome[]> {
  const windowMs = settings.quick ? QUICK_MS : WINDOW_MS;
  const outcomes = pairs.map((pair) => ({ pair, skein: noWindows(), bare: noWindows() }));
  for (const { pair } of outcomes) {
    for (let call = 0; call < WARM_CALLS; call++) {
      await pair.skein();
      await pair.bare();
    }
  }
  for (let round = 0; round < settings.rounds; round++) {
    for (const { pair, skein, bare } of outcomes) {
      progress(`${pair.label}, round ${round + 1}`, round / settings.rounds);
      const sides = [
        () => window(skein, pair.rows, () => pair.skein(), windowMs),
        () => window(bare, pair.rows, () => pair.bare(), windowMs),
      ];
      if (round % 2 === 1) sides.reverse();
      for (const side of sides) await side();
    }
  }
  return outcomes;
}

/** Keeps the figures under a case of this prefix, and makes a sheet of them. */
export function pairSheet(
  figures: Figures,
  outcomes: readonly PairOutcome[],
  names: { readonly caption: string; readonly prefix: string; readonly bare: string },
): Sheet {
  const rows = outcomes.map(({ pair, skein, bare }) => {
    figures.add({ case: `${names.prefix}-${pair.id}`, side: "Skein" }, { ...skein });
    figures.add({ case: `${names.prefix}-${pair.id}`, side: names.bare }, { ...bare });
    const ratio = median(bare.rate) / median(skein.rate);
    const cpu = median(skein.cpuMicros) / median(bare.cpuMicros);
    return [
      pair.label,
      show("rate", median(skein.rate)),
      show("rate", median(bare.rate)),
      times(ratio),
      show("p50Micros", median(skein.p50Micros)),
      show("p50Micros", median(bare.p50Micros)),
      show("p99Micros", median(skein.p99Micros)),
      show("p99Micros", median(bare.p99Micros)),
      times(cpu),
    ];
  });
  return {
    caption: names.caption,
    head: [
      "work",
      "Skein",
      names.bare,
      "time",
      "p50",
      `p50, ${names.bare}`,
      "p99",
      `p99, ${names.bare}`,
      "CPU",
    ],
    rows,
  };
}

async function window(
  windows: Windows,
  rows: number,
  call: () => Promise<unknown>,
  windowMs: number,
): Promise<void> {
  const recorder = new Recorder();
  recorder.mark();
  const before = process.cpuUsage();
  const end = performance.now() + windowMs;
  for (let start = performance.now(); start < end; ) {
    await call();
    const now = performance.now();
    recorder.add(start, now);
    start = now;
  }
  const used = process.cpuUsage(before);
  const samples = recorder.finish();
  const { p50, p99 } = latencyOf([samples]);
  windows.rate.push((samples.calls * rows) / samples.seconds);
  windows.p50Micros.push(p50);
  windows.p99Micros.push(p99);
  windows.cpuMicros.push((used.user + used.system) / (samples.calls * rows));
}

function noWindows(): Windows {
  return { rate: [], p50Micros: [], p99Micros: [], cpuMicros: [] };
}
