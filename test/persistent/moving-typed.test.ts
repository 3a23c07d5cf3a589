/** Message archives and rosters of a program whose configuration changes from start to start. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { ConflictError, UnavailableError, UnsupportedError } from "../../src/errors.ts";
import { collect } from "../../src/persistent/conformance/trial.ts";
import type { OpenArchivesOptions, Stores, StoresConfiguration } from "../../src/persistent.ts";
import { openStores, type StoresEnvironment } from "../../src/persistent.ts";
import { silentLog } from "../../src/runtime.ts";
import { numberOf } from "../../src/sql/row-values.ts";
import { onEachDatabase } from "./databases.ts";
import { StoppableClock } from "./stoppable-clock.ts";
import { withDatabase } from "./with-database.ts";

const ANN = { server: "a.example", name: "ann" };
const BOB = { server: "b.example", name: "bob" };
const ROOM = { server: "rooms.example", name: "hall" };
const MESSAGE = { with: "eve@e", from: "eve@e", direction: "in", packet: "<m/>" } as const;
const TABLES = ["mam_message", "mam_muc_message", "mam_pref", "roster_owner", "roster_item"];

const folder = mkdtempSync(join(tmpdir(), "skein-moving-typed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
let open: Stores[] = [];
afterEach(async () => {
  for (const stores of open) await stores.close();
  open = [];
});

type Urls = Readonly<Record<"old" | "new", string>>;

/** Everything on one of two, with both connected. */
function on(home: string, urls: Urls): StoresConfiguration {
  const sql = (url: string) => ({ adapter: "sql", url, pool: { max: 8, min: 0 } });
  return { storage: home, connections: { old: sql(urls.old), new: sql(urls.new) } };
}

async function start(
  configuration: StoresConfiguration,
  environment: StoresEnvironment = {},
  options: Partial<OpenArchivesOptions> = {},
) {
  const stores = await openStores(configuration, environment);
  open.push(stores);
  return {
    stores,
    archives: await stores.messageArchives({ node: 1, ...options }),
    rosters: await stores.rosters(options.host === undefined ? {} : { host: options.host }),
    async stop() {
      open = open.filter((each) => each !== stores);
      await stores.close();
    },
  };
}
type Program = Awaited<ReturnType<typeof start>>;

const freshUrl = () => `sqlite:${join(folder, `${files++}.db`)}`;

/** Something of everything. */
async function fill({ archives, rosters }: Program, many = 300): Promise<void> {
  const { users, rooms, preferences } = archives;
  for (let at = 0; at < many; at++) {
    await users.add(ANN, { ...MESSAGE, text: `message ${at}`, originId: `o${at}` });
  }
  await users.retract(ANN, { with: "eve@e", direction: "in", originId: "o7" }, () => "<gone/>");
  await preferences.set(ANN, { default: "never", always: ["x@y"], never: ["z@y/r"] });
  await rooms.add(ROOM, { nick: "Ann", sender: "ann@a.example", packet: "<r/>" });
  for (const jid of ["a@a", "b@b", "c@c"]) await rosters.set(ANN, jid, { groups: ["Ä"] });
  await rosters.delete(ANN, "b@b");
  await users.sync();
  await rooms.sync();
}

/** All that the faces show. */
async function shown({ archives, rosters }: Program) {
  const roster = await rosters.get(ANN);
  const before = String(BigInt(roster.version) - 2n);
  return {
    users: await collect(archives.users.iterate(ANN)),
    metadata: await archives.users.metadata(ANN),
    rooms: await collect(archives.rooms.iterate(ROOM)),
    preferences: await archives.preferences.get(ANN),
    roster,
    news: await rosters.getSince(ANN, before),
  };
}

/** Rows of all tables of theirs, by plain SQL. */
async function rowsAt(url: string): Promise<number> {
  return withDatabase(url, async (database) => {
    let rows = 0;
    for (const table of TABLES) {
      const [row] = await database.query(`select count(*) as n from skein_${table}`);
      rows += numberOf(row?.n);
    }
    return rows;
  });
}

/** What 15 s do to the leases of a process that is stopped. */
const forget = (url: string, holder: string) =>
  withDatabase(url, (database) =>
    database.execute("delete from skein_lease where holder = ?", [holder]),
  );

