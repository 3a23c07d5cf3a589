/** Promises 3, 4, 6 and 7: replicas converge, deletes stay, the dead vanish, one winner. */
import { describe, expect, it } from "vitest";
import { type Node, SerialUnknownError, type Table, type WatchEvent } from "../../src/index.ts";
import { SeededRandom, type TestCluster } from "../../src/testing.ts";
import { testClusters } from "./clusters.ts";

const started = testClusters();
const NAMES = ["a", "b", "c"] as const;
const kept = (node: Node): Table<string> => node.table<string>("t", { lifetime: "cluster" });

const rowsOf = (table: Table<string>): string => JSON.stringify([...table].sort());

/** Splits and mends, with some time for everybody to notice. */
async function apart(cluster: TestCluster, sides: string[][], within: () => Promise<void>) {
  cluster.cut(...sides);
  await cluster.advance(5000);
  await within();
  cluster.mend(...sides);
  await cluster.joined();
  await cluster.advance(2000);
}

describe("replicas converge", () => {
  it("after writes everywhere, splits and restarts all hold the same rows, and say so", async () => {
    const random = new SeededRandom(7);
    const cluster = await started();
    const pick = (count: number): number => Math.floor(random.float() * count);
    const someWrites = (): Promise<void> => {
      for (let write = 0; write < 60; write++) {
        const table = kept(cluster.nodes[pick(cluster.nodes.length)] as Node);
        if (pick(4) === 0) void table.delete(`k${pick(20)}`);
        else void table.set(`k${pick(20)}`, `v${write}`);
      }
      return cluster.advance(0);
    };
    for (let round = 0; round < 6; round++) {
      const name = NAMES[pick(3)] as string;
      const others = NAMES.filter((one) => one !== name);
      await apart(cluster, [[name], others], someWrites);
      cluster.kill(name);
      await someWrites();
      await cluster.advance(4000);
      await cluster.start(name);
      await someWrites();
      await cluster.joined();
      await cluster.advance(2000);
      const rows = cluster.nodes.map((node) => rowsOf(kept(node)));
      expect(new Set(rows).size, `round ${round}`).toBe(1);
      const verification = await cluster.node("a").verify();
      expect(verification).toMatchObject({ ok: true });
    }
  });
});

describe("nothing deleted comes back", () => {
  it("however long a node was away that still has it", async () => {
    // So short a log that what was missed comes as rows, not as writes.
    const cluster = await started({ options: { limits: { opRingOps: 100 } } });
    const [a, , c] = cluster.nodes.map(kept) as [Table<string>, Table<string>, Table<string>];
    // The self-check would mend it, which is not how it is meant to be kept.
    let mended = 0;
    for (const node of cluster.nodes) node.on("divergence", () => mended++);
    await a.set("k", "v");
    await apart(cluster, [["c"], ["a", "b"]], async () => {
      await a.delete("k");
      for (let write = 0; write < 300; write++) await a.set("other", `${write}`);
      await cluster.advance(5 * 60_000);
      expect(c.get("k")).toBe("v");
    });
    expect(cluster.nodes.map((node) => kept(node).get("k"))).toEqual(Array(3).fill(undefined));
    expect([a.info().siblings, mended]).toEqual([0, 0]);
  });

  it("a set made meanwhile may win against the delete, a patch never does", async () => {
    const cluster = await started();
    const tables = cluster.nodes.map((node) =>
      node.table<{ n: number }>("p", { lifetime: "cluster" }),
    );
    const [a, , c] = tables as [Table<{ n: number }>, unknown, Table<{ n: number }>];
    await a.setMany([
      ["set", { n: 1 }],
      ["patched", { n: 1 }],
    ]);
    await apart(cluster, [["c"], ["a", "b"]], async () => {
      await a.deleteMany(["set", "patched"]);
      await c.set("set", { n: 2 });
      await c.patch("patched", { n: 2 });
    });
    expect(tables.map((table) => table.get("set"))).toEqual(Array(3).fill({ n: 2 }));
    expect(tables.map((table) => table.get("patched"))).toEqual(Array(3).fill(undefined));
  });
});

describe("a dead node's rows", () => {
  it("vanish from every survivor within seconds, once each, with the reason; others stay", async () => {
    const cluster = await started();
    const mine = cluster.nodes.map((node) => node.table<number>("mine"));
    const stays = kept(cluster.node("c"));
    const events = mine.map((table) => {
      const told: WatchEvent<number>[] = [];
      table.watch({}, (event) => told.push(event));
      return told;
    });
    await mine[2]?.setMany(Array.from({ length: 100 }, (_, at) => [at, at]));
    await stays.set("of the cluster", "stays");
    await cluster.advance(0);
    for (const told of events) told.length = 0;
    cluster.kill("c");
    await cluster.advance(2500);
    const all = Array.from({ length: 100 }, (_, at) => at);
    for (const told of events.slice(0, 2)) {
      const keys = told.flatMap((event) => (event.type === "delete" ? [event.key as number] : []));
      expect(keys.sort((one, other) => one - other)).toEqual(all);
      const reasons = new Set(told.map((event) => event.type === "delete" && event.reason));
      expect(reasons.size === 1 && /^owner(Suspect|Down)$/.test([...reasons].join())).toBe(true);
    }
    await cluster.start("c");
    await cluster.joined();
    await cluster.advance(5000);
    expect(events.slice(0, 2).map((told) => told.length)).toEqual([100, 100]);
    expect(cluster.nodes.map((node) => kept(node).get("of the cluster"))).toEqual(
      Array(3).fill("stays"),
    );
  });
});

describe("a serial operation", () => {
  it("has one winner among all nodes that see each other", async () => {
    const cluster = await started();
    const tables = cluster.nodes.map(kept);
    const faults: string[] = [];
    for (let key = 0; key < 100; key++) {
      const won = await Promise.all(
        tables.map((table, at) => table.insertNew(key, NAMES[at] as string)),
      );
      const winner = NAMES[won.indexOf(true)];
      const values = tables.map((table) => table.get(key));
      if (won.filter(Boolean).length !== 1 || values.some((value) => value !== winner)) {
        faults.push(`${key}: ${won} ${values}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it("of quorum mode has one in the whole cluster, and says when it cannot know", async () => {
    const cluster = await started({ options: { clusterSize: 3 } });
    const tables = cluster.nodes.map((node) =>
      node.table<string>("q", { lifetime: "cluster", serial: "quorum" }),
    );
    await apart(cluster, [["a"], ["b", "c"]], async () => {
      const minority = tables[0]?.insertNew("k", "a", { timeoutMs: 3000 }) as Promise<boolean>;
      const error = minority.catch((reason: unknown) => reason);
      const majority = tables[1]?.insertNew("k", "b", { timeoutMs: 9000 });
      await cluster.advance(10_000);
      expect(await majority).toBe(true);
      const name = ((await error) as Error).constructor.name;
      expect([SerialUnknownError.name, "UnavailableError"]).toContain(name);
    });
    expect(tables.map((table) => table.get("k"))).toEqual(["b", "b", "b"]);
  });
});
