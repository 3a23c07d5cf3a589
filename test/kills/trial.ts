/** One kill: a process works on a fresh target, is killed, and another one ends its work. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import {
  STORE_MIGRATIONS,
  storeTableNames,
} from "../../src/persistent/migrations/store-migrations.ts";
import { silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { migrate } from "../../src/sql/migrations/migrate.ts";
import { stateTable } from "../../src/sql/migrations/state.ts";
import { contents, fill } from "./contents.ts";
import type { Task } from "./place-names.ts";

const END_LIMIT_MS = 60_000;

export interface TrialOptions {
  readonly database: SqlDatabase;
  readonly url: string;
  /** The compiled victim.js. */
  readonly program: string;
  readonly work: Task["work"];
  readonly number: number;
  /** Killed so long after it began, ms; undefined: not at all. */
  readonly killAfterMs: number | undefined;
}

/** What was seen. */
export interface TrialResult {
  /** The work was done before the kill came. */
  readonly wasDone: boolean;
  /** How long the first process worked, ms. */
  readonly tookMs: number;
  /** What is wrong at the end; undefined: nothing. */
  readonly fault: string | undefined;
}

/** Runs it, and removes its tables. */
export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const { database, work, number } = options;
  const task: Task = {
    work,
    url: options.url,
    fromPrefix: `a${number}_`,
    toPrefix: `b${number}_`,
    holder: `process ${number}`,
  };
  const prefixes = [task.fromPrefix, task.toPrefix];
  for (const prefix of prefixes) {
    const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
    await migrate({ database, migrations: STORE_MIGRATIONS, prefix, ...surroundings });
  }
  try {
    await fill(database, task.fromPrefix);
    const wanted = await contents(database, task.fromPrefix);
    const first = await runVictim(options.program, task, options.killAfterMs);
    const second = first.isKilled
      ? await runVictim(options.program, { ...task, holder: `${task.holder} again` }, undefined)
      : first;
    const fault =
      second.error ?? judge(wanted, await contents(database, task.toPrefix), await left());
    return { wasDone: !first.isKilled, tookMs: first.tookMs, fault };
    async function left() {
      const found = await contents(database, task.fromPrefix);
      return { found, expected: work === "copy" ? wanted : [] };
    }
  } finally {
    for (const prefix of prefixes) {
      const tables = [...Object.values(storeTableNames(prefix)), stateTable(prefix)];
      for (const table of tables) await database.execute(`drop table ${table}`);
    }
  }
}

function judge(
  wanted: readonly string[],
  found: readonly string[],
  source: { readonly found: readonly string[]; readonly expected: readonly string[] },
): string | undefined {
  const missing = wanted.filter((line) => !found.includes(line)).length;
  if (missing > 0) return `${missing} of ${wanted.length} rows are lost`;
  if (found.length > wanted.length) return `${found.length - wanted.length} rows are doubled`;
  if (found.some((line, at) => line !== wanted[at])) return "the order is another one";
  if (source.found.length !== source.expected.length) {
    return `the source has ${source.found.length} rows instead of ${source.expected.length}`;
  }
  return undefined;
}

interface Ended {
  readonly isKilled: boolean;
  readonly tookMs: number;
  readonly error: string | undefined;
}

async function runVictim(
  program: string,
  task: Task,
  killAfterMs: number | undefined,
): Promise<Ended> {
  const child = fork(program, [JSON.stringify(task)], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      output = `${output}${chunk}`.slice(-2_000);
    });
  }
  const ended = once(child, "exit");
  const limit = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
  await Promise.race([begun(child), ended]);
  const startMs = performance.now();
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const [code, signal] = await ended;
  clearTimeout(timer);
  clearTimeout(limit);
  const tookMs = performance.now() - startMs;
  if (signal === "SIGKILL" && killAfterMs !== undefined) {
    return { isKilled: true, tookMs, error: undefined };
  }
  const error = code === 0 ? undefined : `the process ended with ${signal ?? code}: ${output}`;
  return { isKilled: false, tookMs, error };
}

async function begun(child: ChildProcess): Promise<void> {
  await once(child, "message");
}
