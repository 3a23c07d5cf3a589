/** Stores in SQL databases. */
import { beforeAll, expect, it } from "vitest";
import { ConflictError, InvalidOptionsError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/node/system.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { ALL_ITEMS } from "../../../src/persistent/contract/driver.ts";
import { makeStoreTables, onEachDatabase, type TestDatabase } from "../databases.ts";
import { adapterSuite } from "./suite.ts";

const budget = { timeoutMs: 10_000, signal: undefined };

async function openAdapter(database: TestDatabase): Promise<SqlAdapter> {
  const adapter = new SqlAdapter({ open: () => database.open(), clock: systemClock });
  await adapter.open();
  return adapter;
}

async function makeTables(database: TestDatabase): Promise<void> {
  await makeStoreTables(await database.open());
}

onEachDatabase("the adapter sql", (database) => {
  beforeAll(() => makeTables(database));

  adapterSuite("sql", {
    make: async () => {
      let adapter = await openAdapter(database);
      return {
        get adapter() {
          return adapter;
        },
        async restart() {
          await adapter.close();
          adapter = await openAdapter(database);
        },
      };
    },
    rounds: database.name === "SQLite" ? 60 : 15,
  });

  it("keeps ids beyond 2^53 apart, stored and compared", async () => {
    const adapter = await openAdapter(database);
    const archive = await adapter.openArchive(
      { host: "h", store: "exact", kind: "archive" },
      budget,
    );
    const base = 2n ** 62n + 1n;
    const rows = [0n, 1n, 2n].map((step) => ({
      key: `k${step}`,
      when: base + step,
      with: "",
      value: "v",
    }));
    await archive.append("ann", rows, budget);
    const selection = { ...ALL_ITEMS, start: base + 1n, end: base + 1n };
    const found = await archive.page("ann", { ...selection, reverse: false, limit: 9 }, budget);
    expect(found.map(({ key, when }) => [key, when])).toEqual([["k1", base + 1n]]);
    expect(await archive.count("ann", { ...ALL_ITEMS, start: base + 1n }, budget)).toBe(2);
  });

  it("lets one of several whole replacements win, never a mixture", async () => {
    const one = await openAdapter(database);
    const two = await openAdapter(database);
    const place = { host: "h", store: "whole", kind: "map" } as const;
    const stores = [await one.openRows(place, budget), await two.openRows(place, budget)];
    for (let round = 0; round < 15; round++) {
      const writers = stores.flatMap((store, side) =>
        [0, 1].map((each) => {
          const name = `${round}-${side}-${each}`;
          const rows = new Map(Array.from({ length: 6 }, (_, key) => [`${name}-${key}`, name]));
          return store.replaceUser("ann", rows, budget);
        }),
      );
      await Promise.all(writers);
      const left = await stores[0]?.readUser("ann", budget);
      expect(left?.size).toBe(6);
      expect(new Set(left?.values()).size).toBe(1);
    }
  });

  it("sees changes of several keys as a whole, also beside replacements", async () => {
    const adapter = await openAdapter(database);
    const rows = await adapter.openRows({ host: "h", store: "pairs", kind: "map" }, budget);
    const pair = (value: string) =>
      new Map([
        ["a", value],
        ["b", value],
      ]);
    await rows.write("ann", pair("0"), budget);
    for (let round = 0; round < 20; round++) {
      await Promise.all([
        rows.write("ann", pair(`w${round}`), budget),
        rows.replaceUser("ann", pair(`r${round}`), budget),
        rows.write(
          "ann",
          new Map([
            ["a", undefined],
            ["b", undefined],
          ]),
          budget,
        ),
      ]);
      const left = [...(await rows.readUser("ann", budget)).values()];
      expect(new Set(left).size).toBeLessThanOrEqual(1);
      expect(left.length === 0 || left.length === 2).toBe(true);
    }
  });

  it("reads a user of more rows than a page in one view", async () => {
    const adapter = await openAdapter(database);
    const rows = await adapter.openRows({ host: "h", store: "many", kind: "map" }, budget);
    const many = (value: string) =>
      new Map(Array.from({ length: 2345 }, (_, at) => [`k${at}`, value]));
    await rows.replaceUser("ann", many("0"), budget);
    let isDone = false;
    const writing = (async () => {
      for (let round = 1; round < 6; round++)
        await rows.replaceUser("ann", many(`${round}`), budget);
      isDone = true;
    })();
    while (!isDone) {
      const found = await rows.readUser("ann", budget);
      expect(found.size).toBe(2345);
      expect(new Set(found.values()).size).toBe(1);
    }
    await writing;
    const keys = [...(await rows.readUser("ann", budget)).keys()];
    expect(keys).toEqual([...keys].sort());
    expect(await rows.users({ after: undefined, limit: 10 }, budget)).toEqual(["ann"]);
    await rows.replaceUser("ann", new Map(), budget);
    expect(await rows.users({ after: undefined, limit: 10 }, budget)).toEqual([]);
  });

  it("does not drown in deadlocks when many write the same and neighbouring rows", async () => {
    const opened = await database.open();
    const adapter = new SqlAdapter({ open: async () => opened, clock: systemClock });
    await adapter.open();
    const rows = await adapter.openRows({ host: "h", store: "busy", kind: "map" }, budget);
    const writes = Array.from({ length: 200 }, (_, at) => {
      const keys = Array.from({ length: 10 }, (_, key) => `k${(at * 7 + key * 3) % 40}`);
      return rows.write(`user-${at % 5}`, new Map(keys.map((key) => [key, `${at}`])), budget);
    });
    await Promise.all(writes);
    expect(opened.stats().retries).toBeLessThan(40);
  });

  it("moves an item of an archive whose key comes again to the end, whoever else writes it", async () => {
    const adapter = await openAdapter(database);
    const archive = await adapter.openArchive(
      { host: "h", store: "again", kind: "archive" },
      budget,
    );
    const row = (key: string, value: string) => ({ key, when: 1n, with: "", value });
    await archive.append("ann", [row("a", "1"), row("b", "1"), row("a", "2")], budget);
    await Promise.all(
      ["3", "4", "5", "6"].map((value) =>
        archive.append("ann", [row("b", value), row("c", value)], budget),
      ),
    );
    const page = await archive.page("ann", { ...ALL_ITEMS, reverse: false, limit: 9 }, budget);
    expect(page.map(({ key }) => key)).toEqual(["a", "b", "c"]);
    expect(page[1]?.value).toBe(page[2]?.value);
  });

  it("lists the users of an archive of many items by steps through the index", async () => {
    const adapter = await openAdapter(database);
    const archive = await adapter.openArchive(
      { host: "h", store: "users", kind: "archive" },
      budget,
    );
    const names = Array.from({ length: 1203 }, (_, at) => `user${String(at).padStart(4, "0")}`);
    for (const name of ["", ...names]) {
      await archive.append(name, [{ key: "k", when: 1n, with: "", value: "v" }], budget);
    }
    expect(await archive.users({ after: undefined, limit: 5000 }, budget)).toEqual(["", ...names]);
    const some = await archive.users({ after: "user0001", limit: 2 }, budget);
    expect(some).toEqual(["user0002", "user0003"]);
  });

  it("gives a place one number, and remembers its kind after a restart", async () => {
    const adapters = await Promise.all(Array.from({ length: 4 }, () => openAdapter(database)));
    const place = { host: "h", store: "kinds", kind: "keyval" } as const;
    const opened = await Promise.all(adapters.map((adapter) => adapter.openRows(place, budget)));
    await opened[0]?.write("ann", new Map([["", "1"]]), budget);
    for (const rows of opened) expect(await rows.read("ann", "", budget)).toBe("1");
    const again = await openAdapter(database);
    await expect(again.openRows({ ...place, kind: "map" }, budget)).rejects.toThrow(ConflictError);
    expect(await opened[0]?.users({ after: undefined, limit: 9 }, budget)).toEqual(["ann"]);
  });
});

it("refuses a prefix that cannot be a part of a name", () => {
  const options = { open: () => Promise.reject(new Error("not opened")), clock: systemClock };
  expect(() => new SqlAdapter({ ...options, tablePrefix: "a; drop" })).toThrow(InvalidOptionsError);
});
