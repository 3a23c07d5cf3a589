/**
 * Pairs of sides that do the same work, in turns: a window of each is made of slices, one of this
 * side and one of that, so that what the machine does meanwhile befalls both.
 */
import { type Figures, show } from "./figure.ts";
import { type Sheet, times } from "./format.ts";
import { latencyOf, median } from "./latency.ts";
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
/** A slice ends with the call that lasts beyond this. */
const SLICE_MS = 40;
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
      const sides = [new Slices(() => pair.skein()), new Slices(() => pair.bare())] as const;
      while (sides.some(({ ms }) => ms < windowMs)) {
        // By chance: else what a database does now and then may befall one side each time.
        const inTurn = Math.random() < 0.5 ? sides : sides.toReversed();
        for (const side of inTurn) await side.run(Math.min(SLICE_MS, windowMs));
      }
      sides[0].keep(skein, pair.rows);
      sides[1].keep(bare, pair.rows);
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
    return [
      pair.label,
      show("rate", mean(skein.rate)),
      show("rate", mean(bare.rate)),
      times(timeOf({ pair, skein, bare })),
      show("p50Micros", median(skein.p50Micros)),
      show("p50Micros", median(bare.p50Micros)),
      show("p99Micros", median(skein.p99Micros)),
      show("p99Micros", median(bare.p99Micros)),
      times(mean(skein.cpuMicros) / mean(bare.cpuMicros)),
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

/** Skein's time for the work, in multiples of the other side's, over all windows together. */
export function timeOf({ skein, bare }: PairOutcome): number {
  return mean(bare.rate) / mean(skein.rate);
}

/** Windows are of one length: the mean of their rates is the rate of all. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One side's slices of one window. */
class Slices {
  readonly #call: () => Promise<unknown>;
  readonly #micros: number[] = [];
  #cpuMicros = 0;
  /** How long all of them took. */
  ms = 0;

  constructor(call: () => Promise<unknown>) {
    this.#call = call;
  }

  async run(sliceMs: number): Promise<void> {
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    let last = start;
    while (last - start < sliceMs) {
      await this.#call();
      const now = performance.now();
      this.#micros.push((now - last) * 1000);
      last = now;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    this.#cpuMicros += user + system;
    this.ms += last - start;
  }

  /** Adds them to the others as one window. */
  keep(windows: Windows, rowsPerCall: number): void {
    const calls = this.#micros.length;
    const micros = Float64Array.from(this.#micros);
    const { p50, p99 } = latencyOf([{ calls, seconds: this.ms / 1000, micros, maxMicros: 0 }]);
    windows.rate.push((calls * rowsPerCall * 1000) / this.ms);
    windows.p50Micros.push(p50);
    windows.p99Micros.push(p99);
    windows.cpuMicros.push(this.#cpuMicros / (calls * rowsPerCall));
  }
}

function noWindows(): Windows {
  return { rate: [], p50Micros: [], p99Micros: [], cpuMicros: [] };
}
