/**
 * Runs the conformance suite on every adapter that can be had here and prints who passes what, as
 * the table of doc/stores.md: `npm run matrix`. Ends with 1 if something fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adapterFor } from "../../src/persistent/adapters/adapter-registry.ts";
import type { ConformanceSubject } from "../../src/persistent-testing.ts";
import { conformanceNames, storeConformance } from "../../src/persistent-testing.ts";
import { silentLog } from "../../src/runtime.ts";
import { systemClock, systemRandom } from "../../src/system-clock.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { redis } from "../servers/redis.ts";
import { redisCluster } from "../servers/redis-cluster.ts";
import { openServer, type Server, type ServerKind, whyMissing } from "../servers/server.ts";

const BUDGET = { timeoutMs: 30_000, signal: undefined };
const ENVIRONMENT = { clock: systemClock, random: systemRandom, log: silentLog, connection: "c" };

/** One column: an adapter, and what it is opened with. */
interface Column {
  readonly title: string;
  readonly adapter: string;
  readonly options: (server: Server | undefined, folder: string) => Promise<object>;
  readonly server?: ServerKind;
}

const COLUMNS: readonly Column[] = [
  { title: "memory", adapter: "memory", options: async () => ({}) },
  { title: "file", adapter: "file", options: async (_, folder) => ({ folder }) },
  {
    title: "SQLite",
    adapter: "sql",
    options: async (_, folder) => ({ url: `sqlite:${join(folder, "stores.db")}` }),
  },
  ...[
    { title: "PostgreSQL", adapter: "sql", server: postgres },
    { title: "MariaDB", adapter: "sql", server: mariadb },
    { title: "Redis", adapter: "redis", server: redis },
  ].map((each) => ({
    ...each,
    options: async (server: Server | undefined) => ({ url: await server?.newDatabase() }),
  })),
  {
    title: "Redis Cluster",
    adapter: "redis",
    server: redisCluster,
    options: async (server) => ({ cluster: [server?.url ?? ""] }),
  },
];

/** By claim: "✓", why it need not be shown, or what went wrong. */
async function runColumn(column: Column): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "skein-matrix-"));
  const server = column.server === undefined ? undefined : await openServer(column.server);
  try {
    const options = await column.options(server, folder);
    return await runSuite(column.adapter, options);
  } finally {
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runSuite(name: string, options: object): Promise<Map<string, string>> {
  const open = async () => {
    const adapter = await adapterFor(name)?.make({ ...options }, ENVIRONMENT);
    if (adapter === undefined) throw new Error(`there is no adapter "${name}"`);
    await adapter.open(BUDGET);
    return adapter;
  };
  let adapter = await open();
  const subject: ConformanceSubject = {
    get adapter() {
      return adapter;
    },
    async restart() {
      await adapter.close();
      adapter = await open();
    },
  };
  const results = new Map<string, string>();
  for (const each of storeConformance(() => subject)) {
    const exempt = each.exempt;
    const outcome =
      exempt ??
      (await each.run().then(
        () => "✓",
        (error: Error) => `✗ ${error.message}`,
      ));
    results.set(each.name, outcome);
  }
  await adapter.close();
  return results;
}

async function main(): Promise<void> {
  const columns: { title: string; results: Map<string, string> }[] = [];
  for (const column of COLUMNS) {
    const missing = column.server === undefined ? undefined : whyMissing(column.server);
    if (missing !== undefined) console.error(`${column.title} left out: ${missing}`);
    else columns.push({ title: column.title, results: await runColumn(column) });
  }
  console.log(`| | ${columns.map(({ title }) => title).join(" | ")} |`);
  console.log(`|---|${columns.map(() => "---|").join("")}`);
  for (const name of conformanceNames) {
    const marks = columns.map(({ results }) => markOf(results.get(name) ?? ""));
    console.log(`| ${name} | ${marks.join(" | ")} |`);
  }
  const faults = columns.flatMap(({ title, results }) =>
    [...results].filter(([, outcome]) => outcome.startsWith("✗")).map((each) => [title, ...each]),
  );
  for (const fault of faults) console.error(fault.join(": "));
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function markOf(outcome: string): string {
  return /^[✓✗]/.test(outcome) ? outcome.slice(0, 1) : "–";
}

await main();
