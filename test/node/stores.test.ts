/** Persistent stores of nodes: caches that are in step over the mesh, and what the status says. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Node, NodeOptions } from "../../src/index.ts";
import type { Collection } from "../../src/persistent.ts";
import { joined, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

const started = startedNodes();

/** A database that the nodes of a test share. */
function shared(): NodeOptions["stores"] & object {
  const url = `sqlite:${join(started.folder, "stores.db")}`;
  return {
    defaultStorage: "main",
    storage: { lost: "memory" },
    connections: { main: { adapter: "sql", url } },
  };
}

async function nodes(...names: readonly string[]): Promise<Node[]> {
  const all: Node[] = [];
  for (const name of names) all.push(await started.start({ name, stores: shared() }));
  await joined(all);
  return all;
}

function settings(node: Node): Promise<Collection<number>> {
  return node.stores.open<number>("settings", { cache: true });
}

describe("a cache", () => {
  it("has what another node wrote once that write is acknowledged", async () => {
    const all = await nodes("a", "b", "c");
    const collections = await Promise.all(all.map(settings));
    for (let round = 0; round < 20; round++) {
      const writer = collections[round % 3];
      for (const each of collections) await each.get("limit");
      await writer?.set("limit", round);
      for (const each of collections) expect(await each.get("limit")).toBe(round);
    }
    expect(collections[0]?.cacheCounts()?.hits).toBeGreaterThan(0);
  });

  it("of a node that nobody can tell is too old until it is linked again", async () => {
    const [a, b] = await nodes("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    const [own, other] = [await settings(a), await settings(b)];
    await own.set("limit", 1);
    expect(await other.get("limit")).toBe(1);
    await a.stop();
    await until(() => b.status().links.length === 0);
    const alone = await started.start({
      name: "alone",
      cluster: "another",
      stores: shared(),
    });
    await (await settings(alone)).set("limit", 2);
    expect(await other.get("limit")).toBe(1);
    const again = await started.start({ name: "a", stores: shared() });
    await joined([again, b]);
    expect(await other.get("limit")).toBe(2);
  });

  it("lets a write be done when the other node has gone", async () => {
    const [a, b] = await nodes("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    const own = await settings(a);
    const writes = Array.from({ length: 50 }, (_, index) => own.set("limit", index));
    await b.stop();
    await Promise.all(writes);
    expect(await own.get("limit")).toBeDefined();
  });
});

describe("a node", () => {
  it("says where its stores are, and that those in memory are lost", async () => {
    const warnings: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (fields: object) => warnings.push(fields),
    };
    const node = await started.start({ name: "a", stores: shared(), log });
    expect(node.status().stores).toEqual([
      { connection: "main", adapter: "sql", isPersistent: true, isShared: true },
      { connection: "memory", adapter: "memory", isPersistent: false, isShared: false },
    ]);
    expect(warnings).toContainEqual({ connection: "memory" });
    const lost = await node.stores.keyval("lost");
    await node.stop();
    await expect(lost.get("user")).resolves.toBe(undefined);
    expect(() => node.stores).toThrow(/not open/);
  });

  it("without the option has none, and says which option", async () => {
    const node = await started.start({ name: "a" });
    expect(node.status().stores).toEqual([]);
    expect(() => node.stores).toThrow(/without the option stores/);
  });

  it("does not start with stores that cannot be opened", async () => {
    const stores = { defaultStorage: "nowhere" };
    await expect(started.start({ name: "a", stores })).rejects.toThrow(
      /names the connection "nowhere", which is not there/,
    );
    const connections = { dead: { adapter: "sql", url: "postgres://u:hidden@127.0.0.1:1/x" } };
    const opening = started.start({ name: "a", stores: { defaultStorage: "dead", connections } });
    await expect(opening).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await expect(opening).rejects.not.toThrow(/hidden/);
  });
});
