/** The cluster that is given to users for their tests, used as they would. */
import { afterEach, describe, expect, it } from "vitest";
import type { ConflictEvent, Node, Table } from "../../src/index.ts";
import { startTestCluster, type TestCluster, type TestClusterOptions } from "../../src/testing.ts";

let running: TestCluster | undefined;
afterEach(() => running?.stop());

async function started(options?: TestClusterOptions): Promise<TestCluster> {
  running = await startTestCluster(options);
  return running;
}

const rooms = (node: Node): Table<string> => node.table<string>("rooms");

describe("a test cluster", () => {
  it("is whole when it has started, and a write is everywhere once it resolves", async () => {
    const cluster = await started();
    expect(cluster.nodes.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    const [a, b, c] = cluster.nodes.map(rooms);
    expect(await a?.set("lobby", "open")).toMatchObject({ nodes: 2, alone: false });
    expect([b?.get("lobby"), c?.get("lobby")]).toEqual(["open", "open"]);
    expect(await c?.insertNew("lobby", "again")).toBe(false);
  });

  it("drops a killed node's rows within seconds that take no time, and takes it back", async () => {
    const cluster = await started();
    const [a, b] = cluster.nodes;
    await rooms(b as Node).set("of b", "x");
    const origin = cluster.node("b").origin;
    const before = cluster.clock.now();
    cluster.kill("b");
    expect(rooms(a as Node).get("of b")).toBe("x");
    await cluster.advance(4000);
    expect(rooms(a as Node).get("of b")).toBeUndefined();
    expect(cluster.clock.now() - before).toBe(4000);
    const again = await cluster.start("b");
    await cluster.joined();
    expect(again.origin).toBeGreaterThan(origin);
    await rooms(again).set("of b", "y");
    expect(rooms(a as Node).get("of b")).toBe("y");
  });

  it("is split by a cut, and one again when that is mended", async () => {
    const cluster = await started();
    const lost: ConflictEvent<string>[] = [];
    const tables = cluster.nodes.map((one) =>
      one.table<string>("kept", { lifetime: "cluster", onConflict: (event) => lost.push(event) }),
    );
    cluster.cut(["a"], ["b", "c"]);
    await cluster.advance(5000);
    expect(cluster.nodes[0]?.nodes().filter(({ state }) => state !== "down")).toEqual([]);
    expect(await tables[0]?.set("k", "of a")).toMatchObject({ alone: true });
    await tables[1]?.set("k", "of b");
    cluster.mend(["a"], ["b", "c"]);
    await cluster.joined();
    await cluster.advance(1000);
    const values = new Set(tables.map((table) => table.get("k")));
    expect(values).toEqual(new Set(["of b"]));
    expect(lost.map(({ value }) => value)).toEqual(["of a"]);
  });

  it("goes on when a node hangs, which finds its rows again afterwards", async () => {
    const cluster = await started();
    const [a, b, c] = cluster.nodes.map(rooms) as [Table<string>, Table<string>, Table<string>];
    await c.set("of c", "x");
    cluster.hang("c");
    const written = a.set("k", "while c hangs");
    await cluster.advance(4000);
    expect(await written).toMatchObject({ nodes: 1 });
    expect(b.get("of c")).toBeUndefined();
    cluster.resume("c");
    await cluster.joined();
    expect([b.get("of c"), c.get("k")]).toEqual(["x", "while c hangs"]);
  });

  it("hears a goodbye at once", async () => {
    const cluster = await started();
    await rooms(cluster.nodes[2] as Node).set("of c", "x");
    await cluster.leave("c");
    expect(rooms(cluster.nodes[0] as Node).get("of c")).toBeUndefined();
  });

  it("has rows expire when their time has come, on every node's clock", async () => {
    const cluster = await started({ nodes: ["a", "b"] });
    const [a, b] = cluster.nodes.map((one) => one.table<string>("codes", { ttlMs: 60_000 }));
    await a?.set("k", "1234");
    await cluster.advance(59_000);
    expect(b?.get("k")).toBe("1234");
    await cluster.advance(5000);
    expect(b?.get("k")).toBeUndefined();
  });

  it("refuses names that are there twice, not there, or running already", async () => {
    await expect(startTestCluster({ nodes: ["a", "a"] })).rejects.toThrow("different names");
    const one = await started({ nodes: ["a"] });
    expect(() => one.node("z")).toThrow('node "z" does not run; there are a');
    await expect(one.start("a")).rejects.toThrow("runs already");
    await expect(one.advance(-1)).rejects.toThrow("numbers from 0");
  });
});
