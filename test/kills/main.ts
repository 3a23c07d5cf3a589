/**
 * Kills processes at random points while they copy and move stores, on SQLite, PostgreSQL and
 * MariaDB, and judges what the next process makes of it.
 *
 *   npm run kills -- [--points 200] [--seed 1] [--only "copy PostgreSQL"]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { openServer, whyMissing } from "../servers/server.ts";
import type { Task } from "./place-names.ts";
import { runTrial } from "./trial.ts";

const PROGRAM = fileURLToPath(new URL("./victim.js", import.meta.url));
const WORKS: readonly Task["work"][] = ["copy", "move"];
/** Kills come up to so much later than an undisturbed run takes. */
const LATEST = 1.1;
const FAULTS_MAX = 5;

interface Settings {
  readonly points: number;
  readonly seed: number;
  readonly only: string | undefined;
}

/** Calls `work` with a fresh database of each kind that can be had. */
async function eachDatabase(work: (name: string, url: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skein-kills-"));
  try {
    await work("SQLite", `sqlite:${join(folder, "kills.db")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const kind of [postgres, mariadb]) {
    const reason = whyMissing(kind);
    if (reason !== undefined) {
      console.log(`${kind.name}: skipped: ${reason}`);
      continue;
    }
    const server = await openServer(kind);
    try {
      await work(kind.name, await server.newDatabase());
    } finally {
      await server.dispose();
    }
  }
}

/** Resolves with the number of faults. */
async function runSeries(
  name: string,
  url: string,
  work: Task["work"],
  { points, seed }: Settings,
): Promise<number> {
  const random = new SeededRandom(seed);
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  const database = await openSqlDatabase({ database: url }, surroundings);
  const at = { database, url, program: PROGRAM, work };
  const startMs = performance.now();
  let faults = 0;
  try {
    const whole = await runTrial({ ...at, number: 0, killAfterMs: undefined });
    if (whole.fault !== undefined) throw new Error(`without a kill: ${whole.fault}`);
    let killed = 0;
    for (let number = 1; number <= points && faults < FAULTS_MAX; number++) {
      const killAfterMs = random.float() * whole.tookMs * LATEST;
      const { wasDone, fault } = await runTrial({ ...at, number, killAfterMs });
      if (!wasDone) killed++;
      if (fault === undefined) continue;
      faults++;
      console.log(`${work} ${name}: killed after ${killAfterMs.toFixed(1)} ms: ${fault}`);
    }
    const took = Math.round((performance.now() - startMs) / 1_000);
    console.log(
      `${work} ${name}: ${points} points over ${whole.tookMs.toFixed(0)} ms, ${killed} killed at ` +
        `work, ${faults} with a fault; ${took} s`,
    );
  } finally {
    await database.close();
  }
  return faults;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      points: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
    },
  });
  const points = Number(values.points);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(points) || points < 1 || !Number.isSafeInteger(seed)) {
    throw new Error("--points and --seed are whole numbers, --points at least 1");
  }
  const settings = { points, seed, only: values.only };
  let faults = 0;
  await eachDatabase(async (name, url) => {
    for (const work of WORKS) {
      if (settings.only !== undefined && settings.only !== `${work} ${name}`) continue;
      faults += await runSeries(name, url, work, settings);
    }
  });
  console.log(faults === 0 ? "kills: nothing lost, nothing doubled" : `kills: ${faults} faults`);
  process.exitCode = faults === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