onEachDatabase("message archives and rosters", (place) => {
  const urls = async (): Promise<Urls> => ({ old: freshUrl(), new: await place.newUrl() });

  test("move where the configuration wants them and back, whole, and leave nothing", async () => {
    const at = await urls();
    const first = await start(on("old", at));
    await fill(first);
    const before = await shown(first);
    expect(before.users).toHaveLength(300);
    expect(before.news.kind).toBe("changes");
    const rows = await rowsAt(at.old);
    await first.stop();
    const lines: object[] = [];
    const info = (fields: object, message?: string) => void lines.push({ ...fields, message });
    const log = { ...silentLog, info };
    const there = await start(on("new", at), { log });
    expect(await shown(there)).toEqual(before);
    expect([await rowsAt(at.old), await rowsAt(at.new)]).toEqual([0, rows]);
    const moved = { message: "a store has moved", store: "archive", kind: "messages" };
    expect(lines).toContainEqual({ ...moved, host: ANN.server, users: 1, rows: 303 });
    const added = await there.archives.users.add(ANN, MESSAGE, { isWritten: true });
    expect(added).toBeGreaterThan(before.metadata?.last?.id ?? added);
    const { version } = await there.rosters.get(ANN);
    await there.rosters.set(ANN, "d@d", {});
    const after = await shown(there);
    await there.stop();
    const back = await start(on("old", at));
    expect(await shown(back)).toEqual(after);
    expect([await rowsAt(at.old), await rowsAt(at.new)]).toEqual([rows + 2, 0]);
    // A client that was away all the time gets what it has missed.
    const news = await back.rosters.getSince(ANN, version);
    expect(news).toMatchObject({ kind: "changes", changes: [{ item: { jid: "d@d" } }] });
  });

  test("are moved once by several processes that start at once", async () => {
    const at = await urls();
    const first = await start(on("old", at));
    await fill(first);
    const before = await shown(first);
    await first.stop();
    const many = await Promise.all(
      Array.from({ length: 6 }, (_, number) => start(on("new", at), { holder: `node ${number}` })),
    );
    for (const each of many) expect(await shown(each)).toEqual(before);
    expect(await rowsAt(at.old)).toBe(0);
  });

  test("stay with a process that writes, and what it had queued goes along later", async () => {
    const at = await urls();
    const queue = { lingerMs: 60_000 };
    const writer = await start(on("old", at), { holder: "the writer" }, { queue });
    await fill(writer, 10);
    const held = start(on("new", at));
    await expect(held).rejects.toThrow(ConflictError);
    await expect(held).rejects.toThrow(/\(messages\) of a\.example is used on "old" by the writer/);
    for (let at = 0; at < 50; at++) await writer.archives.users.add(ANN, MESSAGE);
    await writer.rosters.set(ANN, "late@l", {});
    expect(writer.archives.users.status().items).toBe(50);
    await writer.stop();
    const mover = await start(on("new", at));
    expect(await mover.archives.users.size(ANN)).toBe(60);
    expect((await mover.rosters.entry(ANN, "late@l"))?.jid).toBe("late@l");
  });

  test("are not written where they were by a process that had been stopped too long", async () => {
    const at = await urls();
    const clock = new StoppableClock();
    const refused: unknown[] = [];
    const stopped = await start(
      on("old", at),
      { holder: "the stopped", clock },
      {
        queue: { lingerMs: 60_000, retryMaxMs: 20 },
        onRefused: (_, id, error) => refused.push([id, error]),
      },
    );
    await stopped.archives.users.add(ANN, MESSAGE, { isWritten: true });
    await stopped.archives.users.add(BOB, MESSAGE, { isWritten: true });
    await stopped.rosters.set(ANN, "a@a", {});
    const late = await stopped.archives.users.add(ANN, MESSAGE);
    clock.stop();
    await forget(at.old, "the stopped");
    // One server moves, the other one stays.
    const hosts = { [ANN.server]: { storage: "new" } };
    const mover = await start({ ...on("old", at), hosts }, {}, { host: ANN.server });
    expect(await mover.archives.users.size(ANN)).toBe(1);
    clock.goOn(20_000);
    for (const call of [
      () => stopped.archives.users.find(ANN),
      () => stopped.archives.users.add(ANN, MESSAGE),
      () => stopped.archives.preferences.set(ANN, { default: "never", always: [], never: [] }),
      () => stopped.rosters.set(ANN, "b@b", {}),
      () => stopped.rosters.get(ANN),
    ]) {
      await expect(call()).rejects.toThrow(UnavailableError);
      await expect(call()).rejects.toThrow(
        /was moved from the connection "old" by another process/,
      );
    }
    // Who has not moved is not held up.
    await stopped.archives.users.add(BOB, MESSAGE);
    expect(await stopped.archives.users.size(BOB)).toBe(2);
    const left = await stopped.archives.stop(1_000).catch((error: unknown) => error);
    expect(left).toBeInstanceOf(UnavailableError);
    await expect.poll(() => refused).toEqual([[late, expect.any(UnavailableError)]]);
    expect(await mover.archives.users.size(ANN)).toBe(1);
    expect((await mover.rosters.get(ANN)).items.map(({ jid }) => jid)).toEqual(["a@a"]);
    // Bob's two messages.
    expect(await rowsAt(at.old)).toBe(2);
  });

  test("are written to again by such a process once they have come back", async () => {
    const at = await urls();
    const clock = new StoppableClock();
    const queue = { lingerMs: 60_000, retryMaxMs: 20 };
    const stopped = await start(on("old", at), { holder: "the stopped", clock }, { queue });
    await stopped.archives.users.add(ANN, MESSAGE, { isWritten: true });
    await stopped.archives.users.add(ANN, MESSAGE);
    clock.stop();
    await forget(at.old, "the stopped");
    await (await start(on("new", at))).stop();
    await (await start(on("old", at))).stop();
    clock.goOn(20_000);
    await stopped.archives.users.sync();
    expect(await stopped.archives.users.size(ANN)).toBe(2);
  });
});

