/** What the result of a write says while links among living nodes are broken. */
import { describe, expect, it } from "vitest";
import type { Reached } from "../../src/tables/acks.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { Mesh } from "./mesh.ts";

const ROOMS = { name: "rooms", type: "set", lifetime: "node" } as const;

/** Nodes 1 to `count`, all linked, and then only those pairs that `isLeft` keeps. */
function meshOf(count: number, isLeft: (a: number, b: number) => boolean) {
  const mesh = new Mesh();
  const nodes = Array.from({ length: count }, (_, at) => mesh.start(at + 1));
  for (const tables of nodes) write(tables, "first");
  mesh.tick(2);
  for (let a = 1; a <= count; a++) {
    for (let b = a + 1; b <= count; b++) if (!isLeft(a, b)) mesh.cut(a, b);
  }
  return { mesh, nodes };
}

function write(tables: Tables, key: string): { reached: Reached | null } {
  const outcome: { reached: Reached | null } = { reached: null };
  const table = tables.open(ROOMS);
  const seq = tables.write.set(table, encodeKey([key, tables.origin]), encodeValue(1));
  const done = (reached: Reached): void => {
    outcome.reached = reached;
  };
  const fail = (error: Error): void => {
    throw error;
  };
  tables.wait(seq, { need: "all", timeoutMs: 60_000 }, { done, fail });
  return outcome;
}

describe("with one link broken, or all but those to one node", () => {
  it.each([
    ["one of three", 3, (a: number, b: number) => a !== 1 || b !== 2],
    ["a star of five", 5, (a: number) => a === 1],
  ])("a write is acknowledged by all, over the common neighbour: %s", (_, count, isLeft) => {
    const { mesh, nodes } = meshOf(count, isLeft);
    for (let round = 0; round < 3; round++) {
      const outcomes = nodes.map((tables) => write(tables, `round ${round}`));
      mesh.tick(3);
      for (const { reached } of outcomes) {
        expect(reached).toEqual({ nodes: count - 1, catchingUp: [], alone: false });
      }
    }
  });
});

describe("along a path of four", () => {
  const { mesh, nodes } = meshOf(4, (a, b) => b === a + 1);
  const [first, second] = nodes as [Tables, Tables];

  it("a write waits for who is three steps away until that lags, and names it then", () => {
    const before = [write(first, "x"), write(second, "x")];
    mesh.tick(3);
    expect(before.map(({ reached }) => reached)).toEqual([
      null,
      { nodes: 3, catchingUp: [], alone: false },
    ]);
    mesh.tick(4);
    expect(before[0]?.reached).toEqual({ nodes: 2, catchingUp: ["n4"], alone: false });
  });

  it("later ones do not wait for it, and reach it all the same", () => {
    const { reached } = write(first, "y");
    mesh.settle();
    expect(reached).toBeNull();
    const outcome = write(first, "z");
    mesh.tick(3);
    expect(outcome.reached).toMatchObject({ nodes: 2, catchingUp: ["n4"] });
    const last = nodes[3] as Tables;
    expect(
      last
        .open(ROOMS)
        .visible(encodeKey(["z", 1]))
        ?.read(),
    ).toBe(1);
  });

  it("it counts again when a link gives it a common neighbour, and is forgotten when it is down", () => {
    mesh.link(second, nodes[3] as Tables);
    mesh.tick(4);
    const counted = write(first, "w");
    mesh.tick(3);
    expect(counted.reached).toEqual({ nodes: 3, catchingUp: [], alone: false });
    mesh.end(4, false);
    const outcome = write(first, "v");
    mesh.tick(3);
    expect(outcome.reached).toEqual({ nodes: 2, catchingUp: [], alone: false });
  });
});

it("a node that was never linked is named, and counts once others bring its acknowledgements", () => {
  const mesh = new Mesh();
  const [first] = [mesh.start(1), mesh.start(2)];
  mesh.tick();
  mesh.start(3, { except: [1] });
  const named = write(first, "x");
  mesh.settle();
  expect(named.reached).toEqual({ nodes: 1, catchingUp: ["3"], alone: false });
  mesh.tick(4);
  const counted = write(first, "y");
  mesh.tick(3);
  expect(counted.reached).toEqual({ nodes: 2, catchingUp: [], alone: false });
});

it("a node whose link breaks before it has caught up is named", () => {
  const mesh = new Mesh();
  const [first] = [mesh.start(1), mesh.start(2)];
  write(first, "first");
  mesh.tick();
  mesh.start(3);
  mesh.cut(1, 3);
  const { reached } = write(first, "x");
  expect(reached).toBeNull();
  const outcome = write(first, "y");
  mesh.settle();
  expect(outcome.reached).toEqual({ nodes: 1, catchingUp: ["n3"], alone: false });
});
