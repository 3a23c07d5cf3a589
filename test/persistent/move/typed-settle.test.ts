/** Moves of typed stores that are killed at any statement. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { openMessageArchives } from "../../../src/persistent/mam/open-archives.ts";
import type { TypedPlace } from "../../../src/persistent/move/place-kinds.ts";
import { settleStore } from "../../../src/persistent/move/settle.ts";
import { RosterStore } from "../../../src/persistent/roster/roster-store.ts";
import { type Clock, silentLog } from "../../../src/runtime.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { makeStoreTables } from "../databases.ts";
import { StoppableClock } from "../stoppable-clock.ts";
import { Killed } from "./dying-adapter.ts";
import { Statements } from "./dying-database.ts";

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
const ANN = { server: "a.example", name: "ann" };
const PLACES: readonly TypedPlace[] = [
  { host: ANN.server, store: "archive", kind: "messages" },
  { host: ANN.server, store: "archive", kind: "room messages" },
  { host: ANN.server, store: "roster", kind: "roster" },
];
const SIDES = ["a_", "b_"] as const;
const TABLES = [
  "item",
  "archive",
  "store",
  "lease",
  "mam_message",
  "mam_muc_message",
  "mam_pref",
].concat(["mam_archive", "roster_item", "roster_owner"]);
/** Every so many statements: a kill at each of them takes too long here. */
const STRIDE = 5;

const folder = mkdtempSync(join(tmpdir(), "skein-typed-settle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One database with the tables of both sides. */
async function world(): Promise<SqlDatabase> {
  const url = `sqlite:${join(folder, `${randomUUID()}.db`)}`;
  const database = await openSqlDatabase({ database: url }, SURROUNDINGS);
  for (const prefix of SIDES) await makeStoreTables(database, prefix);
  return database;
}

/** Empties both sides and fills the first one. */
async function fill(database: SqlDatabase): Promise<void> {
  await database.transact(async (tx) => {
    for (const prefix of SIDES) {
      for (const table of TABLES) await tx.execute(`delete from ${prefix}${table}`);
    }
  });
  const shared = { database, tablePrefix: "a_", ...SURROUNDINGS };
  const { users, rooms, preferences, stop } = openMessageArchives({ ...shared, node: 1 });
  const message = { with: "b@b", from: "b@b", direction: "in", packet: "<m/>" } as const;
  for (let at = 0; at < 5; at++) await users.add(ANN, { ...message, text: `text ${at}` });
  await users.add({ ...ANN, name: "Ann " }, message);
  await rooms.add(ANN, { nick: "n", sender: "s@s", packet: "<m/>" });
  await preferences.set(ANN, { default: "never", always: ["x@y"], never: [] });
  await stop();
  const rosters = new RosterStore(shared);
  for (const jid of ["a@a", "b@b", "c@c"]) await rosters.set(ANN, jid, {});
  await rosters.delete(ANN, "b@b");
}

/** A process starts that wants all of it under one of the prefixes. */
async function start(
  database: SqlDatabase,
  wanted: (typeof SIDES)[number],
  statements = new Statements(),
  clock: Clock = systemClock,
) {
  const named = async (tablePrefix: string) => {
    const open = async () => statements.of(database);
    const release = async () => {};
    const adapter = new SqlAdapter({ open, release, clock: systemClock, tablePrefix });
    await adapter.open();
    return { connection: tablePrefix, adapter };
  };
  const home = await named(wanted);
  const others = [await named(wanted === "a_" ? "b_" : "a_")];
  const budget = { timeoutMs: 5_000, signal: undefined };
  // What a killed process held is not waited for.
  for (const prefix of SIDES) await database.execute(`delete from ${prefix}lease`);
  for (const place of PLACES) {
    const options = { holder: "node1", mayMove: true, ...SURROUNDINGS, clock, budget };
    await settleStore({ place, home, others, ...options });
  }
}

/** All rows of a side, by plain SQL. */
async function rows(database: SqlDatabase, prefix: string): Promise<unknown[]> {
  const owner = (table: string, id: string) =>
    `select o.server, o.name, t.* from ${prefix}${table} t join ${prefix}` +
    `${id === "roster_id" ? "roster_owner" : "mam_archive"} o on o.id = t.${id}`;
  const found = [];
  for (const text of [
    owner("mam_message", "archive_id"),
    owner("mam_muc_message", "archive_id"),
    owner("mam_pref", "archive_id"),
    owner("roster_item", "roster_id"),
    `select server, name, version, floor_version from ${prefix}roster_owner`,
  ]) {
    for (const row of await database.query(text)) {
      // Numbers of owners are not the same everywhere.
      const { archive_id: _, roster_id: __, ...rest } = row;
      found.push(
        JSON.stringify(rest, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      );
    }
  }
  return found.sort();
}

describe("a move of message archives and rosters", () => {
  /** Tries kills after 1, 6, 11, … statements until a start is not killed any more. */
  async function killed(work: (database: SqlDatabase, before: unknown[], at: string) => unknown) {
    let kills = 0;
    const database = await world();
    try {
      for (let count = 1; ; count += STRIDE) {
        await fill(database);
        const before = await rows(database, "a_");
        expect(before).toHaveLength(6 + 1 + 2 + 3 + 1);
        const error = await start(database, "b_", new Statements(count)).catch((reason) => reason);
        if (error === undefined) return kills;
        expect(String(error)).toBe(String(new Killed("killed")));
        kills++;
        await work(database, before, `killed after ${count} statements`);
      }
    } finally {
      await database.close();
    }
  }

  test("that is killed at any point loses nothing and doubles nothing", async () => {
    const kills = await killed(async (database, before, at) => {
      await start(database, "b_");
      expect(await rows(database, "b_"), at).toEqual(before);
      expect(await rows(database, "a_"), at).toEqual([]);
    });
    expect(kills).toBeGreaterThan(20);
  });

  test("by a process that is stopped before it empties the source empties nothing any more", async () => {
    const database = await world();
    await fill(database);
    const before = await rows(database, "a_");
    const clock = new StoppableClock();
    // The mark of the new home is on its way.
    const statements = new Statements(Number.POSITIVE_INFINITY, (text, params) => {
      const isHome = params.some((value) => String(value).includes('"state":"home"'));
      if (isHome && text.includes("b_item")) clock.goOn(20_000);
    });
    const stopped = start(database, "b_", statements, clock);
    await expect(stopped).rejects.toThrow(/was not renewed in time/);
    expect(await rows(database, "a_")).toEqual(before);
    await start(database, "b_");
    expect(await rows(database, "b_")).toEqual(before);
    expect(await rows(database, "a_")).toEqual([]);
    await database.close();
  });

  test("that was killed comes home whole if the old configuration is back", async () => {
    await killed(async (database, before, at) => {
      await start(database, "a_");
      expect(await rows(database, "a_"), at).toEqual(before);
      await start(database, "b_");
      expect(await rows(database, "b_"), at).toEqual(before);
      expect(await rows(database, "a_"), at).toEqual([]);
    });
  });
});
