/** Message archives and rosters are copied with all other stores: whole, once, by their ids. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ConflictError, UnsupportedError } from "../../../src/errors.ts";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { MemoryAdapter } from "../../../src/persistent/adapters/memory/memory-adapter.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { collect } from "../../../src/persistent/conformance/trial.ts";
import type { StoreAdapter } from "../../../src/persistent/contract/driver.ts";
import { openMessageArchives } from "../../../src/persistent/mam/open-archives.ts";
import { type CopyOptions, copyStores } from "../../../src/persistent/move/copy.ts";
import { RosterStore } from "../../../src/persistent/roster/roster-store.ts";
import { silentLog } from "../../../src/runtime.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
const BUDGET = { timeoutMs: 5_000, signal: undefined };
const ANN = { server: "example.com", name: "ann" };
const BEN = { server: "example.com", name: "Ann " };
const ROOM = { server: "rooms.example", name: "ann" };
/** More than a page. */
const MANY = 620;

const folder = mkdtempSync(join(tmpdir(), "skein-typed-copy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** One side: tables under a prefix of their own, and the typed stores on them. */
async function side(database: Awaited<ReturnType<typeof openSqlDatabase>>, tablePrefix: string) {
  await makeStoreTables(database, tablePrefix);
  const open = async () => database;
  const release = async () => {};
  const adapter = new SqlAdapter({ open, release, clock: systemClock, tablePrefix });
  await adapter.open();
  const shared = { database, tablePrefix, ...SURROUNDINGS };
  const archives = openMessageArchives({ ...shared, node: 1 });
  return { adapter, archives, rosters: new RosterStore({ ...shared, removalsMax: 3 }) };
}
type Side = Awaited<ReturnType<typeof side>>;

async function fileSide(): Promise<Side> {
  const database = `sqlite:${join(folder, `${files++}.db`)}`;
  return side(await openSqlDatabase({ database }, SURROUNDINGS), "f_");
}

async function fill({ archives, rosters }: Side, many: number): Promise<void> {
  const { users, rooms, preferences } = archives;
  for (let at = 0; at < many; at++) {
    await users.add(ANN, {
      with: at % 2 === 0 ? "bob@b.example/phone" : "Bob@b.example",
      from: "bob@b.example",
      direction: at % 3 === 0 ? "in" : "out",
      packet: `<message>${at} \u{1f600}\r\n</message>`,
      text: `message ${at}`,
      ...(at % 5 === 0 ? { originId: `o${at}` } : {}),
    });
  }
  await users.add(BEN, { with: "c@c", from: "c@c", direction: "in", packet: "<m/>" });
  await users.retract(ANN, { with: "bob@b.example", direction: "in", originId: "o0" }, () => "-");
  await rooms.add(ROOM, { nick: "Ann", sender: "ann@example.com", packet: "<r/>" });
  await preferences.set(ANN, { default: "never", always: ["x@y"], never: ["e@e/f"] });
  for (const jid of ["a@a", "b@b", "B@b", "c@c", "d@d", "e@e", "f@f"]) {
    await rosters.set(ANN, jid, { nick: jid, groups: ["Ä", "b"], askMessage: "<p/>", ask: "in" });
  }
  for (const jid of ["a@a", "b@b", "c@c", "d@d"]) await rosters.delete(ANN, jid);
  await rosters.set(BEN, "z@z", { isPreapproved: true });
  await rosters.delete(BEN, "z@z");
  await users.sync();
  await rooms.sync();
}

/** All that the faces show. */
async function shown({ archives, rosters }: Side) {
  const users = [];
  for (const owner of [ANN, BEN]) {
    users.push(
      await collect(archives.users.iterate(owner)),
      await archives.preferences.get(owner),
      await rosters.get(owner),
    );
  }
  const found = await archives.users.find(ANN, { text: "message 7", page: { max: 0 } });
  const { version } = await rosters.get(ANN);
  const news = await rosters.getSince(ANN, String(BigInt(version) - 2n));
  const rooms = await collect(archives.rooms.iterate(ROOM));
  return { users, rooms, total: found.total, news };
}

function copy(from: Side, to: Side, options: Partial<CopyOptions> = {}) {
  return copyStores({ from: from.adapter, to: to.adapter, sourceName: "old", ...options });
}

const changedOf = (copied: Awaited<ReturnType<typeof copyStores>>) =>
  copied.reduce((sum, { changed }) => sum + changed, 0);

onEachDatabase("typed stores", (place) => {
  test("are copied there and back again with ids, tombstones, versions and preferences", async () => {
    const source = await fileSide();
    await fill(source, MANY);
    const before = await shown(source);
    const there = await side(await place.open(), "there_");
    const copied = await copy(source, there);
    expect(
      copied.map(({ place: { host, store, kind }, users, rows }) => [
        host,
        store,
        kind,
        users,
        rows,
      ]),
    ).toEqual([
      ["example.com", "archive", "messages", 2, MANY + 1 + 3],
      ["rooms.example", "archive", "room messages", 1, 1],
      ["example.com", "roster", "roster", 2, 6 + 1],
    ]);
    expect(await shown(there)).toEqual(before);
    expect(before.news.kind).toBe("changes");
    const back = await fileSide();
    await copy(there, back);
    expect(await shown(back)).toEqual(before);
    expect(changedOf(await copy(back, there))).toBe(0);
    // Ids that are given there are greater than those that came.
    const last = (await collect(there.archives.users.iterate(ANN))).at(-1);
    const next = await there.archives.users.add(ANN, {
      ...{ with: "c@c", from: "c@c", direction: "in", packet: "<m/>" },
    });
    expect(next).toBeGreaterThan(last?.id ?? next);
  });

  test("that was stopped at any write goes on, loses nothing and doubles nothing", async () => {
    const source = await side(await place.open(), "stop_");
    await fill(source, 40);
    const before = await shown(source);
    let stops = 0;
    for (let writes = 1; ; writes++) {
      const target = await fileSide();
      let left = writes;
      const guard = () => {
        if (left-- === 0) throw new Error("stopped");
      };
      const ended = await copy(source, target, { guard }).then(
        () => true,
        () => false,
      );
      if (ended) break;
      stops++;
      await copy(source, target);
      expect(await shown(target)).toEqual(before);
    }
    expect(stops).toBeGreaterThan(5);
  });

  test("are made equal in a target that has others only if that is allowed", async () => {
    const source = await side(await place.open(), "from_");
    const target = await side(await place.open(), "to_");
    await fill(source, 10);
    await fill(target, 4);
    await target.archives.users.add(
      { ...ANN, name: "gone" },
      {
        ...{ with: "c@c", from: "c@c", direction: "in", packet: "<m/>" },
      },
    );
    await target.rosters.set({ ...ANN, name: "gone" }, "x@x", {});
    await target.archives.users.sync();
    const before = await shown(target);
    await expect(copy(source, target)).rejects.toThrow(ConflictError);
    expect(changedOf(await copy(source, target, { isDry: true }))).toBeGreaterThan(20);
    expect(await shown(target)).toEqual(before);
    await copy(source, target, { overwrite: true });
    expect(await shown(target)).toEqual(await shown(source));
    expect(await target.archives.users.size({ ...ANN, name: "gone" })).toBe(0);
    expect((await target.rosters.get({ ...ANN, name: "gone" })).version).toBe("0");
  });
});

describe("typed stores", () => {
  test("are refused by a target without tables, and nothing is changed", async () => {
    const source = await fileSide();
    await fill(source, 2);
    const config = { host: "example.com", store: "config", kind: "keyval" } as const;
    const rows = await source.adapter.openRows(config, BUDGET);
    await rows.write("ann", new Map([["", "1"]]), BUDGET);
    const to: StoreAdapter = new MemoryAdapter();
    const refused = copyStores({ from: source.adapter, to, sourceName: "old" });
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(/store "archive" \(messages\) of example.com .*"memory"/);
    expect(await (await to.openRows(config, BUDGET)).readUser("ann", BUDGET)).toEqual(new Map());
    await copyStores({ from: source.adapter, to, sourceName: "old", stores: ["config"] });
    expect((await (await to.openRows(config, BUDGET)).readUser("ann", BUDGET)).size).toBe(1);
  });

  test("are chosen by name and host", async () => {
    const source = await fileSide();
    await fill(source, 2);
    const target = await fileSide();
    const copied = await copy(source, target, { hosts: ["example.com"], stores: ["archive"] });
    expect(copied.map((each) => each.place.kind)).toEqual(["messages"]);
    expect(await target.archives.rooms.size(ROOM)).toBe(0);
    expect((await target.rosters.get(ANN)).items).toEqual([]);
  });
});
