/**
 * Latencies of a closed loop. Every sample is kept, up to a bound; beyond it samples are counted
 * and the greatest is still right. Percentiles are taken from the samples, not from buckets.
 */

/** What a loop reports: plain data, fit to cross a process boundary. */
export interface Samples {
  /** Calls that ended within the window. */
  readonly calls: number;
  /** Length of the window. */
  readonly seconds: number;
  /** Microseconds, in the order of the calls' ends. */
  readonly micros: Float64Array;
  readonly maxMicros: number;
}

/** Percentiles in microseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const SAMPLES_MAX = 1_000_000;

/** Records between `mark` and `finish`; before and after it drops what it is given. */
export class Recorder {
  readonly #micros = new Float64Array(SAMPLES_MAX);
  #calls = 0;
  #maxMicros = 0;
  #startMs = Number.NaN;
  #samples: Samples | null = null;

  /** Opens the window. */
  mark(): void {
    this.#startMs = performance.now();
  }

  /** One call that lasted from `startMs` to `endMs`, both of performance.now(). */
  add(startMs: number, endMs: number): void {
    if (Number.isNaN(this.#startMs) || this.#samples !== null) return;
    const micros = (endMs - startMs) * 1000;
    if (this.#calls < SAMPLES_MAX) this.#micros[this.#calls] = micros;
    if (micros > this.#maxMicros) this.#maxMicros = micros;
    this.#calls++;
  }

  /** Closes the window; more calls may end afterwards and are not counted. */
  finish(): Samples {
    this.#samples ??= {
      calls: this.#calls,
      seconds: (performance.now() - this.#startMs) / 1000,
      micros: this.#micros.slice(0, Math.min(this.#calls, SAMPLES_MAX)),
      maxMicros: this.#maxMicros,
    };
    return this.#samples;
  }
}

/** The percentiles over several loops that ran at the same time. */
export function latencyOf(samples: readonly Samples[]): Latency {
  const all = new Float64Array(samples.reduce((sum, each) => sum + each.micros.length, 0));
  let offset = 0;
  for (const { micros } of samples) {
    all.set(micros, offset);
    offset += micros.length;
  }
  all.sort();
  return {
    p50: percentile(all, 0.5),
    p99: percentile(all, 0.99),
    max: Math.max(...samples.map((each) => each.maxMicros)),
  };
}

/** The value below which a share of the sorted values lies; NaN of none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1);
  return sorted[Math.max(0, index)] ?? Number.NaN;
}

/** The middle value; of an even count the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
