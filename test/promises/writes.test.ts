/** Promises 1 to 5: reads are local, an acknowledged write is everywhere, writers never pause. */
import { describe, expect, it } from "vitest";
import type { Node, Table, WriteResult } from "../../src/index.ts";
import { testClusters } from "./clusters.ts";

const started = testClusters();
const open = (node: Node, options = {}): Table<string> => node.table<string>("t", options);

/** How a promise stands, without waiting for it. */
function standing<T>(promise: Promise<T>): { value?: T; error?: unknown } {
  const found: { value?: T; error?: unknown } = {};
  promise.then(
    (value) => Object.assign(found, { value }),
    (error: unknown) => Object.assign(found, { error }),
  );
  return found;
}

describe("reads are local", () => {
  it("a read gives its answer, not a promise, and sends nothing, though all others hang", async () => {
    const cluster = await started();
    const table = cluster
      .node("a")
      .table("t", { ordered: true, indexes: { first: (value: string) => value.charAt(0) } });
    await table.set("k", "value");
    for (const other of ["b", "c"]) cluster.hang(other);
    await cluster.advance(0);
    expect(table.get("k")).toBe("value");
    expect([table.has("k"), table.size, table.entry("k")?.owner]).toEqual([true, 1, "a"]);
    expect([...table.find("first", "v")]).toEqual([["k", "value"]]);
    expect([table.count("first", "v"), [...table.scan({ prefix: "k" })].length]).toEqual([1, 1]);
    expect([...table]).toEqual([["k", "value"]]);
    expect(cluster.clock.hasDeferred).toBe(false);
  });

  it("a node sees its own writes at once, before anybody else has them", async () => {
    const cluster = await started();
    const [a, b] = cluster.nodes.map((node) => open(node)) as [Table<string>, Table<string>];
    void a.set("k", "new");
    expect([a.get("k"), b.get("k")]).toEqual(["new", undefined]);
    void a.delete("k");
    expect([a.get("k"), a.size]).toEqual([undefined, 0]);
  });
});

describe("an acknowledged write is everywhere", () => {
  it("each node has it at the moment in which the promise resolves", async () => {
    const cluster = await started({ nodes: ["a", "b", "c", "d"] });
    const tables = cluster.nodes.map((node) => open(node, { lifetime: "cluster" }));
    const faults: string[] = [];
    const writes: Promise<void>[] = [];
    for (const [at, table] of tables.entries()) {
      for (let turn = 0; turn < 200; turn++) {
        const key = `${at}-${turn}`;
        const seen = table.set(key, "x").then(() => {
          for (const one of tables) if (!one.has(key)) faults.push(key);
        });
        writes.push(seen);
      }
      await cluster.advance(0);
    }
    await Promise.all(writes);
    expect([faults, tables.map(({ size }) => size)]).toEqual([[], [800, 800, 800, 800]]);
  });

  it("losing the link excuses nobody: the write waits for the other way round, or for the end", async () => {
    const cluster = await started();
    const [a, b] = cluster.nodes.map((node) => open(node)) as [Table<string>, Table<string>];
    cluster.cut(["a"], ["b"]);
    await cluster.advance(10_000);
    const roundabout = standing(a.set("k", "by way of c"));
    await cluster.advance(3000);
    expect([roundabout.value, b.get("k")]).toMatchObject([{ nodes: 2 }, "by way of c"]);
    cluster.cut(["a"], ["c"]);
    const cutOff = standing(a.set("k", "nobody has it"));
    await cluster.advance(2500);
    expect(cutOff).toEqual({});
    await cluster.advance(2500);
    expect(cutOff.value).toMatchObject({ alone: true, nodes: 0 });
  });

  it("members that still catch up are named in the result", async () => {
    const cluster = await started({ nodes: ["a", "b"] });
    const table = open(cluster.node("a"), { lifetime: "cluster" });
    await table.setMany(Array.from({ length: 1000 }, (_, at) => [at, "x"]));
    const results: Promise<WriteResult>[] = [];
    cluster.node("a").on("linkUp", () => results.push(table.set("k", "x")));
    await cluster.start("c");
    await cluster.joined();
    expect((await results[0])?.catchingUp).toEqual(["c"]);
    expect((await table.set("k", "y")).catchingUp).toEqual([]);
  });

  it("with no member in reach it lives here only, and the result says so", async () => {
    const cluster = await started({ nodes: ["a"] });
    const table = open(cluster.node("a"));
    const alone: WriteResult = { applied: true, nodes: 0, alone: true, catchingUp: [] };
    expect(await table.set("k", "v")).toEqual(alone);
    await cluster.start("b");
    await cluster.joined();
    expect(await table.set("k", "w")).toEqual({ ...alone, nodes: 1, alone: false });
  });
});

describe("writers never pause", () => {
  it("not for a node that joins, nor for one that hangs or dies longer than it takes to tell", async () => {
    const cluster = await started({ nodes: ["a", "b"] });
    const table = open(cluster.node("a"), { lifetime: "cluster" });
    await table.setMany(Array.from({ length: 10_000 }, (_, at) => [at, "x"]));
    let longest = 0;
    const writing = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 50) {
        const from = cluster.clock.now();
        void table.set("k", "x").then(() => {
          longest = Math.max(longest, cluster.clock.now() - from);
        });
        await cluster.advance(50);
      }
    };
    await cluster.start("c");
    await writing(5000);
    expect(longest).toBeLessThanOrEqual(50);
    cluster.hang("b");
    await writing(6000);
    expect(longest).toBeLessThanOrEqual(4000);
    longest = 0;
    cluster.kill("c");
    await writing(4000);
    expect(longest).toBeLessThanOrEqual(2500);
    cluster.resume("b");
    longest = 0;
    await writing(3000);
    expect(longest).toBeLessThanOrEqual(50);
    await cluster.joined();
  });
});
