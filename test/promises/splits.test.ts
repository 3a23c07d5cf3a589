/** What `split: "pauseMinority"` promises of calls that are under way when a split comes. */
import { describe, expect, it } from "vitest";
import { type Node, SplitError, type Table } from "../../src/index.ts";
import { testClusters } from "./clusters.ts";

const started = testClusters();
const names = (node: Node): Table<number> =>
  node.table<number>("names", { lifetime: "cluster", split: "pauseMinority" });

/** A split is noticed after `downMs` and a tick; another leader begins a ping later. */
const NOTICED_MS = 6000;

/** Three nodes, the one of that name cut off from the others. */
async function cutOff(name: string) {
  const cluster = await started({ options: { clusterSize: 3 } });
  const tables = new Map(cluster.nodes.map((node) => [node.name, names(node)]));
  const table = tables.get(name);
  if (table === undefined) throw new Error("no such node");
  await table.set("before", 0);
  await cluster.advance(2000);
  const others = cluster.nodes.map((node) => node.name).filter((other) => other !== name);
  cluster.cut([name], others);
  return { cluster, table, mend: () => cluster.mend([name], others) };
}

function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => `resolved with ${String(value)}`,
    (error: unknown) => error,
  );
}

describe("on the smaller side of a split", () => {
  it("a serial call that waits for a leader decides nothing", async () => {
    const { cluster, table } = await cutOff("c");
    expect(cluster.node("c").leader()).toBe("a");
    const call = errorOf(table.insertNew("k", 1, { timeoutMs: 60_000 }));
    await cluster.advance(NOTICED_MS);
    expect(await call).toBeInstanceOf(SplitError);
    expect(await call).toMatchObject({ isWritten: false });
    expect(table.has("k")).toBe(false);
  });

  it("a serial call that has decided is not told that it has won", async () => {
    const { cluster, table, mend } = await cutOff("a");
    const call = errorOf(table.insertNew("k", 1, { timeoutMs: 60_000 }));
    let code = "not run";
    const held = errorOf(
      table.withKey(
        "other",
        () => {
          code = "run";
        },
        { timeoutMs: 60_000 },
      ),
    );
    await cluster.advance(NOTICED_MS);
    expect(await call).toBeInstanceOf(SplitError);
    expect(await call).toMatchObject({ isWritten: true });
    expect(code).toBe("run");
    expect(await held).toBeInstanceOf(SplitError);
    mend();
    await cluster.joined();
    expect(await errorOf(table.insertNew("k", 2))).toBe("resolved with false");
  });

  it("a table that is empty cannot be cleared, nor filled with nothing", async () => {
    const { cluster } = await cutOff("a");
    await cluster.advance(NOTICED_MS);
    const empty = cluster.node("a").table("empty", { split: "pauseMinority" });
    expect(await errorOf(empty.clear())).toBeInstanceOf(SplitError);
    expect(await errorOf(empty.import([...empty.export()]))).toBeInstanceOf(SplitError);
  });
});
