/**
 * Stores of every adapter. Those in SQL databases beside the bare driver that does the same by
 * hand, on the same tables: single writes and reads, batches, pages, scans, and a warm cache.
 */
import { openStores, type Stores } from "../src/persistent.ts";
import { type BareSql, type BenchDatabase, openBenchDatabases } from "./bare-sql.ts";
import { Figures, show } from "./figure.ts";
import { type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import { otherStores } from "./other-stores.ts";
import { type Pair, type PairOutcome, pairSheet, runPairs, timeOf } from "./pairs.ts";
import type { Progress, Settings } from "./progress.ts";
import type { Report } from "./report.ts";

const USERS = 20_000;
const QUICK_USERS = 1_000;
const PAGE = 100;
/** From one user to the next: all come in turn, neighbours do not. */
const STRIDE = 7919;
const ITEMS = 5_000;
const BATCHES = [100, 1_000];
/** How often all users are peeked at in one window. */
const PEEKS = 1_000;
const BARE = "by hand";
/** What no cache with a promise can go below. */
const FLOOR = "a Map behind a promise";
/** Bounds of what the adapters add to the driver's time. */
const SINGLE_MAX = 1.3;
const BATCH_MAX = 1.15;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchStores(settings: Settings, progress: Progress): Promise<Report> {
  const figures = new Figures("stores");
  // First, while this process is small: what rows take is seen by how much it grows.
  const others = await otherStores(figures, settings, progress);
  const databases = await openBenchDatabases();
  const sheets: Sheet[] = [];
  const behind: string[] = [];
  try {
    for (const database of databases) {
      const run = await benchDatabase(database, settings, (doing, share) =>
        progress(`${database.name}: ${doing}`, share),
      );
      const prefix = database.name.toLowerCase();
      sheets.push(pairSheet(figures, run.outcomes, { caption: database.name, prefix, bare: BARE }));
      sheets.push(cacheSheet(figures, prefix, run.cached));
      behind.push(...behindOf(database.name, run));
    }
    sheets.push(others);
  } finally {
    await Promise.all(databases.map((database) => database.stop()));
  }
  return { name: "stores", notes: notes(settings), sheets, behind, figures: figures.list };
}

/** Rates of reads from the database, from the cache, and of the least that a cache could do. */
interface Cached {
  readonly database: number[];
  readonly cache: number[];
  /** Without a promise. */
  readonly peek: number[];
  readonly floor: number[];
}

interface Run {
  readonly outcomes: readonly PairOutcome[];
  readonly cached: Cached;
}

async function benchDatabase(
  database: BenchDatabase,
  settings: Settings,
  progress: Progress,
): Promise<Run> {
  const stores = await openStores({
    storage: "main",
    connections: { main: { adapter: "sql", url: database.url } },
  });
  const bare = await database.connect();
  try {
    const pairs = await makePairs(stores, bare, {
      users: settings.quick ? QUICK_USERS : USERS,
      upsert: database.name === "MariaDB" ? "on duplicate key" : "on conflict",
      hasArrays: database.name === "PostgreSQL",
    });
    const outcomes = await runPairs(pairs, settings, progress);
    return { outcomes, cached: await readCached(stores, settings) };
  } finally {
    await bare.close();
    await stores.close();
  }
}

interface Surroundings {
  readonly users: number;
  readonly upsert: "on conflict" | "on duplicate key";
  readonly hasArrays: boolean;
}

async function makePairs(stores: Stores, bare: BareSql, at: Surroundings): Promise<Pair[]> {
  const sessions = await stores.keyval<object>("sessions");
  const settings = await stores.map<object>("settings");
  const log = await stores.archive<object>("log");
  await fill(at.users, (user) => sessions.set(user, sessionOf(1)));
  for (let start = 0; start < ITEMS; start += 1000) {
    const when = (index: number) => BigInt(start + index);
    const items = Array.from({ length: 1000 }, (_, index) => ({
      when: when(index),
      with: `peer-${index % 10}`,
      value: sessionOf(index),
    }));
    await log.appendMany("ann", items);
  }
  const idOf = async (store: string) => {
    const [row] = await bare.query("select id from skein_store where store = ?", [store]);
    return Number(row?.id);
  };
  const [sessionsId, settingsId, logId] = [
    await idOf("sessions"),
    await idOf("settings"),
    await idOf("log"),
  ];
  const upsertTail =
    at.upsert === "on conflict"
      ? "on conflict (store_id, user_name, item_key) do update set value = excluded.value"
      : "on duplicate key update value = values(value)";
  const upsert = (rows: number) =>
    at.hasArrays
      ? "insert into skein_item (store_id, user_name, item_key, value) select * from " +
        `unnest(?::bigint[], ?::text[], ?::text[], ?::text[]) ${upsertTail}`
      : "insert into skein_item (store_id, user_name, item_key, value) values " +
        `${new Array(rows).fill("(?, ?, ?, ?)").join(", ")} ${upsertTail}`;
  const single = `insert into skein_item (store_id, user_name, item_key, value) values (?, ?, ?, ?) ${upsertTail}`;
  const select =
    "select value from skein_item where store_id = ? and user_name = ? and item_key = ?";
  const page =
    "select sort_id, item_key, at_us, peer, value from skein_archive " +
    "where store_id = ? and user_name = ? and sort_id > ? order by sort_id limit ?";
  let turn = 0;
  const next = () => {
    turn = (turn + STRIDE) % at.users;
    return `user-${turn}`;
  };
  const readPage = async (after: unknown, limit: number) => {
    const rows = await bare.query(page, [BigInt(logId), "ann", after, BigInt(limit)]);
    return rows.map((row) => ({
      position: BigInt(String(row.sort_id)),
      key: String(row.item_key),
      when: BigInt(String(row.at_us)),
      with: String(row.peer),
      value: JSON.parse(String(row.value)),
    }));
  };
  return [
    {
      id: "set",
      label: "set one value",
      rows: 1,
      skein: () => sessions.set(next(), sessionOf(turn)),
      bare: () =>
        bare.query(single, [BigInt(sessionsId), next(), "", JSON.stringify(sessionOf(turn))]),
    },
    {
      id: "get",
      label: "get one value",
      rows: 1,
      skein: () => sessions.get(next()),
      bare: async () => {
        const row = await bare.first(select, [BigInt(sessionsId), next(), ""]);
        return JSON.parse(String(row?.value));
      },
    },
    ...BATCHES.map((rows) => ({
      id: `batch${rows}`,
      label: `set ${rows.toLocaleString("en")} keys of a user in one step`,
      rows,
      skein: () => settings.setKeys(next(), batchOf(rows, turn)),
      bare: () => {
        const user = next();
        const values = [...batchOf(rows, turn)].map(
          ([key, value]) => [BigInt(settingsId), user, key, JSON.stringify(value)] as const,
        );
        const params = at.hasArrays
          ? [0, 1, 2, 3].map((column) => values.map((row) => row[column]))
          : values.flat();
        return bare.query(upsert(rows), params);
      },
    })),
    {
      id: "page",
      label: `a page of ${PAGE} items`,
      rows: PAGE,
      skein: () => log.find("ann", { limit: PAGE }),
      bare: () => readPage(0n, PAGE),
    },
    {
      id: "scan",
      label: `${ITEMS.toLocaleString("en")} items, page by page`,
      rows: ITEMS,
      skein: async () => {
        for await (const _ of log.iterate("ann"));
      },
      bare: async () => {
        for (let after: unknown = 0n; ; ) {
          const rows = await readPage(after, PAGE);
          if (rows.length < PAGE) return;
          after = rows.at(-1)?.position;
        }
      },
    },
  ];
}

/** Reads through a collection with a warm cache, through one without, and from a mere Map. */
async function readCached(stores: Stores, settings: Settings): Promise<Cached> {
  const plain = await stores.open<object>("sessions");
  const cached = await stores.open<object>("sessions", { cache: true });
  const users = Array.from({ length: 500 }, (_, at) => `user-${at}`);
  const map = new Map(users.map((user) => [user, sessionOf(1)]));
  const rates: Cached = { database: [], cache: [], peek: [], floor: [] };
  const sides: readonly CachedSide[] = [
    { reads: 1, found: rates.database, get: (user) => plain.get(user) },
    { reads: 200, found: rates.cache, get: (user) => cached.get(user) },
    { reads: 400, found: rates.floor, get: (user) => Promise.resolve(map.get(user)) },
  ];
  const peek = (): void => {
    for (const user of users) if (cached.peek(user)?.value === undefined) throw new Error("missed");
  };
  for (const user of users) await cached.get(user);
  for (let round = 0; round < settings.rounds; round++) {
    for (const { reads, found, get } of sides) {
      const start = performance.now();
      for (let read = 0; read < reads; read++) for (const user of users) await get(user);
      found.push((reads * users.length * 1000) / (performance.now() - start));
    }
    const start = performance.now();
    for (let read = 0; read < PEEKS; read++) peek();
    rates.peek.push((PEEKS * users.length * 1000) / (performance.now() - start));
  }
  return rates;
}

interface CachedSide {
  /** How often all users are read in one window. */
  readonly reads: number;
  readonly found: number[];
  get(user: string): Promise<unknown>;
}

function cacheSheet(figures: Figures, prefix: string, of: Cached): Sheet {
  const { database, cache, peek, floor } = of;
  figures.add({ case: `${prefix}-cached`, side: "Skein" }, { rate: cache });
  figures.add({ case: `${prefix}-peeked`, side: "Skein" }, { rate: peek });
  figures.add({ case: `${prefix}-uncached`, side: "Skein" }, { rate: database });
  figures.add({ case: `${prefix}-cached`, side: FLOOR }, { rate: floor });
  return {
    caption: "Reads of one collection, one after the other",
    head: ["the database", "a warm cache, get", "faster", FLOOR, "at most", "peek", "faster"],
    rows: [
      [
        show("rate", median(database)),
        show("rate", median(cache)),
        times(median(cache) / median(database)),
        show("rate", median(floor)),
        times(median(floor) / median(database)),
        show("rate", median(peek)),
        times(median(peek) / median(database)),
      ],
    ],
  };
}

function behindOf(name: string, { outcomes }: Run): string[] {
  return outcomes.flatMap((outcome) => {
    const { pair } = outcome;
    const ratio = timeOf(outcome);
    const most = pair.rows === 1 ? SINGLE_MAX : BATCH_MAX;
    if (!(ratio > most)) return [];
    return [
      `${name}, ${pair.label}: ${times(ratio)} the time of the bare driver, ${times(most)} wanted.`,
    ];
  });
}

function notes(settings: Settings): string[] {
  const users = (settings.quick ? QUICK_USERS : USERS).toLocaleString("en");
  return [
    `${users} values of about 200 bytes. One caller, one call after the other; throwaway servers on ` +
      "this machine, so that waiting for the network is short and what Skein adds is seen at its " +
      "largest.",
    '"By hand" is the driver alone on one connection, with prepared statements for the same tables ' +
      "that make and read the same JSON. Batches are one statement on both sides; Skein's has one " +
      "row more, by which changes of one user take turns. CPU is that of this process.",
    `"${FLOOR}" is \`await Promise.resolve(map.get(user))\`, which copies nothing and never ages: ` +
      "no `get` can be faster beside the same database. `peek` gives no promise.",
  ];
}

function sessionOf(turn: number): object {
  return {
    resource: "phone",
    node: `node-${turn % 9}`,
    priority: turn % 128,
    isOnline: true,
    since: 1_700_000_000_000 + turn,
    note: "it is the lark, the herald of the morn, no nightingale: look, love, what streaks",
  };
}

function batchOf(rows: number, turn: number): Map<string, object> {
  return new Map(Array.from({ length: rows }, (_, at) => [`key-${at}`, sessionOf(turn + at)]));
}

async function fill(users: number, set: (user: string) => Promise<void>): Promise<void> {
  for (let start = 0; start < users; start += 100) {
    const names = Array.from(
      { length: Math.min(100, users - start) },
      (_, at) => `user-${start + at}`,
    );
    await Promise.all(names.map(set));
  }
}
