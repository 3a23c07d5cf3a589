/** What a seed lets befall a cluster. */
import { describe, expect, it } from "vitest";
import { FAULT_KINDS, type Fault, Rounds } from "./rounds.ts";

const NODES = ["node1", "node2", "node3", "node4", "node5"];
const LIMIT_MS = 9000;

function draw(seed: number, count: number): Fault[][] {
  const rounds = new Rounds(seed, NODES, true);
  return Array.from({ length: count }, () => rounds.next(LIMIT_MS));
}

describe("rounds of faults", () => {
  it("are the same for the same seed, and others for another", () => {
    expect(draw(7, 20)).toEqual(draw(7, 20));
    expect(draw(7, 20)).not.toEqual(draw(8, 20));
  });

  it("end one node at most, and never strike one twice", () => {
    for (const round of draw(1, 500)) {
      const ends = round.filter(({ kind }) => kind === "kill" || kind === "leave");
      expect(ends.length).toBeLessThanOrEqual(1);
      const struck = round.flatMap((fault) => ("node" in fault ? [fault.node] : []));
      expect(new Set(struck).size).toBe(struck.length);
    }
  });

  it("have every kind of fault within ninety seconds, whatever the seed", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const kinds = new Set(draw(seed, 10).flatMap((round) => round.map(({ kind }) => kind)));
      expect({ seed, kinds: [...kinds].sort() }).toEqual({ seed, kinds: [...FAULT_KINDS].sort() });
    }
  });

  it("end within their limit", () => {
    const rounds = new Rounds(3, NODES, true);
    for (let n = 0; n < 200; n++) {
      for (const { atMs, forMs } of rounds.next(3000)) {
        expect(atMs + forMs).toBeLessThanOrEqual(3100);
      }
    }
  });

  it("leave a database alone that is not ours", () => {
    const rounds = new Rounds(1, NODES, false);
    const all = Array.from({ length: 100 }, () => rounds.next(LIMIT_MS)).flat();
    expect(all.filter(({ kind }) => kind === "database")).toEqual([]);
  });
});
