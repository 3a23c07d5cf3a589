/** PostgreSQL for tests. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { findProgram, Instance, isExecutable, run, unprivileged } from "./instance.ts";
import type { Server, ServerFaults, ServerKind } from "./server.ts";

/** Nothing here has to survive a loss of power; what was committed survives a kill. */
const FAST = ["fsync=off", "full_page_writes=off"];
/** In the data's folder: elsewhere it would outlive a server that is killed. */
const SHARED_MEMORY = "dynamic_shared_memory_type=mmap";

export const postgres: ServerKind = {
  name: "PostgreSQL",
  variable: "SKEIN_TEST_POSTGRES",
  install: "postgresql",
  isInstalled: () => programs() !== undefined,
  async create() {
    const found = programs();
    if (found === undefined) throw new Error("PostgreSQL is not installed");
    const account = unprivileged();
    const instance = await Instance.create({
      name: "postgres",
      ...(account === undefined ? {} : { account }),
      prepare({ folder }) {
        const flags = ["-A", "trust", "-U", "postgres", "--no-sync", "--no-instructions"];
        const data = join(folder, "data");
        run([found.initdb, "-D", data, ...flags, "-E", "UTF8", "--locale=C.UTF-8"], account);
      },
      command({ folder, port }) {
        const settings = [...FAST, SHARED_MEMORY, "max_connections=200"].flatMap((setting) => [
          "-c",
          setting,
        ]);
        const place = ["-D", join(folder, "data"), "-k", folder, "-h", "127.0.0.1"];
        return [found.postgres, ...place, "-p", String(port), ...settings];
      },
      probe: (port) => ask(`postgres://postgres@127.0.0.1:${port}/postgres`, "select 1"),
      // Fast: ends sessions instead of waiting for them.
      stopSignal: "SIGINT",
      quickStopSignal: "SIGQUIT",
    });
    const url = `postgres://postgres@127.0.0.1:${instance.port}/postgres`;
    return serve(url, instance, () => instance.dispose());
  },
  async attach(url) {
    await ask(url, "select 1");
    return serve(url, undefined, async () => undefined);
  },
};

function serve(url: string, faults: ServerFaults | undefined, end: () => Promise<void>): Server {
  const made: string[] = [];
  return {
    url,
    port: Number(new URL(url).port || 5432),
    faults,
    async newDatabase() {
      const name = `skein_test_${process.pid}_${made.length}_${Date.now().toString(36)}`;
      await ask(url, `create database ${name}`);
      made.push(name);
      const at = new URL(url);
      at.pathname = `/${name}`;
      return at.href;
    },
    async dispose() {
      if (faults === undefined) {
        for (const name of made) await ask(url, `drop database ${name} with (force)`);
      }
      await end();
    },
  };
}

/** Runs one statement as the administrator. */
export async function ask(url: string, statement: string): Promise<void> {
  await rowsOf(url, statement);
}

/** Runs one statement and returns its rows. */
export async function rowsOf(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

function programs(): { postgres: string; initdb: string } | undefined {
  for (const folder of [...debianFolders(), ...pathFolder()]) {
    const found = { postgres: join(folder, "postgres"), initdb: join(folder, "initdb") };
    if (isExecutable(found.postgres) && isExecutable(found.initdb)) return found;
  }
  return undefined;
}

/** Newest first. */
function debianFolders(): string[] {
  try {
    const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join("/usr/lib/postgresql", version, "bin"));
  } catch {
    return [];
  }
}

function pathFolder(): string[] {
  const initdb = findProgram("initdb");
  return initdb === undefined ? [] : [join(initdb, "..")];
}
