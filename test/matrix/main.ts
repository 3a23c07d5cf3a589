/**
 * Runs the conformance suite on every adapter that can be had here and prints who passes what, as
 * the table of doc/stores.md: `npm run matrix`. Ends with 1 if something fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileAdapter } from "../../src/persistent/adapters/file/file-adapter.ts";
import { MemoryAdapter } from "../../src/persistent/adapters/memory/memory-adapter.ts";
import { RedisAdapter } from "../../src/persistent/adapters/redis/redis-adapter.ts";
import { openStores, type StoreAdapter } from "../../src/persistent.ts";
import {
  type ConformanceSubject,
  conformanceNames,
  storeConformance,
} from "../../src/persistent-testing.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { redis } from "../servers/redis.ts";
import { redisCluster } from "../servers/redis-cluster.ts";
import { openServer, type ServerKind, whyMissing } from "../servers/server.ts";

const BUDGET = { timeoutMs: 30_000, signal: undefined };

/** An adapter that is open. */
interface Opened {
  readonly adapter: StoreAdapter;
  close(): Promise<void>;
}

/** One column: how its adapter is opened, again and again on the same data. */
interface Column {
  readonly title: string;
  readonly open: (url: string, folder: string) => Promise<Opened>;
  readonly server?: ServerKind;
}

const COLUMNS: readonly Column[] = [
  { title: "memory", open: () => opened(new MemoryAdapter()) },
  { title: "file", open: (_, folder) => opened(new FileAdapter({ folder })) },
  { title: "SQLite", open: (_, folder) => openSql(`sqlite:${join(folder, "stores.db")}`) },
  { title: "PostgreSQL", open: openSql, server: postgres },
  { title: "MariaDB", open: openSql, server: mariadb },
  { title: "Redis", open: (url) => opened(new RedisAdapter({ url })), server: redis },
  {
    title: "Redis Cluster",
    open: (url) => opened(new RedisAdapter({ cluster: [url] })),
    server: redisCluster,
  },
];

async function opened(adapter: StoreAdapter): Promise<Opened> {
  await adapter.open(BUDGET);
  return { adapter, close: () => adapter.close() };
}

/** By a configuration, which makes the tables. */
async function openSql(url: string): Promise<Opened> {
  const stores = await openStores({ storage: "c", connections: { c: { adapter: "sql", url } } });
  const [connection] = stores.connections;
  if (connection === undefined) throw new Error("no connection was made");
  return { adapter: connection.adapter, close: () => stores.close() };
}

/** By claim: "✓", why it need not be shown, or what went wrong. */
async function runColumn({ open, server: kind }: Column): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "skein-matrix-"));
  const server = kind === undefined ? undefined : await openServer(kind);
  const url = (await server?.newDatabase()) ?? "";
  let at = await open(url, folder);
  try {
    return await runSuite({
      get adapter() {
        return at.adapter;
      },
      async restart() {
        await at.close();
        at = await open(url, folder);
      },
    });
  } finally {
    await at.close();
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runSuite(subject: ConformanceSubject): Promise<Map<string, string>> {
  const results = new Map<string, string>();
  for (const each of storeConformance(() => subject)) {
    const shown = async () => {
      await each.run();
      return "✓";
    };
    results.set(each.name, each.exempt ?? (await shown().catch((error) => `✗ ${error}`)));
  }
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