describe("message archives and rosters", () => {
  const filled = async () => {
    const at = { old: freshUrl(), new: freshUrl() };
    const first = await start(on("old", at));
    await fill(first, 5);
    await first.stop();
    return at;
  };

  test("are refused where they are not, when they must not move", async () => {
    const at = await filled();
    const strict = start(on("new", at), { mayMove: false });
    await expect(strict).rejects.toThrow(ConflictError);
    await expect(strict).rejects.toThrow(
      /\(messages\) of a\.example is at home on connection "old"/,
    );
    const back = await start(on("old", at), { mayMove: false });
    expect(await back.archives.users.size(ANN)).toBe(5);
  });

  test("are nobody's guess in two places, and not opened empty where they have left", async () => {
    const at = await filled();
    const apart = await start({ ...on("new", at), connections: { new: { url: at.new } } });
    await apart.rosters.set(ANN, "x@x", {});
    await apart.archives.users.add(ANN, MESSAGE);
    await apart.stop();
    await expect(start(on("new", at))).rejects.toThrow(/has data on "new" and on "old"/);
    const moved = await filled();
    await (await start(on("new", moved))).stop();
    const alone = start({ storage: "old", connections: { old: { url: moved.old } } });
    await expect(alone).rejects.toThrow(/has moved away from connection "old"/);
  });

  test("are refused by back ends without tables, and stay where they are", async () => {
    const at = await filled();
    const configuration = on("new", at);
    const kept = { files: { adapter: "file", folder: join(folder, "files") } };
    for (const storage of ["memory", "files"]) {
      const connections = { ...configuration.connections, ...kept };
      const stores = await openStores({ ...configuration, connections, storage });
      await expect(stores.messageArchives({ node: 1 })).rejects.toThrow(UnsupportedError);
      await expect(stores.rosters()).rejects.toThrow(/name a connection of that adapter for it/);
      await stores.close();
    }
    const back = await start(on("old", at));
    expect(await back.archives.users.size(ANN)).toBe(5);
  });

  test("of a server that is new are at home where they are used first", async () => {
    const at = await filled();
    const program = await start(on("old", at));
    await program.rosters.set(BOB, "x@x", {});
    await program.rosters.removeUser(BOB);
    await program.archives.users.add(BOB, MESSAGE);
    await program.stop();
    // One that has a mark and no rows moves as well.
    const next = await start(on("new", at));
    expect(await next.archives.users.size(BOB)).toBe(1);
    expect((await next.rosters.get(BOB)).version).toBe("0");
  });

  test("may share their names with stores of the four kinds", async () => {
    const at = await filled();
    const next = await start(on("new", at));
    await (await next.stores.map("roster", { host: ANN.server })).set("ann", "key", 1);
    await next.stop();
    const back = await start(on("old", at));
    const plain = await back.stores.map("roster", { host: ANN.server });
    expect(await plain.get("ann", "key")).toBe(1);
    expect((await back.rosters.get(ANN)).items).toHaveLength(2);
  });
});
