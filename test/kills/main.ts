/**
 * Kills processes at random points while they copy stores, move stores and migrate, on SQLite,
 * PostgreSQL and MariaDB, and judges what the next process makes of it.
 *
 *   npm run kills -- [--points 200] [--seed 1] [--only copy|move|migration] [--database SQLite]
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
import { MigrationWork } from "./migration-work.ts";
import { WORKS, type WorkName } from "./place-names.ts";
import { Processes } from "./processes.ts";
import { runSeries } from "./series.ts";
import { StoresWork } from "./stores-work.ts";

const PROGRAM = fileURLToPath(new URL("./victim.js", import.meta.url));
const DATABASES = ["SQLite", "PostgreSQL", "MariaDB"] as const;

interface Settings {
  readonly points: number;
  readonly seed: number;
  readonly works: readonly WorkName[];
  readonly databases: readonly (typeof DATABASES)[number][];
}

/** Calls `work` with a fresh database of each kind that is wanted and can be had. */
async function eachDatabase(
  { databases }: Settings,
  work: (name: string, url: string) => Promise<void>,
): Promise<void> {
  if (databases.includes("SQLite")) {
    const folder = mkdtempSync(join(tmpdir(), "skein-kills-"));
    try {
      await work("SQLite", `sqlite:${join(folder, "kills.db")}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  for (const [name, kind] of [["PostgreSQL", postgres] as const, ["MariaDB", mariadb] as const]) {
    if (!databases.includes(name)) continue;
    const reason = whyMissing(kind);
    if (reason !== undefined) {
      console.log(`${name}: skipped: ${reason}`);
      continue;
    }
    const server = await openServer(kind);
    try {
      await work(name, await server.newDatabase());
    } finally {
      await server.dispose();
    }
  }
}

/** Resolves with the number of faults. */
async function tryKills(
  name: string,
  url: string,
  { settings, processes }: { readonly settings: Settings; readonly processes: Processes },
): Promise<number> {
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  let faults = 0;
  for (const work of settings.works) {
    const random = new SeededRandom(settings.seed);
    const startMs = performance.now();
    const pool = { max: 1, min: 1 };
    const database = await openSqlDatabase({ database: url, pool }, surroundings);
    try {
      const made =
        work === "migration"
          ? new MigrationWork(database, url)
          : new StoresWork(database, url, work);
      const result = await runSeries(made, processes, { points: settings.points, random });
      for (const fault of result.faults) console.log(`${work} ${name}: ${fault}`);
      const { points, killed, inside, before, behind, wholeMs, restartMs } = result;
      const took = (performance.now() - startMs) / 1_000;
      console.log(
        `${work} ${name}: ${points} points over ${wholeMs.toFixed(0)} ms, ${killed} killed at work ` +
          `(${before} before a change, ${inside} half-way, ${behind} with all changes made), ` +
          `restart ${restartMs.toFixed(0)} ms at most, ${result.faults.length} faults; ` +
          `${took.toFixed(0)} s`,
      );
      faults += result.faults.length;
    } finally {
      await database.close();
    }
  }
  return faults;
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      points: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      only: { type: "string", multiple: true },
      database: { type: "string", multiple: true },
    },
  });
  const points = Number(values.points);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(points) || points < 1 || !Number.isSafeInteger(seed)) {
    throw new Error("--points and --seed are whole numbers, --points at least 1");
  }
  const works = chosen("--only", values.only, WORKS);
  return { points, seed, works, databases: chosen("--database", values.database, DATABASES) };
}

/** All of them if none is named. */
function chosen<Name extends string>(
  flag: string,
  given: readonly string[] | undefined,
  allowed: readonly Name[],
): readonly Name[] {
  const unknown = given?.find((name) => !allowed.some((each) => each === name));
  if (unknown === undefined) return allowed.filter((each) => given?.includes(each) ?? true);
  throw new Error(`${flag} is ${unknown}, allowed are ${allowed.join(", ")}`);
}

async function main(): Promise<void> {
  const settings = readSettings();
  const processes = new Processes(PROGRAM);
  let faults = 0;
  try {
    await eachDatabase(settings, async (name, url) => {
      faults += await tryKills(name, url, { settings, processes });
    });
  } finally {
    processes.close();
  }
  console.log(faults === 0 ? "kills: nothing lost, nothing doubled" : `kills: ${faults} faults`);
  process.exitCode = faults === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
