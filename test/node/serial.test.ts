/** Serial calls of started nodes, over real sockets. */
import { describe, expect, it } from "vitest";
import {
  InvalidArgumentError,
  InvalidOptionsError,
  type Table,
  TableError,
} from "../../src/index.ts";
import { joined, startedNodes } from "./started-nodes.ts";

const KEYS = 5000;
const BATCH = 500;

const started = startedNodes();

function claims(nodes: readonly { table(name: string, options: object): unknown }[], more = {}) {
  return nodes.map(
    (node) => node.table("claims", { lifetime: "cluster", ...more }) as Table<string>,
  );
}

describe("insertNew", () => {
  it("has exactly one winner for each of 5,000 keys that three nodes want", {
    timeout: 120_000,
  }, async () => {
    const nodes = await started.startAll("a", "b", "c");
    const tables = claims(nodes);
    const faults: string[] = [];
    for (let from = 0; from < KEYS; from += BATCH) {
      const keys = Array.from({ length: BATCH }, (_, at) => `k${from + at}`);
      const results = await Promise.all(
        tables.map((table, at) =>
          Promise.all(keys.map((key) => table.insertNew(key, `node ${at}`, { timeoutMs: 60_000 }))),
        ),
      );
      for (const [index, key] of keys.entries()) {
        const winners = results.flatMap((won, at) => (won[index] === true ? [`node ${at}`] : []));
        const values = new Set(tables.map((table) => table.get(key)));
        if (winners.length !== 1 || values.size !== 1 || !values.has(winners[0])) {
          faults.push(`${key}: ${winners} won, ${[...values]} stored`);
        }
      }
    }
    expect(faults).toEqual([]);
    expect(tables.map((table) => table.info().siblings)).toEqual([0, 0, 0]);
  });
});

describe("the other serial calls", () => {
  it("read and write one after the other", async () => {
    const nodes = await started.startAll("a", "b");
    const [a, b] = claims(nodes);
    if (a === undefined || b === undefined) throw new Error("no tables");
    expect(await a.getOrInsert("k", () => "first")).toEqual({ inserted: true, value: "first" });
    expect(await b.getOrInsert("k", "second")).toEqual({ inserted: false, value: "first" });
    expect(await b.setSerial("k", (value) => `${value}!`)).toBe("first");
    const version = a.entry("k")?.version ?? "";
    expect(await a.replaceIf("k", version, "third")).toBe(true);
    expect(await b.replaceIf("k", version, "fourth")).toBe(false);
    expect(await b.setSerial("k", () => undefined)).toBe("third");
    expect([a.has("k"), b.has("k")]).toEqual([false, false]);
    const [lowest] = [...nodes].sort((one, other) => one.origin - other.origin);
    expect(nodes.map((node) => node.leader())).toEqual([lowest?.name, lowest?.name]);
  });

  it("count to the same number, however many nodes count", async () => {
    const nodes = await started.startAll("a", "b", "c");
    const counters = nodes.map((node) => node.table<number>("counters", { lifetime: "cluster" }));
    const adds = counters.flatMap((table) =>
      Array.from({ length: 40 }, () => table.setSerial("n", (count = 0) => count + 1)),
    );
    await Promise.all(adds);
    expect(counters.map((table) => table.get("n"))).toEqual([120, 120, 120]);
  });

  it("run code on a key of one node at a time, and give the key back when it fails", async () => {
    const [a, b] = claims(await started.startAll("a", "b"));
    if (a === undefined || b === undefined) throw new Error("no tables");
    let inside = 0;
    let most = 0;
    const code = async (table: Table<string>): Promise<string> => {
      most = Math.max(most, ++inside);
      await table.set("k", "changed inside");
      inside--;
      return "done";
    };
    const runs = [a, b, a, b].map((table) =>
      table.withKey("k", (hold) => {
        expect(hold.isHeld).toBe(true);
        return code(table);
      }),
    );
    expect(await Promise.all(runs)).toEqual(["done", "done", "done", "done"]);
    expect(most).toBe(1);
    const failing = a.withKey("k", () => Promise.reject(new Error("of the code")));
    await expect(failing).rejects.toThrow("of the code");
    expect(await b.insertNew("k", "late")).toBe(false);
  });

  it("refuse bad arguments before anything is asked for", async () => {
    const [a] = claims([await started.start({ name: "a" })]);
    if (a === undefined) throw new Error("no table");
    await expect(a.insertNew("k", "v", { timeoutMs: 0 })).rejects.toThrow(InvalidArgumentError);
    const noVersion = a.replaceIf("k", 5 as unknown as string, "v");
    await expect(noVersion).rejects.toThrow(InvalidArgumentError);
    const noFunction = a.withKey("k", "v" as unknown as () => string);
    await expect(noFunction).rejects.toThrow(InvalidArgumentError);
    await expect(a.setSerial("k", (() => () => 1) as never)).rejects.toThrow(/function/);
    expect(a.size).toBe(0);
  });
});

describe("quorum mode", () => {
  it("serves three nodes of three", async () => {
    const wishes = ["a", "b", "c"].map((name) => ({ name, clusterSize: 3 }));
    const nodes = await Promise.all(wishes.map((wish) => started.start(wish)));
    await joined(nodes);
    const tables = claims(nodes, { serial: "quorum" });
    const won = await Promise.all(tables.map((table, at) => table.insertNew("k", `node ${at}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await tables[2]?.setSerial("k", () => undefined)).toBe(`node ${won.indexOf(true)}`);
  });

  it("needs to know how many nodes there are, and sets", async () => {
    const node = await started.start({ name: "a" });
    const declare = (options: object): unknown => node.table("t", options);
    expect(() => declare({ serial: "quorum" })).toThrow(/clusterSize/);
    expect(() => declare({ serial: "yes" })).toThrow(InvalidOptionsError);
    expect(() => declare({ type: "bag", serial: "available" })).toThrow(/bags/);
    const bag = node.table("b", { type: "bag" });
    for (const call of ["insertNew", "getOrInsert", "setSerial", "replaceIf", "withKey"] as const) {
      await expect(bag[call]()).rejects.toThrow(TableError);
    }
  });
});
