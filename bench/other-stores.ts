/** Stores in memory, in files and in Redis: rates of one caller, and memory of this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStores, type Stores } from "../src/persistent.ts";
import { redis } from "../test/servers/redis.ts";
import { type Figures, show } from "./figure.ts";
import type { Sheet } from "./format.ts";
import { median } from "./latency.ts";
import type { Progress, Settings } from "./progress.ts";

const ROWS = 100_000;
const QUICK_ROWS = 5_000;
const BATCH = 1_000;
const PAGE = 100;
/** The archive has no more: stores in memory have that for a quota. */
const ITEMS = 1_000;
const WINDOW_MS = 600;
const QUICK_MS = 120;

/** Measures each of them; keeps the figures under its name. */
export async function otherStores(
  figures: Figures,
  settings: Settings,
  progress: Progress,
): Promise<Sheet> {
  const folder = mkdtempSync(join(tmpdir(), "skein-bench-files-"));
  const server = redis.isInstalled() ? await redis.create() : undefined;
  const rows: (readonly string[])[] = [];
  try {
    for (const [name, options] of [
      ["memory", undefined],
      ["file", { adapter: "file", folder }],
      ["redis", server && { adapter: "redis", url: `redis://127.0.0.1:${server.port}` }],
    ] as const) {
      if (name === "redis" && server === undefined) continue;
      progress(name, 0);
      const stores = await openStores(
        options === undefined
          ? { storage: "memory" }
          : { storage: "main", connections: { main: options } },
      );
      try {
        rows.push(await measure(name, stores, { figures, settings }));
      } finally {
        await stores.close();
      }
    }
  } finally {
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    caption: "Other back ends, one caller, rows per second",
    head: [
      "back end",
      "set",
      "get",
      `set ${BATCH} keys`,
      `page of ${PAGE}`,
      "resident memory per row",
    ],
    rows,
  };
}

async function measure(
  name: string,
  stores: Stores,
  { figures, settings }: { readonly figures: Figures; readonly settings: Settings },
): Promise<readonly string[]> {
  const map = await stores.map<object>("settings");
  const log = await stores.archive<object>("log");
  const total = settings.quick ? QUICK_ROWS : ROWS;
  const before = process.memoryUsage().rss;
  for (let at = 0; at < total; at += BATCH) await map.setKeys(`user-${at / BATCH}`, batchOf(at));
  const rowBytes = Math.max(0, process.memoryUsage().rss - before) / total;
  const items = Array.from({ length: ITEMS }, (_, at) => ({ when: BigInt(at), value: rowOf(at) }));
  await log.appendMany("ann", items);
  const users = total / BATCH;
  let turn = 0;
  const user = () => `user-${turn++ % users}`;
  const work = {
    set: { rows: 1, call: () => map.set(user(), `key-${turn % BATCH}`, rowOf(turn)) },
    get: { rows: 1, call: () => map.get(user(), `key-${turn % BATCH}`) },
    batch1000: { rows: BATCH, call: () => map.setKeys(user(), batchOf(turn)) },
    page: { rows: PAGE, call: () => log.find("ann", { limit: PAGE }) },
  };
  const cells: string[] = [];
  for (const [id, { rows, call }] of Object.entries(work)) {
    const rate: number[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      rate.push(await rateOf(call, rows, settings.quick ? QUICK_MS : WINDOW_MS));
    }
    figures.add({ case: `${name}-${id}`, side: "Skein" }, { rate });
    cells.push(show("rate", median(rate)));
  }
  figures.add({ case: `${name}-memory`, side: "Skein" }, { rowBytes: [rowBytes] });
  return [name, ...cells, show("rowBytes", rowBytes)];
}

async function rateOf(
  call: () => Promise<unknown>,
  rows: number,
  windowMs: number,
): Promise<number> {
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < windowMs) {
    await call();
    calls++;
  }
  return (calls * rows * 1000) / (performance.now() - start);
}

function batchOf(turn: number): Map<string, object> {
  return new Map(Array.from({ length: BATCH }, (_, at) => [`key-${at}`, rowOf(turn + at)]));
}

function rowOf(turn: number): object {
  return {
    resource: "phone",
    node: `node-${turn % 9}`,
    priority: turn % 128,
    since: 1_700_000_000_000 + turn,
    note: "it is the lark, the herald of the morn, no nightingale: look, love, what streaks",
  };
}
