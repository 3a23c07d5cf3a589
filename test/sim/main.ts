/**
 * `npm run sim -- --seeds 20000 --from 1 --workers 2`: looks for seeds that break a promise.
 * `npm run sim -- --seeds 1000000 --from 1 --progress million.json`: a search that can be stopped
 * at any time and goes on from the file; ends with the first failing seed.
 * `--seconds 240` takes no more seeds after that time, and says how many there were.
 * `--size small` (or `medium`, `large`, `former`, `long`) runs worlds of that size only; `--long` the last.
 * `npm run sim -- --seed 7 --trace`: replays one and tells what happens in it.
 * Ends with code 1 if a seed failed, or if the run was too tame to prove anything.
 */
import { execFileSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, workerData } from "node:worker_threads";
import { Progress } from "./progress.ts";
import { SeedQueue } from "./seed-queue.ts";
import { type FailedSeed, runSeed, runSeeds, type SeedRun } from "./seed-run.ts";
import {
  RECORDED_FORMER_SEEDS,
  RECORDED_LARGE_SEEDS,
  RECORDED_LONG_SEEDS,
  RECORDED_SEEDS,
  RECORDED_SERIAL_SEEDS,
} from "./seeds.ts";
import { WORLD_SIZES, type WorldSize } from "./shapes.ts";
import {
  describeTotals,
  LEAST_PER_SEED,
  LEAST_PER_SERIAL_SEED,
  LEAST_PER_SPLIT_SEED,
  newTotals,
  shortfalls,
  type Totals,
} from "./totals.ts";
import { runQueue, seedsOf, work } from "./workers.ts";

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly workers: number;
  /** No more seeds are taken after so long; null: all are. */
  readonly seconds: number | null;
  readonly seed: number | null;
  readonly trace: boolean;
  /** Ends with the first failure, and prints one line of JSON. */
  readonly first: boolean;
  /** Where to write how far the search has come, and to go on from; null for nowhere. */
  readonly progress: string | null;
  /** Runs in which living nodes are forgotten while they cannot be reached. */
  readonly forgetful: boolean;
  /** Serial calls, and whether their histories are linearizable. */
  readonly serial: boolean;
  /** Tables that are paused on one side of a split. */
  readonly split: boolean;
  /** Worlds of one size instead of mixed ones. */
  readonly size: WorldSize | undefined;
}

/** Below this the averages say nothing. */
const JUDGED_FROM_SEEDS = 200;
const PROGRESS_MS = 5000;
/** Seeds that a worker is given at a time. */
const PIECE_SEEDS = 20;

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: "2" },
      seconds: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      first: { type: "boolean", default: false },
      progress: { type: "string" },
      forgetful: { type: "boolean", default: false },
      serial: { type: "boolean", default: false },
      split: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      size: { type: "string" },
    },
  });
  const { trace, first, forgetful, serial, split, long } = values;
  const size = WORLD_SIZES.find((one) => one === (long ? "long" : values.size));
  if (size === undefined && values.size !== undefined) {
    throw new Error(`--size is ${values.size}, allowed are ${WORLD_SIZES.join(", ")}`);
  }
  const whole = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new Error(`--${name} is ${text}, allowed are whole numbers from ${least}`);
  };
  return {
    ...{ trace, first, forgetful, serial, split, size },
    seeds: whole("seeds", values.seeds, 1),
    from: whole("from", values.from, 0),
    workers: whole("workers", values.workers, 1),
    seconds: values.seconds === undefined ? null : whole("seconds", values.seconds, 1),
    seed: values.seed === undefined ? null : whole("seed", values.seed, 0),
    progress: values.progress ?? null,
  };
}

/** The flags that choose which runs a seed stands for. */
function kindOf(options: Options): string {
  const kinds = ["forgetful", "serial", "split"] as const;
  const { size } = options;
  const sizes = size === "long" ? ["--long"] : size === undefined ? [] : [`--size ${size}`];
  return [...kinds.flatMap((kind) => (options[kind] ? [`--${kind}`] : [])), ...sizes].join(" ");
}

function replay(seed: number, options: Options): number {
  const { violation, totals } = runSeed(seed, options, options.trace ? traceLine : null);
  console.log(describeTotals(totals));
  if (violation === null) {
    console.log(`seed ${seed}: no violation`);
    return 0;
  }
  showFailure({ seed, violation }, kindOf(options));
  return 1;
}

function traceLine(atMs: number, who: string, what: string): void {
  console.log(`${atMs.toFixed(2).padStart(10)} ${who.padEnd(12)} ${what}`);
}

function showFailure({ seed, violation }: FailedSeed, kind: string): void {
  const flags = kind === "" ? "" : ` ${kind}`;
  console.log(`\nseed ${seed} breaks "${violation.checker}" at ${violation.atMs.toFixed(0)} ms`);
  console.log(`  ${violation.message}`);
  console.log(`  replay: npm run sim -- --seed ${seed}${flags} --trace`);
}

