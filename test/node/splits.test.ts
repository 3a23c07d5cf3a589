/** Tables that pause on the smaller side of a split: what the application sees of it. */
import { afterEach, describe, expect, it } from "vitest";
import {
  type BagTable,
  InvalidOptionsError,
  type Node,
  SplitError,
  type Table,
} from "../../src/index.ts";
import { startTestCluster, type TestCluster } from "../../src/testing.ts";
import { joined, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

/** A split is noticed after `downMs` and a tick. */
const NOTICED_MS = 4000;

let cluster: TestCluster;
afterEach(() => cluster.stop());

const names = (node: Node): Table<number> =>
  node.table<number>("names", { lifetime: "cluster", split: "pauseMinority" });

async function three(): Promise<[Table<number>, Table<number>, Table<number>]> {
  cluster = await startTestCluster({ options: { clusterSize: 3 } });
  return cluster.nodes.map(names) as [Table<number>, Table<number>, Table<number>];
}

/** The error of a call, which may need time to come. */
async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "resolved",
    (error: unknown) => error,
  );
}

async function splitOff(): Promise<void> {
  cluster.cut(["a"], ["b", "c"]);
  await cluster.advance(NOTICED_MS);
}

const MINORITY = {
  code: "ERR_SKEIN_SPLIT",
  table: "names",
  policy: "pauseMinority",
  reason: "minority",
  seen: 1,
  needed: 2,
  isWritten: false,
};

