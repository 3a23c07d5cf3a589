import { describe, expect, it } from "vitest";
import { Mesh, type MeshNode } from "./mesh.ts";

const FORGET_MS = 60_000;
const timings = { forgetAfterMs: FORGET_MS };

async function meshOf(...names: string[]): Promise<{ mesh: Mesh; nodes: MeshNode[] }> {
  const mesh = new Mesh();
  const nodes: MeshNode[] = [];
  for (const name of names) nodes.push(await mesh.add(name, { timings }));
  for (const node of nodes) node.cluster.setTargets(nodes.map((other) => other.address));
  mesh.clock.advance(5000);
  for (const node of nodes) node.takeEvents();
  return { mesh, nodes };
}

/** No node of the first list reaches one of the second, nor the other way. */
function split(one: readonly MeshNode[], other: readonly MeshNode[]): void {
  for (const [near, far] of [
    [one, other],
    [other, one],
  ]) {
    for (const node of near ?? []) {
      const addresses = (far ?? []).map((target) => target.address);
      for (const address of addresses) node.unreachable.set(address, "silent");
      for (const { link } of node.links) {
        if (addresses.includes(link.remote)) link.close("cut");
      }
    }
  }
}

function heal(nodes: readonly MeshNode[]): void {
  for (const node of nodes) node.unreachable.clear();
}

const closings = (node: MeshNode): string[] =>
  node.events.filter((event) => event.startsWith("originClosed"));
const fencings = (nodes: readonly MeshNode[]): string[] =>
  nodes
    .filter((node) => node.events.some((event) => event.startsWith("fenced")))
    .map((n) => n.name);

describe("absence", () => {
  it("who is down for forgetAfterMs at all members is closed by all, once, not earlier", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c", "d");
    const gone = nodes[3];
    await gone?.crash();
    mesh.clock.advance(FORGET_MS - 1000);
    for (const node of nodes.slice(0, 3)) expect(closings(node)).toEqual([]);
    mesh.clock.advance(5000);
    for (const node of nodes.slice(0, 3)) {
      expect(closings(node)).toEqual(["originClosed 4: absent"]);
      expect(node.state("d")).toBe("unknown");
    }
    mesh.clock.advance(FORGET_MS);
    for (const node of nodes.slice(0, 3)) expect(closings(node).length).toBe(1);
  });

  it("closes an origin that all hold rows of and nobody alive has ever met", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c");
    for (const { heldOrigins } of nodes) heldOrigins.add(99);
    mesh.clock.advance(FORGET_MS - 1000);
    for (const node of nodes) expect(closings(node)).toEqual([]);
    mesh.clock.advance(10_000);
    for (const node of nodes) expect(closings(node)).toEqual(["originClosed 99: absent"]);
  });

  it("is not agreed while one member that counts as alive still hears it", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c");
    const [a, b, c] = nodes;
    if (a === undefined || b === undefined || c === undefined) throw new Error("no nodes");
    // a and c do not reach one another, and b, which reaches both, stops telling of c.
    split([a], [c]);
    mesh.clock.advance(3 * FORGET_MS);
    expect(closings(a)).toEqual([]);
    expect(a.alive()).toEqual(["b", "c"]);
  });

  it("is not agreed while a live member is not linked, for its list is not known", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c", "d");
    const [a, b, c, d] = nodes;
    if (!a || !b || !c || !d) throw new Error("no nodes");
    split([a], [b]);
    await d.crash();
    // c closes it, and lists it for a minute more.
    mesh.clock.advance(1.5 * FORGET_MS);
    expect(a.alive()).toEqual(["b", "c"]);
    expect(closings(a)).toEqual([]);
    expect(closings(b)).toEqual([]);
    heal([a, b]);
    mesh.clock.advance(15_000);
    for (const node of [a, b, c]) expect(closings(node)).toEqual(["originClosed 4: absent"]);
  });

  it("never closes where forgetAfterMs is 0", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a", { timings: { forgetAfterMs: 0 } });
    const b = await mesh.add("b", { timings: { forgetAfterMs: 0 } });
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(100);
    await b.crash();
    mesh.clock.advance(3_600_000);
    expect(closings(a)).toEqual([]);
    expect(a.state("b")).toBe("down");
  });

  it("a stall of the judge itself does not count as the others' absence", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c");
    const [a, b] = nodes;
    a?.clock.freeze();
    mesh.clock.advance(10 * FORGET_MS);
    expect(b && closings(b)).toEqual(["originClosed 1: absent"]);
    a?.clock.thaw();
    mesh.clock.advance(10_000);
    expect(a && closings(a)).toEqual([]);
    expect(fencings(nodes)).toEqual(["a"]);
  });

  it("of two sides only the one with more than half of all closes the other", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c", "d", "e");
    const small = nodes.slice(0, 2);
    const large = nodes.slice(2);
    split(small, large);
    mesh.clock.advance(2 * FORGET_MS);
    expect(closings(small[0] as MeshNode)).toEqual([]);
    expect(closings(large[0] as MeshNode).length).toBe(2);
    heal(nodes);
    mesh.clock.advance(20_000);
    expect(fencings(nodes)).toEqual(["a", "b"]);
    for (const node of large) expect(node.linked().length).toBe(2);
  });

  it("two halves close nobody and are one cluster again", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c", "d");
    split(nodes.slice(0, 2), nodes.slice(2));
    mesh.clock.advance(2 * FORGET_MS);
    heal(nodes);
    mesh.clock.advance(20_000);
    expect(fencings(nodes)).toEqual([]);
    for (const node of nodes) expect(node.linked().length).toBe(3);
  });

  it("the fenced side comes back as new incarnations, and the cluster is whole", async () => {
    const { mesh, nodes } = await meshOf("a", "b", "c");
    const [a, b, c] = nodes;
    if (!a || !b || !c) throw new Error("no nodes");
    split([a, b], [c]);
    mesh.clock.advance(2 * FORGET_MS);
    heal(nodes);
    mesh.clock.advance(10_000);
    expect(fencings(nodes)).toEqual(["c"]);
    await c.crash();
    const again = await mesh.add("c", { transport: c.transport, origin: 10, timings });
    again.cluster.setTargets([a.address]);
    mesh.clock.advance(10_000);
    expect(again.linked()).toEqual(["a", "b"]);
    expect(a.linked()).toEqual(["b", "c"]);
  });
});
