/** Rosters on real databases. */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import {
  InvalidArgumentError,
  InvalidKeyError,
  InvalidOptionsError,
  RetryableError,
  TooLargeError,
} from "../../../src/errors.ts";
import { systemClock } from "../../../src/node/system.ts";
import type { RosterItem, RosterItemInput } from "../../../src/persistent/roster/roster-item.ts";
import { RosterStore } from "../../../src/persistent/roster/roster-store.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";

const jid = fc.constantFrom(
  "bob@b.example",
  "Bob@b.example",
  "carl@c.example",
  "dora@d.example ",
  "é@e",
);
const item: fc.Arbitrary<RosterItemInput> = fc.record(
  {
    nick: fc.constantFrom("", "Bob", "😀"),
    groups: fc.array(fc.constantFrom("Friends", "friends", "Work "), { maxLength: 3 }),
    subscription: fc.constantFrom("none" as const, "to" as const, "from" as const, "both" as const),
    ask: fc.constantFrom("none" as const, "subscribe" as const, "in" as const, "both" as const),
    askMessage: fc.constantFrom("<presence/>", ""),
    isPreapproved: fc.boolean(),
  },
  { requiredKeys: [] },
);
const call = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("set" as const), jid, item }), weight: 6 },
  { arbitrary: fc.record({ kind: fc.constant("delete" as const), jid }), weight: 4 },
  {
    arbitrary: fc.record({ kind: fc.constant("swap" as const), jid, other: jid, item }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant("fail" as const), jid, item }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant("remove" as const) }), weight: 1 },
  {
    arbitrary: fc.record({ kind: fc.constant("sync" as const), client: fc.nat({ max: 2 }) }),
    weight: 8,
  },
);

/** What an item is when it was stored, but for its version. */
function stored(address: string, given: RosterItemInput): Omit<RosterItem, "version"> {
  return {
    jid: address,
    nick: given.nick ?? "",
    groups: [...new Set(given.groups ?? [])].sort(),
    subscription: given.subscription ?? "none",
    ask: given.ask ?? "none",
    askMessage: given.askMessage,
    isPreapproved: given.isPreapproved ?? false,
  };
}

function plain(items: Iterable<RosterItem>) {
  return new Map([...items].map(({ version: _, ...rest }) => [rest.jid, rest]));
}

/** A client that keeps a roster up to date by what it is told. */
class Client {
  items = new Map<string, RosterItem>();
  version = "";
  kinds: string[] = [];

  async sync(store: RosterStore, owner: { server: string; name: string }): Promise<void> {
    const news = await store.getSince(owner, this.version);
    this.kinds.push(news.kind);
    if (news.kind === "whole") this.items = new Map(news.items.map((each) => [each.jid, each]));
    if (news.kind === "changes") {
      for (const change of news.changes) {
        if (change.kind === "set") this.items.set(change.item.jid, change.item);
        else this.items.delete(change.jid);
      }
    }
    this.version = news.version;
  }
}

