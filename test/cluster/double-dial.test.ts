import { describe, expect, it } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import { silentLog } from "../../src/runtime.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { ChaosNetwork } from "./chaos-network.ts";

interface StormSetup {
  readonly count: number;
  readonly hopMsMax: number;
  /** Whether nodes are dialled by an address that they do not advertise, too. */
  readonly aliases: boolean;
  readonly startMsMax?: number;
}

/** Nodes that all know one another and start at once, over a network with random delays. */
class Storm {
  readonly clock = new VirtualClock();
  readonly network: ChaosNetwork;
  readonly clusters: Cluster[] = [];
  readonly linkDowns: string[] = [];
  readonly memberDowns: string[] = [];
  readonly greetings = new Map<string, number>();

  constructor(seed: number, setup: StormSetup) {
    const random = new SeededRandom(seed);
    this.network = new ChaosNetwork(this.clock, random);
    this.network.hopMsMax = setup.hopMsMax;
    const addresses: string[] = [];
    // Origins in a random order: who is lower must not depend on who starts first.
    const origins = Array.from({ length: setup.count }, (_, index) => index + 1);
    origins.sort(() => random.float() - 0.5);
    const targets = (index: number): string[] =>
      addresses.flatMap((address, other) => {
        if (other === index) return [];
        if (!setup.aliases) return [address];
        const pick = random.float();
        return pick < 0.4
          ? [`${address}/alias`]
          : pick < 0.7
            ? [address]
            : [address, `${address}/alias`];
      });
    for (const origin of origins) {
      const address = `chaos://${origin}`;
      addresses.push(address);
      const transport = this.network.transport(address, `${address}/alias`);
      const cluster = this.#cluster(origin, { address, random, transport });
      transport.listen((link) => cluster.accept(link));
      this.clusters.push(cluster);
    }
    this.clusters.forEach((cluster, index) => {
      this.clock.after(random.float() * (setup.startMsMax ?? 50), () => {
        cluster.start();
        cluster.setTargets(targets(index));
      });
    });
  }

  /** Each node greets each peer; what arrives is counted by pair. */
  greet(): number {
    this.greetings.clear();
    for (const cluster of this.clusters) {
      for (const peer of cluster.linkedPeers()) cluster.send(peer.origin, Uint8Array.of(0x20));
    }
    this.clock.advance(this.network.hopMsMax * 2);
    return this.greetings.size;
  }

  #cluster(
    origin: number,
    made: {
      address: string;
      random: SeededRandom;
      transport: Pick<ReturnType<ChaosNetwork["transport"]>, "dial">;
    },
  ): Cluster {
    const { address, random, transport } = made;
    const name = `n${origin}`;
    const options = { cluster: "c", name, origin, nodeNumber: 0, address, secrets: ["s"] };
    return new Cluster(options, {
      transport,
      clock: this.clock,
      random,
      log: silentLog,
      isClosed: () => false,
      events: {
        linkUp: () => {},
        linkDown: (peer, reason) => this.linkDowns.push(`${name} ${peer.name}: ${reason}`),
        frame: (peer) => this.greetings.set(`${peer.origin} ${origin}`, 1),
        memberUp: () => {},
        memberDown: (member, reason) => this.memberDowns.push(`${name} ${member.name} ${reason}`),
        originClosed: () => {},
        fenced: () => {},
        refused: () => {},
        tick: () => {},
      },
    });
  }
}

const seeds = Array.from({ length: 100 }, (_, index) => index + 1);

describe("nodes that dial one another at once", () => {
  for (const setup of [
    { count: 2, hopMsMax: 100, aliases: false },
    { count: 2, hopMsMax: 400, aliases: true },
    { count: 5, hopMsMax: 100, aliases: false },
    { count: 5, hopMsMax: 400, aliases: true },
  ]) {
    const { count, hopMsMax, aliases } = setup;
    const what = `${count} nodes, hops up to ${hopMsMax} ms${aliases ? ", with aliases" : ""}`;
    const pairs = (count * (count - 1)) / 2;

    it(`end with one link per pair, and no link is lost on the way: ${what}`, () => {
      for (const seed of seeds.slice(0, count === 2 ? 100 : 25)) {
        const storm = new Storm(seed, setup);
        storm.clock.advance(13_000);
        expect(storm.linkDowns, `seed ${seed}`).toEqual([]);
        expect(storm.network.open.size, `seed ${seed}`).toBe(pairs);
        expect(storm.greet(), `seed ${seed}`).toBe(2 * pairs);
        for (const cluster of storm.clusters) {
          expect(cluster.linkedPeers().length).toBe(count - 1);
          expect(cluster.status().pendingLinks).toBe(0);
          expect(cluster.status().replacedLinks).toBe(0);
        }
      }
    });
  }

  it("find together again, with one link per pair, however their links break", () => {
    for (const seed of seeds.slice(0, 25)) {
      const storm = new Storm(seed, { count: 4, hopMsMax: 100, aliases: seed % 2 === 0 });
      storm.clock.advance(3000);
      for (let count = 0; count < 20; count++) {
        storm.network.breakOne();
        storm.clock.advance(storm.network.hopMs() * 5);
      }
      storm.clock.advance(8000);
      expect(storm.linkDowns.length).toBeGreaterThan(0);
      expect(storm.memberDowns, `seed ${seed}`).toEqual([]);
      expect(storm.network.open.size, `seed ${seed}`).toBe(6);
      expect(storm.greet(), `seed ${seed}`).toBe(12);
    }
  });

  it("keep the link that the lower origin dialled, in whatever order they start", () => {
    for (const seed of seeds) {
      const setup = { count: 2, hopMsMax: 0, aliases: false, startMsMax: 0 };
      const storm = new Storm(seed, setup);
      storm.clock.advance(2000);
      const [link] = storm.network.open;
      // The dialling end's remote is the address that was dialled.
      const dialled = link?.remote === "somewhere" ? link.other?.remote : link?.remote;
      expect(dialled, `seed ${seed}`).toBe("chaos://2");
    }
  });
});
