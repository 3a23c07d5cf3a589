/**
 * Real nodes on real sockets, and one link among them that breaks for good: cut both ways, or
 * half-open, so that bytes are taken from one of the two and never reach the other. Everything
 * goes on by relay over the nodes that both are linked to.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Node, Table } from "../../src/index.ts";
import { FaultNetwork } from "../chaos/fault-network.ts";
import { freePort } from "../servers/free-port.ts";
import { pause } from "../servers/instance.ts";
import { joined, startedNodes, tablesOf } from "./started-nodes.ts";
import { until } from "./until.ts";

const TIMINGS = { pingMs: 150, downMs: 1500, redialMinMs: 100, redialMaxMs: 500 };
/** A write over a broken link settles within this: less than members that lag are waited for. */
const WRITE_MS = 4000;
const LIMIT_MS = 20_000;
const TRIES = 60;

let network: FaultNetwork;
const started = startedNodes();

beforeEach(() => {
  network = new FaultNetwork();
});
afterEach(() => network.dispose());

/** Nodes that are one cluster, each behind a proxy. */
async function meshOf(names: readonly string[]): Promise<Node[]> {
  const nodes: Node[] = [];
  for (const name of names) {
    const port = await freePort();
    const advertise = `ws://127.0.0.1:${await network.add(name)}`;
    await network.open(name, port);
    const listen = { host: "127.0.0.1", port };
    const place = { discovery: { url: `${started.url}` }, listen, advertise };
    nodes.push(await started.start({ name, timings: TIMINGS, ...place }));
  }
  await joined(nodes);
  return nodes;
}

/** Who was late while the link broke is waited for again once its acknowledgements come in time. */
async function inTimeAgain(tables: readonly Table<unknown>[]) {
  await Promise.all(
    tables.map(async (table, at) => {
      for (let tries = 0; tries < TRIES; tries++) {
        if ((await table.set(["again", at], at)).catchingUp.length === 0) return;
        await pause(2 * TIMINGS.pingMs);
      }
      throw new Error(`somebody is late after ${TRIES} writes`);
    }),
  );
}

/** A write of each node reaches all others, in time. */
async function writtenByRelay(nodes: readonly Node[], tables: readonly Table<unknown>[]) {
  await Promise.all(
    tables.map(async (table, at) => {
      const start = performance.now();
      const result = await table.set(["relayed", at], at);
      expect(performance.now() - start).toBeLessThan(WRITE_MS + 1000);
      expect(result).toMatchObject({ nodes: nodes.length - 1, catchingUp: [] });
      // What is acknowledged is there.
      for (const other of tables) expect(other.get(["relayed", at])).toBe(at);
    }),
  );
}

function isLinked(from: Node, to: Node): boolean {
  return from.status().members.some((member) => member.name === to.name && member.linked);
}

const BREAKS = {
  "cut both ways": (from: string, to: string) => {
    network.link(from, to).cut();
    network.link(to, from).cut();
  },
  "half-open, one way": (from: string, to: string) => {
    network.link(from, to).hold();
  },
};

describe.each([[["a", "b", "c"]], [["a", "b", "c", "d"]]])("among %s", (names) => {
  it.each(Object.entries(BREAKS))(
    "a link %s costs neither rows nor acknowledgements",
    async (_, breakLink) => {
      const nodes = await meshOf(names);
      const [a, b] = nodes as [Node, Node];
      const tables = tablesOf(nodes);
      await Promise.all(tables.map((table, at) => table.set(["before", at], at)));
      const wentDown: string[] = [];
      for (const node of nodes) node.on("nodeDown", ({ name }) => wentDown.push(name));

      breakLink("a", "b");
      // Made before anybody has noticed.
      const early = tables.map((table, at) => table.set(["early", at], at));
      await until(() => !isLinked(a, b) && !isLinked(b, a), LIMIT_MS);
      for (const result of await Promise.all(early)) {
        expect(result.nodes + result.catchingUp.length).toBe(nodes.length - 1);
      }
      await inTimeAgain(tables);
      await writtenByRelay(nodes, tables);
      await writtenByRelay(nodes, tables);

      for (const table of tables) {
        for (const at of names.keys()) expect(table.get(["before", at])).toBe(at);
      }
      expect(wentDown).toEqual([]);
      // Each end says which link is down, that the node beyond it lives, and how it heard of it.
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const status = one.status();
        expect(status.unavailableNodes).toContain(other.name);
        expect(status.links.map(({ name }) => name)).not.toContain(other.name);
        expect(status.counters.acksRelayed).toBeGreaterThan(0);
        expect(status.counters.relayed).toBeGreaterThan(0);
      }
    },
    3 * LIMIT_MS,
  );
});
