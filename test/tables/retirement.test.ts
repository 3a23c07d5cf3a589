/** Retiring at scale, and what it costs. The tables know ids and no names: a restart is a new id. */
import { describe, expect, it } from "vitest";
import { encodeKey } from "../../src/tables/key.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { Mesh } from "./mesh.ts";

const RESTARTS = 1000;
const ROOMS = { name: "rooms", type: "set", lifetime: "cluster" } as const;

/** Ids as a database counts them, or as made from a clock: far apart. */
const IDS = {
  "from a database": (at: number) => 10 + at,
  "from a clock": (at: number) => 1_000_000_000 + at * 4_096_000 + ((at * 7919) % 4096),
};

function write(tables: Tables, key: string): void {
  tables.write.set(tables.open(ROOMS), encodeKey(key), encodeValue({ by: tables.origin }));
}

/** Two nodes stay; the third one starts and ends again and again. */
function restarts(idOf: (at: number) => number): { mesh: Mesh; bytesOfAPing: number } {
  const mesh = new Mesh();
  const stay = [mesh.start(1), mesh.start(2)];
  mesh.tick();
  for (let at = 0; at < RESTARTS; at++) {
    const third = mesh.start(idOf(at));
    mesh.settle();
    write(third, `key ${at % 50}`);
    write(stay[at % 2] as Tables, `key ${at % 7}`);
    mesh.settle();
    mesh.end(third.origin, true);
    mesh.tick(2);
  }
  const before = mesh.bytes;
  mesh.tick();
  return { mesh, bytesOfAPing: (mesh.bytes - before) / 2 };
}

describe.each(Object.entries(IDS))("a thousand restarts with ids %s", (_, idOf) => {
  const { mesh, bytesOfAPing } = restarts(idOf);
  const nodes = [...mesh.nodes.values()];

  it("leave vectors as long as the list of nodes", () => {
    for (const { replica } of nodes) {
      expect(replica.origins.listedIndexes().length).toBe(nodes.length);
      expect(replica.origins.closedIds()).toEqual([]);
    }
  });

  it("leave the retired ids in few ranges, and pings short", () => {
    for (const { replica } of nodes) {
      expect(replica.origins.retired.size).toBeLessThanOrEqual(replica.limits.retiredRanges);
    }
    expect(bytesOfAPing).toBeLessThan(1200);
  });

  it("cost one state session each, for the newcomer, and none for retiring", () => {
    expect(mesh.sum("retirements")).toBeGreaterThanOrEqual(2 * RESTARTS);
    expect(mesh.sum("sessions")).toBeLessThanOrEqual(RESTARTS);
    expect(mesh.sum("merges")).toBe(0);
  });

  it("leave the rows of the dead where they were written last, the same on all nodes", () => {
    const [first, second] = nodes.map((tables) => {
      const table = tables.open(ROOMS);
      return [...table.rows.keys()].sort().map((key) => [key, table.visible(key)?.value]);
    });
    expect(first?.length).toBe(50);
    expect(first).toEqual(second);
  });
});

describe("a retirement", () => {
  it("is told with the seq that was covered, and adopted where as much is covered", () => {
    const mesh = new Mesh();
    const [a, b] = [mesh.start(1), mesh.start(2)];
    const third = mesh.start(3);
    write(third, "x");
    mesh.tick();
    mesh.end(3, true);
    mesh.tick(2);
    expect(a.replica.origins.retired.list()).toEqual([[3, 3]]);
    expect(b.replica.origins.retired.list()).toEqual([[3, 3]]);
    expect(mesh.sum("retirementsAdopted")).toBe(1);
    expect(mesh.sum("merges")).toBe(0);
  });

  it("costs a session where the peer does not know the frame", () => {
    const mesh = new Mesh();
    mesh.start(1);
    mesh.start(2, { features: [] });
    const third = mesh.start(3, { features: [] });
    write(third, "x");
    mesh.tick();
    const merges = mesh.sum("merges");
    mesh.end(3, true);
    mesh.tick(3);
    for (const { replica } of mesh.nodes.values()) {
      expect(replica.origins.retired.list()).toEqual([[3, 3]]);
    }
    expect(mesh.sum("merges")).toBe(merges + 1);
  });

  it("of another part of the log is not adopted", () => {
    const mesh = new Mesh();
    const a = mesh.start(1);
    mesh.start(2);
    const third = mesh.start(3);
    write(third, "x");
    mesh.tick();
    mesh.end(3, true);
    // As a node would say that had covered one op more when it retired that origin.
    a.receive(2, new Uint8Array([0x28, 1, 3, 2]));
    expect(a.replica.origins.retired.size).toBe(0);
    a.receive(2, new Uint8Array([0x28, 1, 3, 1]));
    expect(a.replica.origins.retired.list()).toEqual([[3, 3]]);
  });

  it("that covers a node's own origin fences it", () => {
    const mesh = new Mesh({ retiredRanges: 1 });
    const a = mesh.start(1);
    const reasons: string[] = [];
    mesh.start(9, { events: { fenced: (reason) => reasons.push(reason) } });
    mesh.settle();
    // A range from 5 to 12, in a vector frame without anything else.
    mesh.nodes.get(9)?.receive(a.origin, new Uint8Array([0x22, 0, 0, 1, 5, 7, 0, 0]));
    expect(reasons).toEqual(["a peer has closed this incarnation"]);
  });
});