describe("a table with pauseMinority", () => {
  it("refuses every kind of write on the smaller side, at once, and nothing has changed", async () => {
    const [a] = await three();
    await a.set("k", 1);
    const bag = cluster.node("a").table<number>("posts", { type: "bag", split: "pauseMinority" });
    await bag.add("k", 1);
    const lines = [...a.export()];
    await splitOff();
    const before = cluster.node("a").status().counters.written;
    const calls: (() => Promise<unknown>)[] = [
      () => a.set("k", 2),
      () => a.setMany([["k", 2]]),
      () => a.patch("k", {} as never),
      () => a.delete("k"),
      () => a.deleteMany(["k"]),
      () => a.withdraw("k"),
      () => a.clear(),
      () => a.import(lines),
      () => a.insertNew("new", 2),
      () => a.getOrInsert("new", 2),
      () => a.setSerial("k", 2),
      () => a.replaceIf("k", a.entry("k")?.version ?? "", 2),
      () => a.withKey("k", () => "done"),
      () => a.set("k", 2, { ack: "none" }),
    ];
    for (const call of calls) {
      const error = await errorOf(call());
      expect(error).toBeInstanceOf(SplitError);
      expect(error).toMatchObject(MINORITY);
    }
    for (const call of bagCalls(bag)) {
      expect(await errorOf(call())).toMatchObject({ ...MINORITY, table: "posts" });
    }
    expect(cluster.node("a").status().counters.written).toBe(before);
    expect([a.get("k"), a.has("new"), bag.getAll("k")]).toEqual([1, false, [1]]);
  });

  function bagCalls(bag: BagTable<number>): (() => Promise<unknown>)[] {
    return [
      () => bag.add("k", 2),
      () => bag.addMany([["k", 2]]),
      () => bag.remove("k", 1),
      () => bag.removeMany([["k", 1]]),
      () => bag.delete("k"),
      () => bag.deleteMany(["k"]),
      () => bag.clear(),
    ];
  }

  it("goes on on the larger side, and everywhere after the heal", async () => {
    const [a, b, c] = await three();
    await splitOff();
    expect(await b.set("k", 1)).toMatchObject({ nodes: 1, applied: true });
    expect(await c.insertNew("serial", 2)).toBe(true);
    expect(a.has("k")).toBe(false);
    cluster.mend(["a"], ["b", "c"]);
    await cluster.joined();
    expect([a.get("k"), a.get("serial")]).toEqual([1, 2]);
    expect(await a.set("k", 3)).toMatchObject({ nodes: 2 });
  });

  it("says so by events, in status and in info, and other tables go on", async () => {
    const [a] = await three();
    const node = cluster.node("a");
    const told: unknown[] = [];
    node.on("paused", (event) => told.push(event));
    node.on("resumed", (event) => told.push(event));
    const other = node.table<number>("other");
    expect(node.status().paused).toEqual([]);
    await splitOff();
    const text = "this node sees 1 of 3 members, needed are 2";
    const refusal = { policy: "pauseMinority", reason: "minority", seen: 1, needed: 2, text };
    expect(told).toEqual([{ ...refusal, tables: ["names"] }]);
    expect(node.status().paused).toEqual([{ ...refusal, tables: ["names"] }]);
    expect(a.info()).toMatchObject({ split: "pauseMinority", paused: true });
    expect(node.status().state).toBe("ready");
    expect(other.info()).toMatchObject({ split: "merge", paused: false });
    expect(await other.set("k", 1)).toMatchObject({ alone: true });
    cluster.mend(["a"], ["b", "c"]);
    await cluster.joined();
    expect(told.slice(1)).toEqual([{ policy: "pauseMinority", tables: ["names"] }]);
    expect(node.status().paused).toEqual([]);
    expect(a.info().paused).toBe(false);
  });

  it("fails what was written before the split was known, which then stands and spreads", async () => {
    const [a, b] = await three();
    cluster.cut(["a"], ["b", "c"]);
    const write = errorOf(a.set("k", 1, { timeoutMs: 60_000 }));
    const serial = errorOf(a.setSerial("s", 1, { timeoutMs: 60_000 }));
    await cluster.advance(NOTICED_MS);
    expect(await write).toMatchObject({ ...MINORITY, isWritten: true });
    expect(await serial).toBeInstanceOf(SplitError);
    expect([a.get("k"), b.has("k")]).toEqual([1, false]);
    cluster.mend(["a"], ["b", "c"]);
    await cluster.joined();
    expect(b.get("k")).toBe(1);
  });

  it("waits for a majority, also where fewer members count", async () => {
    cluster = await startTestCluster({ nodes: ["a", "b"], options: { clusterSize: 3 } });
    const [a] = cluster.nodes.map(names) as [Table<number>];
    expect(await a.set("k", 1)).toMatchObject({ nodes: 1 });
    cluster.hang("b");
    const weak = a.set("weak", 1, { ack: "none" });
    const strong = errorOf(a.set("strong", 1));
    expect(await weak).toMatchObject({ nodes: 0 });
    await cluster.advance(NOTICED_MS);
    expect(await strong).toMatchObject({ isWritten: true });
  });

  it("is paused until a majority was met for the first time", async () => {
    cluster = await startTestCluster({ nodes: ["a"], options: { clusterSize: 2 } });
    const [a] = cluster.nodes.map(names) as [Table<number>];
    const told: unknown[] = [];
    cluster.node("a").on("resumed", ({ policy }) => told.push(policy));
    expect(await errorOf(a.set("k", 1))).toMatchObject({ seen: 1, needed: 2 });
    await cluster.start("b");
    await cluster.joined();
    expect(told).toEqual(["pauseMinority"]);
    expect(await a.set("k", 1)).toMatchObject({ nodes: 1 });
  });

  it("counts members that are known beyond clusterSize", async () => {
    cluster = await startTestCluster({
      nodes: ["a", "b", "c", "d", "e"],
      options: { clusterSize: 3 },
    });
    const [a, b] = cluster.nodes.map(names) as [Table<number>, Table<number>];
    expect(await a.set("k", 1)).toMatchObject({ nodes: 4 });
    cluster.cut(["a", "c"], ["b", "d", "e"]);
    await cluster.advance(NOTICED_MS);
    expect(await errorOf(a.set("k", 2))).toMatchObject({ seen: 2, needed: 3 });
    expect(await b.set("k", 2)).toMatchObject({ nodes: 2 });
  });

  it("ends the rows whose time is over although it is paused", async () => {
    await three();
    const tokens = cluster.nodes.map((node) =>
      node.table<number>("tokens", { lifetime: "cluster", split: "pauseMinority", ttlMs: 6000 }),
    );
    await tokens[0]?.set("k", 1);
    await splitOff();
    expect(tokens[0]?.get("k")).toBe(1);
    await cluster.advance(4000);
    expect(tokens[0]?.info()).toMatchObject({ size: 0, paused: true });
  });
});

