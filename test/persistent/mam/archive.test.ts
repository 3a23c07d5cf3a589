/** Message archives on real databases. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ConflictError,
  InvalidArgumentError,
  InvalidKeyError,
  InvalidOptionsError,
  NotFoundError,
  NotRunningError,
  TooLargeError,
  UnsupportedError,
} from "../../../src/errors.ts";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { FORGOTTEN_US } from "../../../src/persistent/mam/archive-names.ts";
import { firstIdAt, MessageIds } from "../../../src/persistent/mam/message-ids.ts";
import type { UserMessageInput } from "../../../src/persistent/mam/messages.ts";
import {
  type MessageArchivesOptions,
  openMessageArchives,
} from "../../../src/persistent/mam/open-archives.ts";
import { silentLog } from "../../../src/runtime.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";
import { archiveModel, type ModelNode } from "./archive-model.ts";

const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };

function message(part: Partial<UserMessageInput> = {}): UserMessageInput {
  return {
    with: "bob@b.example/x",
    from: "bob@b.example/x",
    direction: "in",
    packet: "<m/>",
    ...part,
  };
}

onEachDatabase("message archives", (testDatabase) => {
  let database: SqlDatabase;
  let owners = 0;
  const owner = () => ({ server: "a.example", name: `user-${++owners}` });
  const open = (part: Partial<MessageArchivesOptions> = {}) =>
    openMessageArchives({ database, node: 1, ...surroundings, ...part });

  beforeAll(async () => {
    database = await testDatabase.open();
    await makeStoreTables(database);
  });

  it("do what arrays do, on two nodes, whatever is written, retracted, removed and asked", async () => {
    const nodes = [1, 2].map((node) => {
      const made: { nowUs: bigint } = { nowUs: 0n };
      const archives = open({ node, pageSize: 4, nowUs: () => made.nowUs });
      return Object.assign(made, { archives }) satisfies ModelNode;
    });
    await archiveModel(nodes, testDatabase.name === "SQLite" ? 150 : 20);
  });

  it("give an archive one number, however many processes ask for it at once", async () => {
    const ann = owner();
    const processes = await Promise.all(Array.from({ length: 5 }, () => testDatabase.open()));
    const nodes = processes.map((each, at) => open({ database: each, node: at + 1 }));
    const ids = await Promise.all(
      nodes.flatMap(({ users }) =>
        [1, 2].map(() => users.add(ann, message(), { isWritten: true })),
      ),
    );
    const found = await nodes[0]?.users.find(ann);
    expect(found?.messages.map(({ id }) => id)).toEqual(ids.sort((a, b) => (a < b ? -1 : 1)));
  });

  it("read what was just written, without waiting for the batch to fill", async () => {
    const { users, rooms } = open({ queue: { lingerMs: 60_000 } });
    const ann = owner();
    const id = await users.add(ann, message({ originId: "o" }));
    expect(users.status().items).toBe(1);
    expect((await users.find(ann)).messages.map((each) => each.id)).toEqual([id]);
    expect((await users.metadata(ann))?.first.id).toBe(id);
    const room = await rooms.add(ann, { nick: "n", sender: "x@y", packet: "<m/>" });
    expect((await rooms.find(ann)).messages.map((each) => each.id)).toEqual([room]);
    expect(await users.size(ann)).toBe(1);
  });

  it("take a message that comes again once, and refuse another one of its id alone", async () => {
    const refused: bigint[] = [];
    const { users } = open({ onRefused: (_, id) => refused.push(id) });
    const ann = owner();
    const ids = new MessageIds({ node: 9, nowUs: () => BigInt(Date.now()) * 1000n });
    const [first, second, third] = [ids.next(), ids.next(), ids.next()];
    await users.add(ann, message({ id: first, text: "one" }), { isWritten: true });
    await Promise.all([
      users.add(ann, message({ id: first, text: "one" }), { isWritten: true }),
      users.add(ann, message({ id: second }), { isWritten: true }),
      users.add(ann, message({ id: second }), { isWritten: true }),
    ]);
    const other = users.add(ann, message({ id: first, packet: "<other/>" }), { isWritten: true });
    const good = users.add(ann, message({ id: third }), { isWritten: true });
    await expect(other).rejects.toThrow(ConflictError);
    await expect(good).resolves.toBe(third);
    const twice = [message({ id: ids.next() }), message({ id: third, packet: "<third/>" })];
    for (const each of twice) await users.add(ann, each);
    await users.sync(ann);
    expect(refused).toEqual([first, third]);
    expect(await users.size(ann)).toBe(4);
    expect((await users.get(ann, first))?.packet).toBe("<m/>");
    expect(users.status()).toMatchObject({ items: 0, refused: 2 });
  });

  it("take a retracted message that comes again for the one that is there", async () => {
    const { users } = open();
    const ann = owner();
    const id = await users.add(ann, message({ originId: "o", text: "secret" }));
    const gone = { with: "bob@b.example", direction: "in", originId: "o" } as const;
    expect(await users.retract(ann, gone, () => "<gone/>")).toBe(id);
    await users.add(ann, message({ id, originId: "o", text: "secret" }), { isWritten: true });
    const found = await users.get(ann, id);
    expect(found).toMatchObject({ packet: "<gone/>", originId: "o" });
    expect((await users.find(ann, { text: "secret" })).messages).toEqual([]);
    expect(await users.retract(ann, { ...gone, direction: "out" }, () => "no")).toBeUndefined();
  });

  it("find given ids all together or not at all", async () => {
    const { users } = open();
    const ann = owner();
    const ids: bigint[] = [];
    for (let count = 0; count < 5; count++) ids.push(await users.add(ann, message()));
    const [a = 0n, , c = 0n] = ids;
    const found = await users.find(ann, { ids: [c, a], isFlipped: true });
    expect(found).toMatchObject({ isComplete: true, total: 2, offset: 0 });
    expect(found.messages.map(({ id }) => id)).toEqual([c, a]);
    await expect(users.find(ann, { ids: [a, 5n] })).rejects.toThrow(NotFoundError);
    await expect(users.find(ann, { ids: [a], with: "x" })).rejects.toThrow(InvalidArgumentError);
    await expect(users.find(owner(), { ids: [a] })).rejects.toThrow(NotFoundError);
  });

  it("keep rooms apart from users of their name, and find by nick and by sender", async () => {
    const { users, rooms } = open();
    const both = owner();
    await users.add(both, message());
    const say = (nick: string, sender: string) =>
      rooms.add(both, { nick, sender, packet: `<m>${nick}</m>`, text: nick, originId: "o" });
    await say("Ann", "ann@a.example");
    const bob = await say("bob", "bob@b.example");
    await say("Bob", "bob@b.example");
    const packets = async (filter: object) =>
      (await rooms.find(both, filter)).messages.map(({ packet }) => packet);
    expect(await packets({ nick: "bob" })).toEqual(["<m>bob</m>"]);
    expect(await packets({ sender: "bob@b.example" })).toEqual(["<m>bob</m>", "<m>Bob</m>"]);
    expect(await packets({ text: "ANN" })).toEqual(["<m>Ann</m>"]);
    const stranger = { sender: "eve@e.example", id: bob };
    expect(await rooms.retract(both, stranger, () => "<gone/>")).toBeUndefined();
    const own = { sender: "bob@b.example", id: bob };
    expect(await rooms.retract(both, own, ({ nick }) => `<gone>${nick}</gone>`)).toBe(bob);
    expect(await packets({ nick: "bob" })).toEqual(["<gone>bob</gone>"]);
    expect(await rooms.remove(both)).toBe(3);
    expect(await users.size(both)).toBe(1);
  });

  it("give somebody all that they said in any room, page by page, and nobody else's", async () => {
    const { rooms, users } = open();
    const sender = "data-subject@b.example";
    const said: string[] = [];
    for (const room of [owner(), owner()]) {
      for (let count = 0; count < 130; count++) {
        const packet = `${room.name} ${count}`;
        await rooms.add(room, { nick: "n", sender, packet });
        await rooms.add(room, { nick: "n", sender: "eve@e.example", packet });
        said.push(packet);
      }
    }
    const given: string[] = [];
    for await (const { owner: room, message: each } of rooms.sentBy(sender)) {
      expect(each.packet.startsWith(`${room.name} `)).toBe(true);
      given.push(each.packet);
    }
    expect(given.sort()).toEqual(said.sort());
    await expect(users.sentBy(sender).next()).rejects.toThrow(UnsupportedError);
    await expect(rooms.sentBy("a@b/full").next()).rejects.toThrow(InvalidArgumentError);
  });

  it("remove a domain and its preferences in batches, and no other", async () => {
    const { users, preferences } = open();
    const names = ["x", "y", "z"].map((name) => ({ server: "gone.example", name }));
    const other = { server: "kept.example", name: "x" };
    for (const each of [...names, other]) {
      for (let count = 0; count < 7; count++) await users.add(each, message());
      await preferences.set(each, { default: "never", always: [], never: [] });
    }
    expect(await users.removeDomain("gone.example", 3)).toBe(21);
    for (const each of names) {
      expect(await users.size(each)).toBe(0);
      expect((await preferences.get(each)).default).toBe("always");
    }
    expect(await users.size(other)).toBe(7);
    expect((await preferences.get(other)).default).toBe("never");
  });

  it("let the name of a removed archive go after an hour, unless it is in use again", async () => {
    let nowUs = BigInt(Date.now()) * 1000n;
    const here = open({ nowUs: () => nowUs });
    const elsewhere = open({ node: 2, database: await testDatabase.open(), nowUs: () => nowUs });
    const [gone, back, known, late] = [owner(), owner(), owner(), owner()];
    for (const each of [gone, back, known]) {
      await elsewhere.users.add(each, message(), { isWritten: true });
      await here.users.remove(each);
    }
    await here.users.add(back, message(), { isWritten: true });
    // This node still knows the number of the archive and takes no mark away.
    await elsewhere.users.add(known, message(), { isWritten: true });
    nowUs += FORGOTTEN_US + 1n;
    await here.users.expire(0n);
    const names = await database.query(
      "select name, removed_us from skein_mam_archive where server = ? and name in (?, ?, ?) order by id",
      ["a.example", gone.name, back.name, known.name],
    );
    expect(names.map((row) => row.removed_us)).toEqual([null, null]);
    await here.users.add(late, message(), { isWritten: true });
    await here.users.remove(late);
    nowUs += FORGOTTEN_US + 1n;
    expect(await here.users.size(back)).toBe(1);
    expect(await here.users.size(known)).toBe(1);
    // Whoever has looked a name up since may write under its number without looking again.
    const third = open({ node: 3, nowUs: () => nowUs });
    await third.users.find(late);
    await here.users.expire(0n);
    for (const each of [late, gone]) {
      const again = await third.users.add(each, message(), { isWritten: true });
      expect((await here.users.find(each)).messages.map(({ id }) => id)).toEqual([again]);
    }
  });

  it("expire what is too old in all archives", async () => {
    let nowUs = 1_000n;
    const { users } = open({ nowUs: () => nowUs });
    const archives = [owner(), owner(), owner()];
    for (let step = 0; step < 9; step++) {
      nowUs += 10n;
      for (const each of archives) await users.add(each, message());
    }
    await users.sync();
    expect(await users.expire(1_050n, undefined, 2)).toBeGreaterThanOrEqual(12);
    for (const each of archives) {
      const left = await users.find(each);
      expect(left.total).toBe(5);
      expect(left.messages[0]?.at).toBeGreaterThanOrEqual(1_050n);
    }
  });

  it("never give an id that is less than one that was read", async () => {
    let nowUs = 2_000_000_000_000_000n;
    const ahead = open({ node: 2, nowUs: () => 2_000_000_005_000_000n });
    const behind = open({ node: 1, nowUs: () => nowUs });
    const ann = owner();
    const seen = await ahead.users.add(ann, message(), { isWritten: true });
    await behind.users.find(ann);
    nowUs += 1n;
    expect(await behind.users.add(ann, message())).toBeGreaterThan(seen);
  });

  it("follow the most specific preference, and replace all of them at once", async () => {
    const { preferences } = open();
    const ann = owner();
    expect(await preferences.get(ann)).toEqual({ default: "always", always: [], never: [] });
    expect(await preferences.behaviour(ann, "bob@b.example")).toBe("always");
    await preferences.set(ann, {
      default: "roster",
      always: ["bob@b.example/Phone", "carl@c.example"],
      never: ["bob@b.example", "bob@b.example/phone"],
    });
    expect(await preferences.get(ann)).toEqual({
      default: "roster",
      always: ["bob@b.example/Phone", "carl@c.example"],
      never: ["bob@b.example", "bob@b.example/phone"],
    });
    expect(await preferences.behaviour(ann, "bob@b.example/Phone")).toBe("always");
    expect(await preferences.behaviour(ann, "bob@b.example/other")).toBe("never");
    expect(await preferences.behaviour(ann, "carl@c.example/any")).toBe("always");
    expect(await preferences.behaviour(ann, "eve@e.example")).toBe("roster");
    const other = openMessageArchives({
      database: await testDatabase.open(),
      node: 2,
      ...surroundings,
    });
    const sets = ["p", "q", "r", "s"].map((part, at) =>
      (at % 2 === 0 ? preferences : other.preferences).set(ann, {
        default: "never",
        always: [1, 2, 3].map((each) => `${part}${each}@x`),
        never: [],
      }),
    );
    await Promise.all(sets);
    const { always } = await preferences.get(ann);
    expect(new Set(always.map((each) => each[0])).size).toBe(1);
    expect(always).toHaveLength(3);
    await preferences.remove(ann);
    expect((await preferences.get(ann)).default).toBe("always");
    const both = { default: "always", always: ["a@b"], never: ["a@b"] } as const;
    await expect(preferences.set(ann, both)).rejects.toThrow(InvalidArgumentError);
  });

  it("write what is queued before they stop, and take no more", async () => {
    const ann = owner();
    const archives = open({ queue: { lingerMs: 60_000 } });
    for (let count = 0; count < 600; count++) await archives.users.add(ann, message());
    await archives.stop();
    await expect(archives.users.add(ann, message())).rejects.toThrow(NotRunningError);
    expect(await open().users.size(ann)).toBe(600);
  });

  it("iterate over all pages of a filter", async () => {
    const { users } = open({ pageSize: 3 });
    const ann = owner();
    for (let count = 0; count < 10; count++) {
      await users.add(ann, message({ with: count % 2 === 0 ? "x@y" : "z@y", packet: `${count}` }));
    }
    const packets: string[] = [];
    for await (const each of users.iterate(ann, { with: "x@y" })) packets.push(each.packet);
    expect(packets).toEqual(["0", "2", "4", "6", "8"]);
  });

  it("have an index for text search where PostgreSQL has the extension, which finds a part", async () => {
    if (testDatabase.name !== "PostgreSQL") return;
    const [extension] = await database.query(
      "select 1 from pg_extension where extname = 'pg_trgm'",
    );
    const indexes = await database.query(
      "select indexname from pg_indexes where indexname like 'skein_mam%search'",
    );
    expect(indexes).toHaveLength(extension === undefined ? 0 : 2);
  });

  it("hold long addresses and packets of four-byte characters as they are", async () => {
    const { users } = open();
    const ann = { server: "s".repeat(255), name: "ä".repeat(511) };
    const long = `${"l".repeat(1023)}@${"d".repeat(1023)}/${"r".repeat(1023)}`;
    const packet = `<m>\r\n'"\\ 😀 ${"x".repeat(1024 * 1024 - 30)}</m>`;
    const id = await users.add(
      ann,
      message({ with: long, from: long, packet, originId: "o".repeat(512) }),
      { isWritten: true },
    );
    expect(await users.get(ann, id)).toMatchObject({ with: long, from: long, packet });
    expect((await users.find(ann, { with: long })).messages).toHaveLength(1);
  });
});

describe("message archives refuse, before anything is asked of the database,", () => {
  const ann = { server: "a", name: "b" };
  let database: SqlDatabase;

  beforeAll(async () => {
    // It is closed: whatever is asked of it is answered with another error.
    const folder = mkdtempSync(join(tmpdir(), "skein-mam-"));
    database = await openSqlDatabase({ database: `sqlite:${join(folder, "db")}` }, surroundings);
    await database.close();
    rmSync(folder, { recursive: true });
  });

  it("messages and owners that they cannot hold", async () => {
    const { users, rooms } = openMessageArchives({ database, node: 1, ...surroundings });
    await expect(users.add({ server: "", name: "a" }, message())).rejects.toThrow(
      InvalidArgumentError,
    );
    await expect(users.add({ server: "a", name: "" }, message())).rejects.toThrow(InvalidKeyError);
    for (const bad of [
      message({ with: "" }),
      message({ packet: "" }),
      message({ packet: "a\0b" }),
      message({ packet: "\ud800" }),
      message({ originId: "" }),
      message({ id: -1n }),
      message({ id: firstIdAt(2n ** 54n) }),
    ]) {
      await expect(users.add(ann, bad)).rejects.toThrow(InvalidArgumentError);
    }
    await expect(users.add(ann, message({ originId: "o".repeat(513) }))).rejects.toThrow(
      TooLargeError,
    );
    await expect(users.add(ann, message({ packet: "x".repeat(1024 * 1024 + 1) }))).rejects.toThrow(
      TooLargeError,
    );
    const full = { nick: "n", sender: "a@b/c", packet: "p" };
    await expect(rooms.add(ann, full)).rejects.toThrow(InvalidArgumentError);
  });

  it("look-ups that make no sense", async () => {
    const { users } = openMessageArchives({ database, node: 1, ...surroundings });
    for (const lookup of [
      { page: { before: 1n, after: 2n } },
      { text: "!?" },
      { start: -1n },
      { nick: "n" },
      { with: "a@b/" },
      { afterId: 2n ** 63n },
    ]) {
      await expect(users.find(ann, lookup)).rejects.toThrow(InvalidArgumentError);
    }
    await expect(users.find(ann, { ids: new Array(201).fill(1n) })).rejects.toThrow(TooLargeError);
    const silent = openMessageArchives({
      database,
      node: 1,
      hasTextSearch: false,
      ...surroundings,
    });
    await expect(silent.users.find(ann, { text: "word" })).rejects.toThrow(InvalidArgumentError);
  });

  it("options that are out of range, all in one message", () => {
    const bad = { database, node: 0, pageSize: 0, ...surroundings };
    expect(() => openMessageArchives(bad)).toThrow(InvalidOptionsError);
    expect(() => openMessageArchives(bad)).toThrow(/node is 0.*pageSize is 0/);
  });
});
