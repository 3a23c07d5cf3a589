/** The engine of several nodes in one process: links in memory, time by hand. */
import { describe, expect, it } from "vitest";
import { MemoryNetwork, type MemoryTransport } from "../../src/cluster/memory-transport.ts";
import { assembleEngine, type Engine } from "../../src/node/engine.ts";
import { silentLog } from "../../src/runtime.ts";
import { encodeKey } from "../../src/tables/key.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const identity = { name: "sessions", type: "set", lifetime: "node" } as const;

async function mesh(count: number, limits = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  const engines: Engine[] = [];
  const transports: MemoryTransport[] = [];
  const addresses: string[] = [];
  for (let at = 0; at < count; at++) {
    const transport = network.transport();
    transports.push(transport);
    let engine: Engine | undefined;
    const { address } = await transport.listen((link) => (engine as Engine).accept(link));
    engine = assembleEngine(
      { cluster: "c", name: `n${at}`, origin: at + 1, nodeNumber: 0, address, secrets: [], limits },
      { transport, clock, random: new SeededRandom(at + 1), log: silentLog },
    );
    engines.push(engine);
    addresses.push(address);
  }
  for (const engine of engines) {
    engine.start();
    engine.cluster.setTargets(addresses);
  }
  return { clock, engines, transports, addresses };
}

function valueAt(engine: Engine, key: string): unknown {
  return engine.tables.open(identity).visible(encodeKey(key))?.read();
}

describe("engine", () => {
  it("brings a write to every node and settles it when all have applied it", async () => {
    const { clock, engines } = await mesh(3);
    clock.advance(2000);
    const [a, b, c] = engines as [Engine, Engine, Engine];
    let reached: unknown;
    const seq = a.tables.write.set(a.tables.open(identity), encodeKey("k"), encodeValue({ n: 1 }));
    a.tables.wait(
      seq,
      { need: "all", timeoutMs: 1000 },
      {
        done: (result) => {
          reached = result;
        },
        fail: (error) => {
          throw error;
        },
      },
    );
    expect(reached).toBeUndefined();
    clock.advance(10);
    expect(reached).toEqual({ nodes: 2, catchingUp: [], alone: false });
    expect([a, b, c].map((engine) => valueAt(engine, "k"))).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  it("fills a late node by a state session when the op ring does not reach back", async () => {
    const { clock, engines } = await mesh(2, { opRingOps: 4, sliceRows: 3, chunkKeys: 2 });
    const [a, b] = engines as [Engine, Engine];
    for (let at = 0; at < 100; at++) {
      a.tables.write.set(a.tables.open(identity), encodeKey(`k${at}`), encodeValue(at));
    }
    clock.advance(5000);
    expect(b.tables.open(identity).size).toBe(100);
    expect(valueAt(b, "k42")).toBe(42);
    expect(a.tables.counters.sessions).toBeGreaterThan(0);
    expect(b.tables.counters.merges).toBeGreaterThan(0);
  });

  it("drops the rows of a node that says goodbye", async () => {
    const { clock, engines, transports, addresses } = await mesh(3);
    clock.advance(2000);
    const [a, b, c] = engines as [Engine, Engine, Engine];
    a.tables.write.set(a.tables.open(identity), encodeKey("mine"), encodeValue(1));
    a.tables.run();
    clock.advance(50);
    expect(valueAt(b, "mine")).toBe(1);
    a.leave();
    clock.advance(100);
    expect(valueAt(b, "mine")).toBeUndefined();
    expect(c.tables.open(identity).births).toBe(0);
    // As long as somebody answers there, an incarnation unheard of might know more.
    clock.advance(5000);
    expect(b.tables.replica.origins.retired.has(1)).toBe(false);
    await transports[0]?.close();
    clock.advance(10_000);
    // Nor after the first answer of discovery, which may be from before others were listed.
    expect(b.tables.replica.origins.retired.has(1)).toBe(false);
    for (const engine of [b, c]) engine.cluster.setTargets(addresses);
    clock.advance(10_000);
    expect(b.tables.replica.origins.retired.has(1)).toBe(true);
  });
});