/** Ends at once with the first failing seed: for `npm run mutate`. */
function findFirst(options: Options): number {
  const seeds = seedsOf({ from: options.from, count: options.seeds });
  const run = runSeeds(seeds, ({ failures }) => failures.length === 0, options);
  const [failure] = run.failures;
  console.log(JSON.stringify({ seeds: run.totals.seeds, failure: failure ?? null }));
  return failure === undefined ? 0 : 1;
}

/** Seeds that failed once. */
function runRecorded(): FailedSeed[] {
  const all = (): boolean => true;
  const runs: [SeedRun, string][] = [
    [runSeeds(RECORDED_SEEDS, all), ""],
    [runSeeds(RECORDED_FORMER_SEEDS, all, { size: "former" }), "--size former"],
    [runSeeds(RECORDED_LARGE_SEEDS, all, { size: "large" }), "--size large"],
    [runSeeds(RECORDED_LONG_SEEDS, all, { size: "long" }), "--long"],
    [runSeeds(RECORDED_SERIAL_SEEDS, all, { serial: true }), "--serial"],
  ];
  for (const [{ failures }, kind] of runs) {
    for (const failure of failures) showFailure(failure, kind);
  }
  const failures = runs.flatMap(([run]) => run.failures);
  const count = runs.reduce((sum, [run]) => sum + run.totals.seeds, 0);
  console.log(`recorded seeds: ${count}, failing ${failures.length}`);
  return failures;
}

async function search(options: Options): Promise<number> {
  const recorded = runRecorded();
  const startedAt = performance.now();
  const { from, seeds, workers } = options;
  const progress = progressOf(options);
  const stopsAtFailure = progress !== null;
  const queue = new SeedQueue({
    from: progress?.next ?? from,
    end: from + seeds,
    pieceSeeds: PIECE_SEEDS,
    totals: progress?.totals ?? newTotals(),
    stopsAtFailure,
  });
  let shown = 0;
  const tell = (): void => {
    for (; shown < queue.failures.length; shown++) {
      showFailure(queue.failures[shown] as FailedSeed, kindOf(options));
    }
    const seconds = (performance.now() - startedAt) / 1000;
    progress?.save(queue.next, queue.totals, seconds);
    console.log(progressLine(queue, { options, first: progress?.next ?? from, seconds }));
  };
  const timer = setInterval(tell, PROGRESS_MS);
  const limit = options.seconds;
  const end = limit === null ? undefined : setTimeout(() => queue.stop(), limit * 1000);
  const order = { ...options, stopsAtFailure };
  await runQueue(queue, { script: new URL(import.meta.url), workers, order });
  clearInterval(timer);
  clearTimeout(end);
  tell();
  if (queue.next < from + seeds && queue.failures.length === 0) {
    console.log(`the time is over after ${queue.next - from} of ${seeds} seeds`);
  }
  return conclude(queue.totals, [...recorded, ...queue.failures], options);
}

function progressOf(options: Options): Progress | null {
  const { progress, from } = options;
  if (progress === null) return null;
  const about = { kind: kindOf(options), from, commit: commit() };
  return new Progress(progress, { ...about, startedAt: new Date().toISOString() });
}

function commit(): string {
  try {
    const cwd = dirname(fileURLToPath(import.meta.url));
    const args = ["describe", "--always", "--dirty", "--abbrev=12"];
    return execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown";
  }
}

function progressLine(
  { next, failures }: SeedQueue,
  of: { readonly options: Options; readonly first: number; readonly seconds: number },
): string {
  const { options, first, seconds } = of;
  const { from, seeds } = options;
  const rate = (next - first) / seconds;
  const left = rate > 0 ? ((from + seeds - next) / rate).toFixed(0) : "?";
  const line = `${next - from} of ${seeds} seeds, ${failures.length} failing`;
  return `${line}, ${rate.toFixed(1)} a second, ${left} s left`;
}

function leastOf({ serial, split }: Options): typeof LEAST_PER_SEED {
  if (serial) return LEAST_PER_SERIAL_SEED;
  return split ? LEAST_PER_SPLIT_SEED : LEAST_PER_SEED;
}

function conclude(totals: Totals, failures: readonly FailedSeed[], options: Options): number {
  console.log(describeTotals(totals));
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  console.log(
    `  took ${performance.now().toFixed(0)} ms, ${cpuSeconds.toFixed(1)} s of processors`,
  );
  if (failures.length > 0) {
    console.log(`\n${failures.length} seeds fail: ${failures.map(({ seed }) => seed).join(", ")}`);
    return 1;
  }
  const isJudged = totals.seeds >= JUDGED_FROM_SEEDS;
  const tame = isJudged ? shortfalls(totals, leastOf(options)) : [];
  for (const shortfall of tame) console.log(`too tame: ${shortfall}`);
  if (tame.length === 0) console.log(`${totals.seeds} seeds, none fails`);
  return tame.length === 0 ? 0 : 1;
}

if (isMainThread) {
  const options = readOptions();
  if (options.seed !== null) process.exitCode = replay(options.seed, options);
  else process.exitCode = options.first ? findFirst(options) : await search(options);
} else {
  work(workerData);
}
