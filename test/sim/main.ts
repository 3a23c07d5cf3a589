/**
 * `npm run sim -- --seeds 20000 --from 1 --workers 2`: looks for seeds that break a promise.
 * `npm run sim -- --seed 7 --trace`: replays one and tells what happens in it.
 * Ends with code 1 if a seed failed, or if the run was too tame to prove anything.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type FailedSeed, runSeed, runSeeds, type SeedRun } from "./seed-run.ts";
import { RECORDED_SEEDS, RECORDED_SERIAL_SEEDS } from "./seeds.ts";
import {
  addTotals,
  describeTotals,
  LEAST_PER_SEED,
  LEAST_PER_SERIAL_SEED,
  LEAST_PER_SPLIT_SEED,
  newTotals,
  shortfalls,
} from "./totals.ts";

/** What one worker is to do: every `step`th seed from `first` on, up to `end`. */
interface Share {
  readonly first: number;
  readonly end: number;
  readonly step: number;
  readonly forgetful: boolean;
  readonly serial: boolean;
  readonly split: boolean;
}

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly workers: number;
  readonly seed: number | null;
  readonly trace: boolean;
  /** Ends with the first failure, and prints one line of JSON. */
  readonly first: boolean;
  /** Runs in which living nodes are forgotten while they cannot be reached. */
  readonly forgetful: boolean;
  /** Serial calls, and whether their histories are linearizable. */
  readonly serial: boolean;
  /** Tables that are paused on one side of a split. */
  readonly split: boolean;
}

/** Below this the averages say nothing. */
const JUDGED_FROM_SEEDS = 200;
const PROGRESS_MS = 5000;
const FAILURES_SHOWN = 20;
/** Seeds between two reports of a worker. */
const REPORT_SEEDS = 20;

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      workers: { type: "string", default: "2" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      first: { type: "boolean", default: false },
      forgetful: { type: "boolean", default: false },
      serial: { type: "boolean", default: false },
      split: { type: "boolean", default: false },
    },
  });
  const whole = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new Error(`--${name} is ${text}, allowed are whole numbers from ${least}`);
  };
  return {
    seeds: whole("seeds", values.seeds, 1),
    from: whole("from", values.from, 0),
    workers: whole("workers", values.workers, 1),
    seed: values.seed === undefined ? null : whole("seed", values.seed, 0),
    trace: values.trace,
    first: values.first,
    forgetful: values.forgetful,
    serial: values.serial,
    split: values.split,
  };
}

function replay(seed: number, options: Options): number {
  const { violation, totals } = runSeed(seed, options, options.trace ? traceLine : null);
  console.log(describeTotals(totals));
  if (violation === null) {
    console.log(`seed ${seed}: no violation`);
    return 0;
  }
  showFailure({ seed, violation });
  return 1;
}

function traceLine(atMs: number, who: string, what: string): void {
  console.log(`${atMs.toFixed(2).padStart(10)} ${who.padEnd(12)} ${what}`);
}

function showFailure({ seed, violation }: FailedSeed): void {
  const kinds = ["--forgetful", "--serial", "--split"].filter((kind) =>
    process.argv.includes(kind),
  );
  const flags = kinds.map((kind) => ` ${kind}`).join("");
  console.log(`\nseed ${seed} breaks "${violation.checker}" at ${violation.atMs.toFixed(0)} ms`);
  console.log(`  ${violation.message}`);
  console.log(`  replay: npm run sim -- --seed ${seed}${flags} --trace`);
}

/** Ends at once with the first failing seed: for `npm run mutate`. */
function findFirst(options: Options): number {
  const run = runSeeds(seedsOf(shareOf(options, 0, 1)), isClean, options);
  const [failure] = run.failures;
  console.log(JSON.stringify({ seeds: run.totals.seeds, failure: failure ?? null }));
  return failure === undefined ? 0 : 1;
}

function isClean(run: SeedRun): boolean {
  return run.failures.length === 0;
}

function shareOf(options: Options, index: number, workers: number): Share {
  const { from, seeds, forgetful, serial, split } = options;
  return { first: from + index, end: from + seeds, step: workers, forgetful, serial, split };
}

