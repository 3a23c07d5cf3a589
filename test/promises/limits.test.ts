/** Promises 8 and 9: everything is bounded, and strangers stay out. */
import { describe, expect, it } from "vitest";
import {
  InvalidOptionsError,
  type Node,
  OverloadedError,
  type Table,
  TooLargeError,
} from "../../src/index.ts";
import { testClusters } from "./clusters.ts";

const started = testClusters();
const open = (node: Node): Table<string> => node.table<string>("t", { lifetime: "cluster" });

describe("everything is bounded", () => {
  it("writes that wait for a node that hangs are refused over the limit, and none is half made", async () => {
    const cluster = await started({ options: { limits: { pendingWrites: 50 } } });
    const table = open(cluster.node("a"));
    cluster.hang("c");
    const refused: unknown[] = [];
    for (let key = 0; key < 200; key++) {
      table.set(key, "v").catch((error: unknown) => refused.push(error));
    }
    await cluster.advance(100);
    expect([table.size, refused.length]).toEqual([50, 150]);
    expect(refused.every((error) => error instanceof OverloadedError)).toBe(true);
    await cluster.advance(5000);
    await table.set("again", "v");
  });

  it("a batch, a key and a value over their size are refused whole, with what is allowed", async () => {
    const cluster = await started({ nodes: ["a"] });
    const table = open(cluster.node("a"));
    const many = Array.from({ length: 10_001 }, (_, at): [number, string] => [at, "v"]);
    await expect(table.setMany(many)).rejects.toThrow(TooLargeError);
    await expect(table.setMany(many)).rejects.toThrow("10000");
    await expect(table.set("k", "x".repeat(2 ** 20))).rejects.toThrow(TooLargeError);
    await expect(table.set("k".repeat(1025), "v")).rejects.toThrow("1024");
    expect(table.size).toBe(0);
  });

  it("a watcher that does not read costs its buffer, and is told what it missed", async () => {
    const cluster = await started({ nodes: ["a", "b"] });
    const [a, b] = cluster.nodes.map(open) as [Table<string>, Table<string>];
    const watch = b.watch({ buffer: 100 });
    for (let round = 0; round < 20; round++) {
      await a.setMany(Array.from({ length: 50 }, (_, at) => [`${round}-${at}`, "v"]));
    }
    expect(watch.pending).toBeLessThanOrEqual(101);
    let missed = 0;
    for await (const event of watch) {
      if (event.type === "missed") missed += event.changes;
      if (watch.pending === 0) watch.stop();
    }
    expect(missed).toBeGreaterThan(0);
  });
});

describe("strangers stay out", () => {
  it("one without the cluster's secret is never linked, and sees no row", async () => {
    const cluster = await started({ nodes: ["a", "b"], options: { secret: "right" } });
    const table = open(cluster.node("a"));
    await table.set("k", "v");
    const refusals: string[] = [];
    cluster.node("a").on("refused", ({ reason }) => refusals.push(reason));
    const strangers = [
      await cluster.start("wrong", { secret: "wrong" }),
      await cluster.start("none", { secret: [] }),
    ];
    await cluster.advance(60_000);
    for (const stranger of strangers) {
      expect([stranger.nodes(), open(stranger).size]).toEqual([[], 0]);
    }
    expect(
      cluster
        .node("a")
        .nodes()
        .map(({ name }) => name),
    ).toEqual(["b"]);
    expect(new Set(refusals)).toEqual(new Set(["secret"]));
  });

  it("off loopback a secret is required", async () => {
    const { startNode } = await import("../../src/index.ts");
    const listen = { host: "0.0.0.0" };
    const start = startNode({ cluster: "c", name: "a", listen, discovery: { nodes: [] } });
    await expect(start).rejects.toThrow(InvalidOptionsError);
  });
});
