/** The twelve lists of status(), each filled by a situation that fills it in real life. */
import { describe, expect, it } from "vitest";
import type { Node } from "../../src/index.ts";
import { freePort } from "../servers/free-port.ts";
import { joined, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

const nodes = startedNodes();

/** Every list that tells of trouble, by the names of those that are not empty. */
function troubles(node: Node): string[] {
  const status = node.status();
  const lists = {
    unavailableNodes: status.unavailableNodes,
    remoteNodesWithoutDiscovery: status.remoteNodesWithoutDiscovery,
    remoteUnknownTables: status.remoteUnknownTables,
    remoteNodesWithUnknownTables: status.remoteNodesWithUnknownTables,
    remoteMissingTables: status.remoteMissingTables,
    remoteNodesWithMissingTables: status.remoteNodesWithMissingTables,
    conflictTables: status.conflictTables,
    conflictNodes: status.conflictNodes,
  };
  return Object.entries(lists)
    .filter(([, list]) => list.length > 0)
    .map(([name]) => name);
}

describe("the lists of status()", () => {
  it("name every node as available, joined and discovered in a whole cluster", async () => {
    const all = await nodes.startAll("a", "b", "c");
    for (const node of all) node.table("sessions");
    const names = ["a", "b", "c"];
    await until(() => all.every((node) => node.status().discoveredNodes.length === 3));
    await until(() => all.every((node) => node.status().availableNodes.length === 3));
    await until(() => all.every((node) => troubles(node).length === 0));
    for (const node of all) {
      expect(node.status()).toMatchObject({
        availableNodes: names,
        joinedNodes: names,
        discoveredNodes: names,
        discoveryWorks: true,
        state: "ready",
      });
    }
  });

  it("name a discovered address where nobody listens as unavailable", async () => {
    const nowhere = `ws://127.0.0.1:${await freePort()}`;
    const b = await nodes.start({ name: "b", discovery: { nodes: [] } });
    const a = await nodes.start({ name: "a", discovery: { nodes: [b.address, nowhere] } });
    await a.ready();
    expect(a.status().unavailableNodes).toEqual([nowhere]);
    expect(a.status().joinedNodes).toEqual(["a", "b"]);
  });

  it("name a node that has died as unavailable, and as joined no longer", async () => {
    const [a, b] = (await nodes.startAll("a", "b")) as [Node, Node];
    await b.stop();
    await until(() => a.status().unavailableNodes.length > 0);
    expect(a.status().unavailableNodes).toEqual(["b"]);
    expect(a.status().availableNodes).toEqual(["a"]);
    expect(a.status().joinedNodes).toEqual(["a"]);
  });

  it("do not take another address of a linked node, or of oneself, for a node", async () => {
    const [portA, portB] = [await freePort(), await freePort()];
    const discovery = { nodes: [`ws://localhost:${portA}`, `ws://localhost:${portB}`] };
    const a = await nodes.start({ name: "a", listen: { port: portA }, discovery });
    const b = await nodes.start({ name: "b", listen: { port: portB }, discovery });
    await Promise.all([a.ready(), b.ready()]);
    await joined([a, b]);
    await until(() => troubles(a).length === 0 && troubles(b).length === 0);
  });

  it("name a linked node whose discovery fails, which says so of itself too", async () => {
    let isBroken = true;
    const a = await nodes.start({ name: "a", discovery: { nodes: [] } });
    const b = await nodes.start({
      name: "b",
      discovery: {
        getNodes: () => {
          if (isBroken) throw new Error("the list of nodes is gone");
          return [a.address];
        },
        timings: { errorMs: 100 },
      },
    });
    const c = await nodes.start({ name: "c", discovery: { nodes: [a.address, b.address] } });
    await joined([a, b, c]);
    await until(() => a.status().remoteNodesWithoutDiscovery.length > 0);
    expect(a.status().remoteNodesWithoutDiscovery).toEqual(["b"]);
    expect(a.status().availableNodes).toEqual(["a", "c"]);
    expect(a.status().discoveryWorks).toBe(true);
    expect(b.status().discoveryWorks).toBe(false);
    expect(b.status().discoveredNodes).toEqual([]);
    expect(b.status().availableNodes).toEqual(["a", "c"]);
    isBroken = false;
    await until(() => a.status().remoteNodesWithoutDiscovery.length === 0);
    expect(a.status().availableNodes).toEqual(["a", "b", "c"]);
    expect(b.status().discoveryWorks).toBe(true);
  });

  it("name tables that others have and this node has not, and the other way round", async () => {
    const [a, b] = (await nodes.startAll("a", "b")) as [Node, Node];
    a.table("rooms");
    await until(() => b.status().remoteUnknownTables.length > 0);
    expect(b.status()).toMatchObject({
      remoteUnknownTables: ["rooms"],
      remoteNodesWithUnknownTables: ["a"],
      remoteMissingTables: [],
    });
    expect(a.status()).toMatchObject({
      remoteMissingTables: ["rooms"],
      remoteNodesWithMissingTables: ["b"],
      remoteUnknownTables: [],
    });
    b.table("rooms");
    await until(() => troubles(a).length === 0 && troubles(b).length === 0);
  });

  it("name a table that is declared in two ways, and keep its rows apart", async () => {
    const [a, b] = (await nodes.startAll("a", "b")) as [Node, Node];
    const here = a.table("rooms", { lifetime: "node" });
    const there = b.table("rooms", { lifetime: "cluster" });
    await until(() => a.status().conflictTables.length > 0 && b.status().conflictTables.length > 0);
    expect(a.status()).toMatchObject({ conflictTables: ["rooms"], conflictNodes: ["b"] });
    expect(b.status()).toMatchObject({ conflictTables: ["rooms"], conflictNodes: ["a"] });
    expect(troubles(a)).toEqual(["conflictTables", "conflictNodes"]);
    expect(await here.set("lobby", 1)).toMatchObject({ nodes: 1 });
    expect(there.has("lobby")).toBe(false);
  });
});