describe("a declaration of a table that pauses", () => {
  it("names all that is wrong in one error, and nothing is declared", async () => {
    cluster = await startTestCluster({ nodes: ["a"] });
    const node = cluster.node("a");
    const faultsOf = (options: object): readonly string[] => {
      try {
        node.table("t", options);
        return [];
      } catch (error) {
        if (error instanceof InvalidOptionsError) return error.faults;
        throw error;
      }
    };
    expect(faultsOf({ split: "pauseMinority", serial: "quorum", ttlMs: 0 })).toEqual([
      expect.stringContaining("ttlMs is 0"),
      'serial is "quorum", which needs the node\'s option clusterSize',
      'split is "pauseMinority", which needs the node\'s option clusterSize',
    ]);
    expect(faultsOf({ split: "leaseSide" })).toEqual([
      'split is "leaseSide", which needs discovery by a database: discovery.url',
    ]);
    expect(faultsOf({ split: "stop" })).toEqual([
      'split is "stop", allowed are "merge", "pauseMinority", "leaseSide"',
    ]);
    expect(() => node.getTable("t")).toThrow("not declared");
    node.table("t", { split: "merge" });
    expect(node.table("t")).toBe(node.getTable("t"));
  });

  it("that differs elsewhere is told in status, and each node keeps to its own", async () => {
    const [a, b] = await three();
    const [nodeA, nodeB, nodeC] = cluster.nodes as [Node, Node, Node];
    expect(nodeA.status()).toMatchObject({ splitTables: [], splitNodes: [] });
    nodeC.removeTable("names");
    const c = nodeC.table<number>("names", { lifetime: "cluster" });
    await cluster.advance(100);
    for (const node of [nodeA, nodeB]) {
      expect(node.status()).toMatchObject({ splitTables: ["names"], splitNodes: ["c"] });
      expect(node.status().conflictTables).toEqual([]);
    }
    expect(nodeC.status()).toMatchObject({ splitTables: ["names"], splitNodes: ["a", "b"] });
    cluster.cut(["c"], ["a", "b"]);
    await cluster.advance(NOTICED_MS);
    expect(await c.set("k", 1)).toMatchObject({ alone: true });
    expect(await a.set("k", 2)).toMatchObject({ nodes: 1 });
    expect(b.get("k")).toBe(2);
  });

  it("of another policy is another declaration", async () => {
    cluster = await startTestCluster({ nodes: ["a"], options: { clusterSize: 1 } });
    const node = cluster.node("a");
    names(node);
    expect(() => node.table("names", { lifetime: "cluster" })).toThrow("in another way");
    expect(await names(node).set("k", 1)).toMatchObject({ alone: true });
  });
});

describe("over sockets", () => {
  const started = startedNodes();

  it("the survivor of three pauses, and takes writes again when one is back", async () => {
    cluster = await startTestCluster({ nodes: [] });
    const timings = { pingMs: 100, downMs: 500, refusedDownMs: 200 };
    const wish = (name: string) => ({ name, clusterSize: 3, timings });
    const nodes = await Promise.all(["a", "b", "c"].map((name) => started.start(wish(name))));
    const [a, b, c] = nodes as [Node, Node, Node];
    await joined(nodes);
    const table = names(a);
    await table.set("k", 1);
    await b.stop();
    await until(() => a.nodes().some(({ name, state }) => name === "b" && state === "down"));
    await table.set("k", 2);
    await c.stop();
    await until(() => a.status().paused.length > 0);
    await expect(table.set("k", 3)).rejects.toBeInstanceOf(SplitError);
    expect(table.get("k")).toBe(2);
    await started.start(wish("b"));
    await until(() => a.status().paused.length === 0);
    expect(await table.set("k", 4)).toMatchObject({ alone: false });
  });
});