onEachDatabase("rosters", (testDatabase) => {
  let stores: RosterStore[];
  let database: SqlDatabase;
  let owners = 0;
  const owner = (server = "a.example") => ({ server, name: `user-${++owners}` });
  const store = (at = 0) => stores[at] ?? new RosterStore({ database, clock: systemClock });

  beforeAll(async () => {
    database = await testDatabase.open();
    await makeStoreTables(database);
    const others = [database, await testDatabase.open()];
    stores = others.map(
      (each) => new RosterStore({ database: each, clock: systemClock, removalsMax: 3 }),
    );
  });

  it("are what the changes make of them, and so are clients that ask for news", async () => {
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 4, maxLength: 30 }), async (calls) => {
        const ann = owner();
        const model = new Map<string, Omit<RosterItem, "version">>();
        const clients = [new Client(), new Client(), new Client()];
        for (const [at, each] of calls.entries()) {
          const from = store(at % 2);
          switch (each.kind) {
            case "set":
              await from.set(ann, each.jid, each.item);
              model.set(each.jid, stored(each.jid, each.item));
              break;
            case "delete":
              expect(await from.delete(ann, each.jid)).toBe(model.delete(each.jid));
              break;
            case "swap":
              await from.transact(ann, async (roster) => {
                await roster.delete(each.jid);
                await roster.set(each.other, each.item);
              });
              model.delete(each.jid);
              model.set(each.other, stored(each.other, each.item));
              break;
            case "fail": {
              const failing = from.transact(ann, async (roster) => {
                await roster.set(each.jid, each.item);
                throw new RangeError("on purpose");
              });
              await expect(failing).rejects.toThrow(RangeError);
              break;
            }
            case "remove":
              await from.removeUser(ann);
              model.clear();
              break;
            case "sync": {
              const client = clients[each.client];
              await client?.sync(from, ann);
              expect(plain(client?.items.values() ?? [])).toEqual(model);
              for (const kind of client?.kinds ?? []) kinds.add(kind);
            }
          }
          expect(plain((await store((at + 1) % 2).get(ann)).items)).toEqual(model);
        }
      }),
      { numRuns: testDatabase.name === "SQLite" ? 120 : 15 },
    );
    expect([...kinds].sort()).toEqual(["changes", "nothing", "whole"]);
  });

  it("lose no change of two processes that change one user's items at once", async () => {
    const ann = owner();
    const count = (current: RosterItem | undefined): RosterItemInput => ({
      nick: String(Number(current?.nick ?? "0") + 1),
    });
    const work = Array.from({ length: 24 }, (_, at) =>
      store(at % 2).update(ann, at % 3 === 0 ? "other@x" : "bob@b", count),
    );
    const versions = (await Promise.all(work)).map((each) => each?.version);
    expect(new Set(versions).size).toBe(24);
    const { items } = await store().get(ann);
    expect(items.map(({ nick }) => nick)).toEqual(["16", "8"]);
  });

  it("keep the version of an item that is set to what it is", async () => {
    const ann = owner();
    const first = await store().set(ann, "bob@b", { nick: "B", groups: ["x", "y"] });
    const { version } = await store().get(ann);
    expect(await store(1).set(ann, "bob@b", { nick: "B", groups: ["y", "x", "y"] })).toEqual(first);
    expect((await store().get(ann)).version).toBe(version);
    expect(await store().getSince(ann, version)).toEqual({ kind: "nothing", version });
    expect(await store().entry(ann, "bob@b")).toEqual(first);
    expect(await store().entry(ann, "carl@c")).toBeUndefined();
  });

  it("tell what has changed in the order of the versions, deletions too", async () => {
    const ann = owner();
    for (const each of ["a@x", "b@x", "c@x"]) await store().set(ann, each, {});
    const { version } = await store().get(ann);
    await store().set(ann, "b@x", { nick: "b" });
    await store().delete(ann, "a@x");
    await store().set(ann, "d@x", {});
    const news = await store().getSince(ann, version);
    const told = news.kind === "changes" ? news.changes : [];
    expect(told.map((each) => [each.kind, each.kind === "set" ? each.item.jid : each.jid])).toEqual(
      [
        ["set", "b@x"],
        ["delete", "a@x"],
        ["set", "d@x"],
      ],
    );
    expect(told.map((each) => each.version)).toEqual([
      String(BigInt(version) + 1n),
      String(BigInt(version) + 2n),
      news.version,
    ]);
  });

  it("give the whole to a client that missed more deletions than are kept", async () => {
    const ann = owner();
    for (let at = 0; at < 6; at++) await store().set(ann, `${at}@x`, {});
    const early = (await store().get(ann)).version;
    await store().delete(ann, "0@x");
    const late = (await store().get(ann)).version;
    for (const at of [1, 2, 3]) await store().delete(ann, `${at}@x`);
    expect((await store().getSince(ann, early)).kind).toBe("whole");
    expect((await store().getSince(ann, late)).kind).toBe("changes");
    const rows = await database.query(
      "select i.jid from skein_roster_item i join skein_roster_owner o on o.id = i.roster_id where o.name = ?",
      [ann.name],
    );
    expect(rows).toHaveLength(5);
  });

  it.each(["", "x", "-1", "1.5", "00", "9".repeat(19), "1", "123456789"])(
    "give the whole for the version %j, which they never had",
    async (version) => {
      const ann = owner();
      await store().set(ann, "bob@b", {});
      expect((await store().getSince(ann, version)).kind).toBe("whole");
    },
  );

  it("leave nothing of a removed user, and give the next roster other versions", async () => {
    const ann = owner();
    await store().set(ann, "bob@b", {});
    const old = (await store().get(ann)).version;
    expect(await store().removeUser(ann)).toBe(true);
    expect(await store().removeUser(ann)).toBe(false);
    const left = await database.query("select id from skein_roster_owner where name = ?", [
      ann.name,
    ]);
    expect(left).toEqual([]);
    expect(await store().get(ann)).toEqual({ version: "0", items: [] });
    await store().set(ann, "eve@e", {});
    const news = await store().getSince(ann, old);
    expect(news).toMatchObject({ kind: "whole", items: [{ jid: "eve@e" }] });
    const orphans = await database.query(
      "select i.jid from skein_roster_item i left join skein_roster_owner o on o.id = i.roster_id where o.id is null",
    );
    expect(orphans).toEqual([]);
  });

  it("have other versions after each removal, however fast they are made again", async () => {
    const ann = owner();
    const seen = new Set<string>();
    for (let round = 0; round < 30; round++) {
      await store(round % 2).set(ann, "bob@b", {});
      await store().set(ann, "carl@c", {});
      const { version } = await store().get(ann);
      for (const each of [version, String(BigInt(version) - 1n)]) {
        expect(seen).not.toContain(each);
        seen.add(each);
      }
      await store((round + 1) % 2).removeUser(ann);
    }
  });

  it("are not removed while the database's clock is behind their versions", async () => {
    const ann = owner();
    await store().set(ann, "bob@b", {});
    const before = await store().get(ann);
    const ahead = (ms: number) =>
      database.execute(
        `update skein_roster_owner set version = ${database.traits.nowUs} + ? where name = ?`,
        [BigInt(ms) * 1000n, ann.name],
      );
    await ahead(60_000);
    await expect(store().removeUser(ann)).rejects.toThrow(RetryableError);
    expect((await store().get(ann)).items).toEqual(before.items);
    await ahead(5);
    expect(await store().removeUser(ann)).toBe(true);
  });

  it("are removed of a whole domain, and of no other", async () => {
    const gone = Array.from({ length: 7 }, () => owner("gone.example"));
    const kept = owner("kept.example");
    for (const each of [...gone, kept]) await store().set(each, "bob@b", {});
    expect(await store().removeDomain("gone.example")).toBe(7);
    for (const each of gone) expect((await store().get(each)).items).toEqual([]);
    expect((await store().get(kept)).items).toHaveLength(1);
  });

  it("hold the longest of everything, and refuse more before anything is changed", async () => {
    const ann = { server: "s".repeat(255), name: "ä".repeat(511) };
    const long = "l".repeat(2047);
    const groups = Array.from({ length: 100 }, (_, at) => `${at}`.padEnd(1023, "g"));
    const most = { nick: "n".repeat(1023), groups, askMessage: "😀".repeat(16 * 1024) };
    await store().set(ann, long, most);
    expect(await store().entry(ann, long)).toMatchObject({ ...most, groups: [...groups].sort() });
    const before = await store().get(ann);
    await expect(store().set(ann, `${long}l`, {})).rejects.toThrow(TooLargeError);
    await expect(store().set(ann, "a@b", { groups: [...groups, "one more"] })).rejects.toThrow(
      TooLargeError,
    );
    for (const bad of [{ nick: "a\0" }, { groups: [""] }, { askMessage: "\ud800" }]) {
      await expect(store().set(ann, "a@b", bad)).rejects.toThrow(InvalidArgumentError);
    }
    const unknown = JSON.parse('{ "subscription": "remove" }');
    await expect(store().set(ann, "a@b", unknown)).rejects.toThrow(InvalidArgumentError);
    await expect(store().set(ann, "", {})).rejects.toThrow(InvalidArgumentError);
    await expect(store().get({ server: "a", name: "" })).rejects.toThrow(InvalidKeyError);
    expect(await store().get(ann)).toEqual(before);
  });

  it("have no more items than they may", async () => {
    const small = new RosterStore({ database, clock: systemClock, itemsMax: 2 });
    const ann = owner();
    await small.set(ann, "a@x", {});
    await small.set(ann, "b@x", {});
    await expect(small.set(ann, "c@x", {})).rejects.toThrow(TooLargeError);
    await small.set(ann, "b@x", { nick: "still allowed" });
    await small.delete(ann, "a@x");
    await small.set(ann, "c@x", {});
    expect((await small.get(ann)).items.map((each) => each.jid)).toEqual(["b@x", "c@x"]);
    const none = { database, clock: systemClock, itemsMax: 0 };
    expect(() => new RosterStore(none)).toThrow(InvalidOptionsError);
  });
});
