/** Tables with `leaseSide`: real nodes, real sockets, a database, and splits between them. */
import { afterEach, describe, expect, it } from "vitest";
import { InvalidOptionsError, type Node, SplitError, type Table } from "../../src/index.ts";
import { FaultNetwork } from "../chaos/fault-network.ts";
import { freePort } from "../servers/free-port.ts";
import { joined, type NodeWish, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

const LEASE_MS = 2000;
const TIMINGS = { pingMs: 100, downMs: 500, refusedDownMs: 200, redialMaxMs: 200 };

const nodes = startedNodes();
let network: FaultNetwork | undefined;

afterEach(async () => {
  await network?.dispose();
  network = undefined;
});

const master = (node: Node): Table<string> =>
  node.table<string>("master", { lifetime: "cluster", split: "leaseSide" });

function wish(name: string): NodeWish {
  const discovery = { url: nodes.url, tableOptions: { leaseMs: LEASE_MS } };
  return { name, discovery, timings: TIMINGS };
}

/** Nodes that reach one another through a network that can be cut. */
async function behindNetwork(...names: readonly string[]): Promise<Node[]> {
  const net = new FaultNetwork();
  network = net;
  const started: Node[] = [];
  for (const name of names) {
    const advertise = `ws://127.0.0.1:${await net.add(name)}`;
    const port = await freePort();
    started.push(await nodes.start({ ...wish(name), advertise, listen: { port } }));
    await net.open(name, port);
  }
  await joined(started);
  return started;
}

/** Cuts these nodes off from those; returns what mends it. */
function cut(some: readonly string[], others: readonly string[]): () => void {
  const ends = some.flatMap((a) =>
    others.flatMap((b) => [network?.link(a, b).cut(), network?.link(b, a).cut()]),
  );
  return () => {
    for (const end of ends) end?.();
  };
}

const isOpen = (node: Node): boolean => node.status().paused.length === 0;

async function refusalOf(table: Table<string>): Promise<unknown> {
  return table.set("k", "refused").then(
    () => "written",
    (error: unknown) => error,
  );
}

describe("a table with leaseSide", () => {
  it("is written by all while they see the holder, and in a split on its side alone", async () => {
    const [a, b, c] = (await behindNetwork("a", "b", "c")) as [Node, Node, Node];
    const tables = [a, b, c].map(master) as [Table<string>, Table<string>, Table<string>];
    const told: string[] = [];
    c.on("paused", ({ policy, tables }) => told.push(`paused ${policy} ${tables}`));
    c.on("resumed", ({ policy, tables }) => told.push(`resumed ${policy} ${tables}`));
    await until(() => [a, b, c].every(isOpen));
    for (const table of tables) expect(await table.set("k", "whole")).toMatchObject({ nodes: 2 });
    const holder = a.status().lease?.holder ?? "";
    expect([b, c].map((node) => node.status().lease?.holder)).toEqual([holder, holder]);
    const [first, ...others] = [a, b, c].sort((one) => (one.name === holder ? -1 : 0)) as Node[];
    expect(first?.status().lease).toMatchObject({ holder, isOwn: true, term: 1 });
    // One node alone is the holder's side: the policy does not count.
    const mend = cut(
      [holder],
      others.map(({ name }) => name),
    );
    const cutAt = performance.now();
    await until(() => others.every((node) => node.status().paused[0]?.seen === 2));
    for (const node of others) {
      const error = await refusalOf(node.getTable<string>("master"));
      expect(error).toBeInstanceOf(SplitError);
      expect(error).toMatchObject({ policy: "leaseSide", seen: 2, isWritten: false });
      expect(node.getTable<string>("master").get("k")).toBe("whole");
    }
    await until(() => others.some((node) => node.status().paused[0]?.reason === "lease elsewhere"));
    const kept = first?.getTable<string>("master");
    expect(await kept?.set("k", "on the holder's side")).toMatchObject({ alone: true });
    // Longer than the lease that there was when the split began.
    await until(() => performance.now() - cutAt > 2 * LEASE_MS);
    expect(await kept?.set("k", "much later")).toMatchObject({ alone: true });
    expect(others.map(isOpen)).toEqual([false, false]);
    mend();
    await until(() => others.every(isOpen));
    await joined([a, b, c]);
    for (const table of tables) expect(table.get("k")).toBe("much later");
    expect(await others[0]?.getTable<string>("master").set("k", "whole")).toMatchObject({
      nodes: 2,
    });
    expect(first?.status().lease).toMatchObject({ holder, term: 1 });
    if (holder !== "c") {
      expect(told).toEqual([
        "resumed leaseSide master",
        "paused leaseSide master",
        "resumed leaseSide master",
      ]);
    }
  });

  it("fails over when the holder dies, after its lease, and at once when it leaves", async () => {
    const all = await Promise.all(["a", "b", "c"].map((name) => nodes.start(wish(name))));
    await joined(all);
    for (const node of all) master(node);
    await until(() => all.every(isOpen));
    const holder = all.find((node) => node.status().lease?.isOwn === true) as Node;
    const others = all.filter((node) => node !== holder) as [Node, Node];
    await holder.stop();
    await until(() => others.every((node) => !isOpen(node)));
    await until(() => others.every(isOpen));
    expect(others[0].status().lease).toMatchObject({ term: 2 });
    expect(await others[1].getTable<string>("master").set("k", "v")).toMatchObject({ nodes: 1 });
    const next = others.find((node) => node.status().lease?.isOwn === true) as Node;
    const last = others.find((node) => node !== next) as Node;
    await next.leave();
    const leftAt = performance.now();
    await until(() => last.status().lease?.term === 3);
    // Given back, it need not lapse.
    expect(performance.now() - leftAt).toBeLessThan(LEASE_MS);
    expect(await last.getTable<string>("master").set("k", "w")).toMatchObject({ alone: true });
  });

  it("needs a database, and a lease that outlasts some pings", async () => {
    const listed = await nodes.start({ name: "listed", discovery: { nodes: [] } });
    const slow = await nodes.start({ ...wish("slow"), timings: { pingMs: 500 } });
    for (const [node, fault] of [
      [listed, "needs discovery by a database"],
      [slow, "tableOptions.leaseMs is 2000; at least 5 times pingMs (500) is needed"],
    ] as const) {
      expect(() => master(node)).toThrow(InvalidOptionsError);
      expect(() => master(node)).toThrow(fault);
      expect(node.status().lease).toBeNull();
    }
    slow.table("names", { lifetime: "cluster" });
    expect(slow.status().paused).toEqual([]);
  });
});
