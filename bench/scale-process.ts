/**
 * A whole cluster in one process: links in memory, the real clock. What it costs is the engine
 * alone, without sockets, and CPU time says it however busy the machine is.
 */
import { MemoryNetwork } from "../src/cluster/memory-transport.ts";
import { Node } from "../src/node/node.ts";
import { checkNodeOptions } from "../src/node/options.ts";
import { systemClock, systemRandom } from "../src/node/system.ts";
import type { Table } from "../src/tables/table.ts";
import { CountingTransport, type SentCount } from "./counting-transport.ts";
import { DelayWatch } from "./loop.ts";
import { serve } from "./remote.ts";
import { keyOf, type Session, sessionOf } from "./session-rows.ts";

/** One window. */
export interface ScaleWindow {
  /** Writes acknowledged by all nodes. */
  readonly ops: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly frames: number;
  readonly bytes: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** A type and no interface, because only types fit the index of `Calls`. */
export type ScaleCalls = {
  /** That many nodes that share all rows; answers with how long it took, ms. */
  start(nodes: number): Promise<number>;
  /** So many acknowledged writes by `writers` of the nodes, `callers` in all. */
  write(load: { writers: number; callers: number; ops: number }): Promise<ScaleWindow>;
  /** Nothing for so long: what pings cost. */
  rest(ms: number): Promise<ScaleWindow>;
  /** Throws unless all nodes hold the same rows; answers with how many. */
  compare(_: null): Promise<number>;
};

/**
 * All nodes share one processor and start at once: what would be a hanging node elsewhere is a
 * busy loop here, each node is dialled by all others at the same moment, and the pings of a
 * hundred nodes, of which each tells of a hundred, would leave no time for anything else.
 */
const TIMINGS = {
  pingMs: 20_000,
  downMs: 200_000,
  handshakeMs: 60_000,
  maxPendingLinks: 256,
  maxPendingPerAddress: 256,
  maxDials: 256,
};
/** A hundred that start at once take about 20 s of a processor. */
const JOIN_LIMIT_MS = 120_000;
const COMPARE_LIMIT_MS = 60_000;
const POLL_MS = 100;

const nodes: Node[] = [];
const tables: Table<Session>[] = [];
const sent: SentCount = { frames: 0, bytes: 0 };
let lastRow = 0;

const calls: ScaleCalls = {
  async start(count) {
    const network = new MemoryNetwork(systemClock);
    const start = performance.now();
    const addresses: string[] = [];
    for (let index = 0; index < count; index++) {
      const transport = new CountingTransport(network.transport(systemClock), sent);
      const options = checkNodeOptions({
        cluster: "bench",
        name: `n${index + 1}`,
        timings: TIMINGS,
        discovery: { getNodes: () => addresses },
      });
      const surroundings = { clock: systemClock, random: systemRandom, transport: () => transport };
      const node = new Node(options, surroundings);
      await node.begin();
      addresses.push(node.address);
      nodes.push(node);
      tables.push(node.table<Session>("sessions", { ordered: true }));
    }
    const isJoined = () => nodes.every((node) => node.status().joinedNodes.length === count);
    await until(isJoined, JOIN_LIMIT_MS);
    return performance.now() - start;
  },

  write({ writers, callers, ops }) {
    const writing = tables.slice(0, writers);
    return measured(async () => {
      let left = ops;
      const caller = async (index: number): Promise<void> => {
        const table = writing[index % writing.length];
        while (table && left-- > 0) {
          const row = lastRow++;
          await table.set(keyOf(row), sessionOf(row));
        }
      };
      await Promise.all(Array.from({ length: callers }, (_, index) => caller(index)));
      return ops;
    });
  },

  rest(ms) {
    return measured(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 0;
    });
  },

  async compare() {
    const sums = () => new Set(tables.map((table) => `${table.size} ${table.info().digest}`));
    await until(() => sums().size === 1, COMPARE_LIMIT_MS);
    const [first] = tables;
    if (first?.size !== lastRow) throw new Error(`${first?.size} of ${lastRow} rows are there`);
    return lastRow;
  },
};

async function measured(act: () => Promise<number>): Promise<ScaleWindow> {
  const delay = new DelayWatch();
  delay.start();
  const before = { ...sent };
  const cpu = process.cpuUsage();
  const start = performance.now();
  const ops = await act();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { p99Ms, maxMs } = delay.stop();
  return {
    ops,
    seconds,
    cpuMicros: user + system,
    frames: sent.frames - before.frames,
    bytes: sent.bytes - before.bytes,
    delayP99Ms: p99Ms,
    delayMaxMs: maxMs,
  };
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

serve(calls, () => Promise.all(nodes.map((node) => node.stop())));
