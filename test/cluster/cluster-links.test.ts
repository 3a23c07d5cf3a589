import { describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidOptionsError, TooLargeError } from "../../src/errors.ts";
import { Mesh } from "./mesh.ts";

const frame = (...bytes: number[]) => Uint8Array.of(0x20, ...bytes);

describe("links", () => {
  it("two nodes of which one knows the other link, and both announce it once", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(10);
    expect(a.events).toEqual(["memberUp b", "linkUp b"]);
    expect(b.events).toEqual(["memberUp a", "linkUp a"]);
    mesh.clock.advance(60_000);
    expect(a.events.length + b.events.length).toBe(4);
    expect(a.ticks).toBe(61);
  });

  it("frames of the layer above reach the peer as they were, from within linkUp on", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(10);
    a.cluster.send(b.origin, frame(1, 2, 3));
    b.cluster.send(a.origin, frame());
    mesh.clock.settle();
    expect(b.frames).toEqual([{ from: "a", frame: frame(1, 2, 3) }]);
    expect(a.frames).toEqual([{ from: "b", frame: frame() }]);
    expect(a.cluster.bufferedBytes(b.origin)).toBe(0);
  });

  it("a frame without a link goes nowhere, and one that could never go is refused", async () => {
    const mesh = new Mesh();
    const [a] = await mesh.all("a", "b");
    a?.cluster.send(99, frame());
    expect(a?.cluster.bufferedBytes(99)).toBe(0);
    expect(() => a?.cluster.send(2, Uint8Array.of(0x1f))).toThrow(InvalidArgumentError);
    expect(() => a?.cluster.send(2, new Uint8Array(0))).toThrow(InvalidArgumentError);
    const large = new Uint8Array(16 * 1024 * 1024 + 1).fill(0x20);
    expect(() => a?.cluster.send(2, large)).toThrow(TooLargeError);
  });

  it("a member known by gossip alone is dialled", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    const c = await mesh.add("c");
    a.cluster.setTargets([b.address]);
    c.cluster.setTargets([b.address]);
    mesh.clock.advance(3000);
    expect(a.linked()).toEqual(["b", "c"]);
    expect(c.linked()).toEqual(["a", "b"]);
    expect(a.events.filter((event) => event === "memberUp c").length).toBe(1);
  });

  it("five nodes that start at once are linked each with each, by one link per pair", async () => {
    const mesh = new Mesh();
    const nodes = await mesh.all("a", "b", "c", "d", "e");
    for (const node of nodes) {
      expect(node.linked().length).toBe(4);
      expect(node.events.filter((event) => event.startsWith("linkDown"))).toEqual([]);
      expect(node.cluster.status()).toMatchObject({ links: 4, pendingLinks: 0, handshakes: 4 });
    }
  });

  it("the node's own address among the targets is found out and left alone", async () => {
    const mesh = new Mesh();
    const transport = mesh.newTransport();
    const a = await mesh.add("a", { transport, address: "memory://outside" });
    a.cluster.setTargets(["memory://1", "memory://outside"]);
    mesh.clock.advance(60_000);
    expect(a.cluster.status().ownAddresses).toEqual(["memory://1"]);
    expect(a.cluster.status().dials).toEqual([]);
    // Once as dialler, once as acceptor.
    expect(a.refusals.map((refusal) => refusal.reason)).toEqual(["self", "self"]);
  });

  it("a link that breaks is made again, and nobody was down", async () => {
    const mesh = new Mesh();
    const [a, b] = await mesh.all("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    a.takeEvents();
    const states: string[] = [];
    a.onEvent = () => states.push(a.state("b"));
    a.breakLinks();
    // At once: it is not waited for anything.
    mesh.clock.settle();
    expect(a.events).toEqual(["linkDown b: connection reset", "linkUp b"]);
    expect(states).toEqual(["suspect", "alive"]);
    expect(b.linked()).toEqual(["a"]);
  });

  it("a link that only one end knows to be broken is replaced by a new one", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(10);
    b.takeEvents();
    // Only a hears that the socket is gone: b holds it for half-open for the moment.
    for (const { handler } of a.links) handler.closed("connection reset");
    mesh.clock.advance(500);
    expect(b.events).toEqual(["linkDown a: replaced by a new link", "linkUp a"]);
    expect(a.linked()).toEqual(["b"]);
    expect(b.cluster.status().replacedLinks).toBe(1);
    b.cluster.send(a.origin, frame(5));
    mesh.clock.settle();
    expect(a.frames.length).toBe(1);
    mesh.clock.advance(20_000);
    expect(b.linked()).toEqual(["a"]);
    expect(b.events.length).toBe(2);
  });

  it("disconnect closes the link with its reason, and it comes up again", async () => {
    const mesh = new Mesh();
    const [a, b] = await mesh.all("a", "b");
    a?.takeEvents();
    b?.takeEvents();
    a?.cluster.disconnect(2, "too slow");
    expect(a?.events).toEqual(["linkDown b: too slow"]);
    mesh.clock.advance(500);
    expect(a?.events).toEqual(["linkDown b: too slow", "linkUp b"]);
    expect(b?.events).toEqual(["linkDown a: too slow", "linkUp a"]);
  });

  it("a peer that does not read is cut off before it costs more than the limit", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a", { timings: { maxBufferedBytes: 1_000_000, downMs: 60_000 } });
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(10);
    b.clock.freeze();
    for (let count = 0; count < 11; count++)
      a.cluster.send(b.origin, new Uint8Array(100_000).fill(0x20));
    expect(a.cluster.bufferedBytes(b.origin)).toBe(1_100_000);
    mesh.clock.advance(300);
    expect(a.events.at(-1)).toMatch(/^linkDown b: 11\d{5} bytes wait to be read$/);
    expect(a.cluster.bufferedBytes(b.origin)).toBe(0);
  });

  it("addresses that discovery has dropped are dialled no more", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    a.cluster.setTargets(["memory://77", "memory://78"]);
    mesh.clock.advance(1000);
    expect(a.cluster.status().dials.map((dial) => dial.address)).toEqual([
      "memory://77",
      "memory://78",
    ]);
    expect(a.cluster.status().dials[0]?.lastFailure).toMatch(/^refused/);
    a.cluster.setTargets([]);
    expect(a.cluster.status().dials).toEqual([]);
    let dialled = 0;
    a.onDial = () => {
      dialled++;
    };
    mesh.clock.advance(60_000);
    expect(dialled).toBe(0);
  });

  it("redials wait longer and longer, up to the limit, and never stop", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const dials: number[] = [];
    a.onDial = () => dials.push(mesh.clock.now());
    a.cluster.setTargets(["memory://77"]);
    mesh.clock.advance(120_000);
    const waits = dials.slice(1).map((at, index) => at - (dials[index] ?? 0));
    waits.forEach((wait, index) => {
      const full = Math.min(5000, 100 * 2 ** (index + 1));
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    });
    expect(waits.length).toBeGreaterThan(120_000 / 5000);
    expect(new Set(waits.slice(8)).size).toBeGreaterThan(5);
  });

  it("all faults of the options are named at once", async () => {
    const mesh = new Mesh();
    const options = {
      cluster: "",
      name: "a\nb",
      origin: 0,
      nodeNumber: -1,
      secrets: [""],
      features: ["x".repeat(33)],
      protocols: { min: 2, max: 1 },
      timings: { pingMs: 0, downMs: 1.5, forgetAfterMs: -1, maxFrameBytes: 5 },
    };
    const failure = mesh.add("a", options);
    await expect(failure).rejects.toThrow(InvalidOptionsError);
    await failure.catch((error: unknown) => {
      if (!(error instanceof InvalidOptionsError)) throw error;
      expect(error.faults.length).toBe(11);
    });
  });
});
