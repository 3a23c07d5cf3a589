/**
 * A side of a comparison: something that can be put under load. Skein, Mnesia, Redis and the bare
 * transport are the makers. One load is one warm-up and one measured window.
 */
import { cpuSeconds } from "./cpu.ts";
import { type Latency, latencyOf } from "./latency.ts";
import type { LoopResult } from "./loop.ts";

/**
 * What is called. `set`: writes, several rows in one call where there are several. `pipelined`:
 * a single write for each row of the call, all under way at once. `delete`: each call ends a row
 * that its caller has written just before; only the deletes are timed and counted. `insertNew`:
 * fresh keys, of which each has one winner. `get`, and `prefix` for all rows of a user: reads of
 * what was there before.
 */
export type LoadKind = "set" | "pipelined" | "delete" | "insertNew" | "get" | "prefix";

/** Who calls what, and how many rows go with each call. */
export interface Load {
  readonly kind: LoadKind;
  /** Callers on each node that calls. */
  readonly callers: number;
  /** How many nodes call. */
  readonly nodes: number;
  readonly rowsPerCall: number;
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
  /** Worst of the processes' event loop delays, ms; NaN where there is no such loop. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
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

/** What the loops of all processes that called have found together. */
export function finishedBy(results: readonly LoopResult[], rowsPerCall: number): Finished {
  const samples = results.map((result) => result.samples);
  const calls = samples.reduce((sum, each) => sum + each.calls / each.seconds, 0);
  return {
    rate: calls * rowsPerCall,
    ...latencyOf(samples),
    delayP99Ms: Math.max(...results.map(({ delay }) => delay.p99Ms)),
    delayMaxMs: Math.max(...results.map(({ delay }) => delay.maxMs)),
  };
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

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