function* seedsOf(share: Share): Generator<number> {
  for (let seed = share.first; seed < share.end; seed += share.step) yield seed;
}

/** A worker's part: runs its share and reports now and then. */
function work(share: Share): void {
  let reported = 0;
  const each = ({ totals, failures }: SeedRun): boolean => {
    if (totals.seeds - reported >= REPORT_SEEDS) {
      reported = totals.seeds;
      parentPort?.postMessage({ totals, failures });
    }
    return failures.length < FAILURES_SHOWN;
  };
  const run = runSeeds(seedsOf(share), each, share);
  parentPort?.postMessage(run);
}

async function search(options: Options): Promise<number> {
  const startedAt = performance.now();
  const recorded = runSeeds(RECORDED_SEEDS, () => true);
  const serialRecorded = runSeeds(RECORDED_SERIAL_SEEDS, () => true, { serial: true });
  for (const failure of serialRecorded.failures) {
    console.log("with --serial:");
    showFailure(failure);
    recorded.failures.push(failure);
  }
  if (RECORDED_SEEDS.length > 0) {
    console.log(`recorded seeds: ${RECORDED_SEEDS.length}, failing ${recorded.failures.length}`);
  }
  const runs: SeedRun[] = [];
  const workers = Math.min(options.workers, options.seeds);
  const progress = setInterval(() => showProgress(sumOf(runs), options, startedAt), PROGRESS_MS);
  await Promise.all(
    Array.from({ length: workers }, (_, index) =>
      runWorker(shareOf(options, index, workers), (run) => {
        for (const failure of run.failures.slice(runs[index]?.failures.length ?? 0)) {
          showFailure(failure);
        }
        runs[index] = run;
      }),
    ),
  );
  clearInterval(progress);
  return conclude(sumOf(runs), recorded.failures, { startedAt, least: leastOf(options) });
}

function runWorker(share: Share, report: (run: SeedRun) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
    worker.on("message", report);
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  });
}

function sumOf(runs: readonly SeedRun[]): SeedRun {
  const totals = newTotals();
  for (const run of runs) if (run !== undefined) addTotals(totals, run.totals);
  return { totals, failures: runs.flatMap((run) => run?.failures ?? []) };
}

function showProgress({ totals, failures }: SeedRun, options: Options, startedAt: number): void {
  const seconds = (performance.now() - startedAt) / 1000;
  const rate = totals.seeds / seconds;
  const left = rate > 0 ? ((options.seeds - totals.seeds) / rate).toFixed(0) : "?";
  const line = `${totals.seeds} of ${options.seeds} seeds, ${failures.length} failing`;
  console.log(`${line}, ${rate.toFixed(1)} a second, ${left} s left`);
}

function leastOf({ serial, split }: Options): typeof LEAST_PER_SEED {
  if (serial) return LEAST_PER_SERIAL_SEED;
  return split ? LEAST_PER_SPLIT_SEED : LEAST_PER_SEED;
}

function conclude(
  run: SeedRun,
  recorded: readonly FailedSeed[],
  { startedAt, least }: { readonly startedAt: number; readonly least: typeof LEAST_PER_SEED },
): number {
  console.log(describeTotals(run.totals));
  console.log(`  took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const failures = [...recorded, ...run.failures];
  for (const failure of recorded) showFailure(failure);
  if (failures.length > 0) {
    console.log(`\n${failures.length} seeds fail: ${failures.map(({ seed }) => seed).join(", ")}`);
    return 1;
  }
  const isJudged = run.totals.seeds >= JUDGED_FROM_SEEDS;
  const tame = isJudged ? shortfalls(run.totals, least) : [];
  for (const shortfall of tame) console.log(`too tame: ${shortfall}`);
  if (tame.length === 0) console.log(`${run.totals.seeds} seeds, none fails`);
  return tame.length === 0 ? 0 : 1;
}

if (isMainThread) {
  const options = readOptions();
  if (options.seed !== null) process.exitCode = replay(options.seed, options);
  else process.exitCode = options.first ? findFirst(options) : await search(options);
} else {
  work(workerData);
}
