/**
 * A side of a comparison: something that can be put under load. Skein, Mnesia and the bare
 * transport are the three makers. One load is one warm-up and one measured window.
 */
import { cpuSeconds } from "./cpu.ts";
import { type Latency, median } from "./latency.ts";

/** Who calls, and how many rows go with each call. */
export interface Load {
  /** Callers on each node that calls. */
  readonly callers: number;
  /** How many nodes call. */
  readonly nodes: number;
  readonly rowsPerCall: number;
  /** `insertNew` instead of `set`; default false. */
  readonly isSerial?: boolean;
  /** The first node that calls, in the order in which they were started; default 0. */
  readonly firstNode?: number;
}

/** How long a load runs. */
export interface Window {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** What the side itself saw within the window. */
export interface Finished extends Latency {
  /** Rows per second. */
  readonly rate: number;
  /** Worst of the processes' event loop delays, p99 in ms; null where there is no such loop. */
  readonly delayMs: number | null;
}

/** One window. Latencies are in microseconds and per call. */
export interface Measured extends Finished {
  /** CPU microseconds of all node processes per row. */
  readonly cpuPerRow: number;
  /** Processors busy with all node processes. */
  readonly cores: number;
}

/** What can be put under load. */
export interface Side {
  readonly name: string;
  /** All node processes, for CPU time. */
  readonly pids: readonly number[];
  start(load: Load): Promise<void>;
  mark(): Promise<void>;
  finish(): Promise<Finished>;
  /** Throws unless all replicas are equal, then takes out again what the load has written. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs one load on one side. */
export async function measure(side: Side, load: Load, window: Window): Promise<Measured> {
  await side.start(load);
  await pause(window.warmUpMs);
  await side.mark();
  const cpuBefore = cpuSeconds(side.pids);
  const startMs = performance.now();
  await pause(window.measuredMs);
  const cpu = cpuSeconds(side.pids) - cpuBefore;
  const seconds = (performance.now() - startMs) / 1000;
  const finished = await side.finish();
  await side.settle();
  return {
    ...finished,
    cpuPerRow: (cpu * 1e6) / (finished.rate * seconds),
    cores: cpu / seconds,
  };
}

/** Several windows as one: medians, the longest latency of all, and how far the rates spread. */
export interface Summary extends Measured {
  readonly rateLow: number;
  readonly rateHigh: number;
  readonly windows: number;
}

export function summarize(windows: readonly Measured[]): Summary {
  const of = (pick: (window: Measured) => number) => median(windows.map(pick));
  const rates = windows.map((window) => window.rate);
  const delays = windows.flatMap((window) => window.delayMs ?? []);
  return {
    rate: of((window) => window.rate),
    p50: of((window) => window.p50),
    p99: of((window) => window.p99),
    max: Math.max(...windows.map((window) => window.max)),
    cpuPerRow: of((window) => window.cpuPerRow),
    cores: of((window) => window.cores),
    delayMs: delays.length > 0 ? median(delays) : null,
    rateLow: Math.min(...rates),
    rateHigh: Math.max(...rates),
    windows: windows.length,
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
