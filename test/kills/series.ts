/** Kills at one kind of work on one database, one after the other, and what became of them. */
import type { Random } from "../../src/runtime.ts";
import type { Processes } from "./processes.ts";
import type { Work } from "./work.ts";

/** Runs that nobody disturbs: they show how long the work takes. The first one warms up. */
const UNDISTURBED = 3;
/** A run that was killed took longer than we know: the time is taken for so much longer then. */
const GROWTH = 1.01;
const FAULTS_MAX = 5;

/** What a series has shown. */
export interface SeriesResult {
  /** How long a run takes if it is not killed, ms, about. */
  readonly wholeMs: number;
  readonly points: number;
  /** Killed at work: after it had begun, before it said that it was done. */
  readonly killed: number;
  /** Of these, with nothing changed yet; with some changes made; with all of them made. */
  readonly before: number;
  readonly inside: number;
  readonly behind: number;
  /** The longest that another process took to end the work, ms. */
  readonly restartMs: number;
  readonly faults: readonly string[];
}

/** Ends early after five faults. */
export async function runSeries(
  work: Work,
  processes: Processes,
  { points, random }: { readonly points: number; readonly random: Random },
): Promise<SeriesResult> {
  await work.open();
  let wholeMs = 0;
  for (let run = 0; run < UNDISTURBED; run++) {
    const { tookMs, error } = await processes.run(await work.begin(`whole ${run}`), undefined);
    const fault = error ?? (await work.judge());
    if (fault !== undefined) throw new Error(`without a kill: ${fault}`);
    if (run > 0) wholeMs = Math.max(wholeMs, tookMs);
  }
  const stages = { before: 0, inside: 0, behind: 0 };
  let tried = 0;
  let restartMs = 0;
  const faults: string[] = [];
  for (let number = 1; number <= points && faults.length < FAULTS_MAX; number++) {
    tried++;
    const killAfterMs = random.float() * wholeMs;
    const holder = `process ${number}`;
    const task = await work.begin(holder);
    const atFirst = await work.look();
    const first = await processes.run(task, killAfterMs);
    wholeMs = first.isKilled ? wholeMs * GROWTH : (wholeMs + first.tookMs) / 2;
    const left = await work.look();
    let { error } = first;
    if (first.isKilled) {
      await work.bury(holder);
      const again = await processes.run({ ...task, holder: `${holder} again` }, undefined);
      error = again.error;
      restartMs = Math.max(restartMs, again.tookMs);
    }
    const fault = error ?? (await work.judge());
    const atLast = await work.look();
    if (first.isKilled) {
      if (isSame(left, atLast)) stages.behind++;
      else if (isSame(left, atFirst)) stages.before++;
      else stages.inside++;
    }
    if (fault === undefined) continue;
    faults.push(`killed after ${killAfterMs.toFixed(1)} ms: ${fault}`);
    await work.reset();
  }
  const killed = stages.before + stages.inside + stages.behind;
  return { wholeMs, points: tried, killed, ...stages, restartMs, faults };
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((line, at) => line === right[at]);
}
