import { describe, expect, it } from "vitest";
import { encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import type { ClusterOptions } from "../../src/cluster/cluster-options.ts";
import { ProtocolError } from "../../src/errors.ts";
import type { Log } from "../../src/runtime.ts";
import { Mesh, type MeshNode } from "./mesh.ts";
import { Stranger, type StrangerOptions } from "./stranger.ts";

type Pair = { mesh: Mesh; a: MeshNode; b: MeshNode };

/** Two nodes with differing options; b dials a. */
async function pair(ofA: Partial<ClusterOptions>, ofB: Partial<ClusterOptions>): Promise<Pair> {
  const mesh = new Mesh();
  const a = await mesh.add("a", ofA);
  const b = await mesh.add("b", ofB);
  b.cluster.setTargets([a.address]);
  mesh.clock.advance(50);
  return { mesh, a, b };
}

/** A node and somebody who dials it by hand. */
async function visited(
  options: StrangerOptions = {},
  first?: Uint8Array[],
): Promise<{ mesh: Mesh; a: MeshNode; stranger: Stranger }> {
  const mesh = new Mesh();
  const a = await mesh.add("a", { timings: { redialMinMs: 4000 } });
  const stranger = new Stranger(options).dial(mesh.newTransport(), a.address, first);
  mesh.clock.advance(1);
  return { mesh, a, stranger };
}

const reasons = (node: MeshNode): string[] =>
  node.refusals.map(({ reason, byUs }) => `${reason} by ${byUs ? "us" : "them"}`);

describe("refusals", () => {
  it.each([
    ["secret", { secrets: ["one"] }, { secrets: ["another"] }, "b"],
    ["secret", { secrets: ["one"] }, { secrets: [] }, "b"],
    ["secret", { secrets: [] }, { secrets: ["one"] }, "b"],
    ["cluster", { cluster: "one" }, { cluster: "another" }, "a"],
    ["protocol", { protocols: { min: 2, max: 3 } }, { protocols: { min: 4, max: 5 } }, "a"],
    ["self", { origin: 7 }, { origin: 7 }, "a"],
  ] as const)("a differing %s is refused, counted and told on both sides", async (...row) => {
    const [reason, ofA, ofB, refuser] = row;
    const { a, b } = await pair(ofA, ofB);
    const [us, them] = refuser === "a" ? [a, b] : [b, a];
    expect(reasons(us)).toEqual([`${reason} by us`]);
    expect(reasons(them)).toEqual([`${reason} by them`]);
    expect(them.refusals[0]?.message).toBe(us.refusals[0]?.message);
    expect(us.cluster.status().refusedByUs).toEqual({ [reason]: 1 });
    expect(them.cluster.status().refusedByPeers).toEqual({ [reason]: 1 });
    expect(a.linked()).toEqual([]);
    expect(a.events).toEqual([]);
  });

  it("where a quick retry cannot help, the next one comes after the longest wait", async () => {
    const { mesh, b } = await pair({ cluster: "one" }, { cluster: "another" });
    const dials: number[] = [];
    b.onDial = () => dials.push(mesh.clock.now());
    mesh.clock.advance(2400);
    expect(dials.length).toBe(0);
    mesh.clock.advance(2600);
    expect(dials.length).toBe(1);
  });

  it.each([
    ["differ", 60_001, "clock by us"],
    ["differ just so", 60_000, undefined],
    ["differ the other way", -60_001, "clock by us"],
  ])("wall clocks that %s", async (_what, skew, refusal) => {
    const { a } = await visited({ wall: 1_700_000_000_000 + skew });
    expect(reasons(a)[0]).toBe(refusal);
  });

  it("an origin known under another name is refused", async () => {
    const { mesh, a } = await visited();
    expect(a.linked()).toEqual(["stranger"]);
    const impostor = new Stranger({ name: "other" }).dial(mesh.newTransport(), a.address);
    mesh.clock.advance(1);
    expect(impostor.heard()).toEqual(["refuse name"]);
    expect(a.linked()).toEqual(["stranger"]);
  });

  it("a handshake that takes too long is refused, and so is a dial", async () => {
    const { mesh, a, stranger } = await visited({}, []);
    mesh.clock.advance(4900);
    expect(a.refusals).toEqual([]);
    mesh.clock.advance(200);
    expect(reasons(a)).toEqual(["timeout by us"]);
    expect(stranger.heard()).toEqual(["refuse timeout"]);
    expect(stranger.closings).toEqual(["refused: timeout"]);
    a.unreachable.set("memory://50", "silent");
    a.cluster.setTargets(["memory://50"]);
    mesh.clock.advance(5100);
    expect(a.cluster.status().dials[0]?.lastFailure).toBe("timeout: no link within 5000 ms");
  });

  it("a handshake that stops half-way is refused too", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const stranger = new Stranger();
    stranger.answers = false;
    stranger.dial(mesh.newTransport(), a.address);
    mesh.clock.advance(5100);
    expect(stranger.heard()).toEqual(["welcome", "refuse timeout"]);
    expect(a.cluster.status().pendingLinks).toBe(0);
    expect(a.events).toEqual([]);
  });

  it("handshakes under way are limited for each host, and members still get in later", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const transport = mesh.newTransport();
    const strangers = Array.from({ length: 20 }, () =>
      new Stranger().dial(transport, a.address, []),
    );
    mesh.clock.advance(1);
    expect(a.cluster.status().pendingLinks).toBe(16);
    expect(strangers.map((stranger) => stranger.heard()[0] ?? "waits").sort()).toEqual([
      ...Array.from({ length: 4 }, () => "refuse busy"),
      ...Array.from({ length: 16 }, () => "waits"),
    ]);
    const b = await mesh.add("b");
    b.cluster.setTargets([a.address]);
    mesh.clock.advance(1);
    expect(b.linked()).toEqual(["a"]);
    mesh.clock.advance(5100);
    expect(a.cluster.status().pendingLinks).toBe(0);
  });

  it("handshakes under way are limited in all", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a", { timings: { maxPendingLinks: 3 } });
    for (let count = 0; count < 5; count++) {
      const transport = mesh.newTransport();
      await transport.listen(() => ({ frame() {}, closed() {} }));
      new Stranger().dial(transport, a.address, []);
    }
    mesh.clock.advance(1);
    expect(a.cluster.status()).toMatchObject({ pendingLinks: 3, refusedByUs: { busy: 2 } });
  });

  it("a flood of refusals does not flood the log", async () => {
    const lines: string[] = [];
    const line = (level: string) => (fields: object) => {
      if ("event" in fields && fields.event === "link-refused") lines.push(level);
    };
    const [debug, info, warn, error] = ["debug", "info", "warn", "error"].map(line);
    if (!debug || !info || !warn || !error) throw new Error("no log");
    const log: Log = { debug, info, warn, error };
    const mesh = new Mesh();
    const a = await mesh.add("a", { log });
    for (let count = 0; count < 100; count++) {
      new Stranger({ cluster: "other" }).dial(mesh.newTransport(), a.address);
      mesh.clock.advance(10);
    }
    expect(lines.filter((level) => level === "warn").length).toBe(1);
    expect(lines.length).toBe(100);
    expect(a.cluster.status().refusedByUs).toEqual({ cluster: 100 });
  });
});

describe("versions and features", () => {
  it("the highest common version is used", async () => {
    const { a, b } = await pair(
      { protocols: { min: 1, max: 3 } },
      { protocols: { min: 2, max: 5 } },
    );
    expect(a.cluster.linkedPeers()[0]?.protocol).toBe(3);
    expect(b.cluster.linkedPeers()[0]?.protocol).toBe(3);
  });

  it("a peer has the features that both have", async () => {
    const { a, b } = await pair({ features: ["x", "y"] }, { features: ["y", "z"] });
    expect(a.cluster.linkedPeers()[0]?.features).toEqual(["y"]);
    expect(b.cluster.linkedPeers()[0]?.features).toEqual(["y"]);
  });
});

describe("secrets", () => {
  it("a secret is changed in three steps, and the mesh stays whole at each", async () => {
    const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
    for (const [index, step] of steps.entries()) {
      for (const other of [steps[index - 1] ?? step, step, steps[index + 1] ?? step]) {
        const { a, b } = await pair({ secrets: step }, { secrets: other });
        expect(b.linked(), `${step} and ${other}`).toEqual(["a"]);
        expect(a.linked(), `${step} and ${other}`).toEqual(["b"]);
      }
    }
    // A step left out breaks it: the test above could fail.
    const { b } = await pair({ secrets: ["new", "old"] }, { secrets: ["old"] });
    expect(b.linked()).toEqual([]);
  });

  it("without a secret on either side nodes link", async () => {
    const { b } = await pair({ secrets: [] }, { secrets: [] });
    expect(b.linked()).toEqual(["a"]);
  });
});

describe("bad frames", () => {
  const ping = (origin: number) =>
    encodeClusterFrame({
      kind: "ping",
      stamp: 0,
      members: [{ origin, name: "x", nodeNumber: 0, address: "x", beat: 1, linked: false }],
      absent: [],
    });

  it.each([
    ["random bytes", Uint8Array.of(0xff, 1, 2, 3)],
    ["an empty frame", new Uint8Array(0)],
    ["a ping", ping(1000)],
    ["a frame of the layer above", Uint8Array.of(0x20, 1)],
    ["a refusal", encodeClusterFrame({ kind: "refuse", reason: "busy", message: "no" })],
    ["a proof", encodeClusterFrame({ kind: "proof", verdict: "open", proof: new Uint8Array(32) })],
    ["more than 4 KiB", new Uint8Array(4097).fill(1)],
  ])("%s before a hello is malformed", async (_what, first) => {
    const { a, stranger } = await visited({}, [first]);
    expect(reasons(a)).toEqual(["malformed by us"]);
    expect(stranger.heard()).toEqual(["refuse malformed"]);
    expect(a.cluster.status()).toMatchObject({ badFrames: 1, pendingLinks: 0 });
    expect(a.frames).toEqual([]);
  });

  it("a frame of more than 4 KiB before a proof is not even decoded", async () => {
    const long = new Uint8Array(4097);
    long.set(new Stranger().handshake.hello());
    const { a } = await visited({}, [long]);
    expect(a.refusals[0]?.message).toBe("frame of 4097 bytes, allowed are 4096");
    // One byte less is a hello with something behind it, as of a later version.
    const { stranger } = await visited({}, [long.subarray(0, 4096)]);
    expect(stranger.heard()).toEqual(["welcome"]);
  });

  it("a frame between hello and proof is malformed, and a proof made up is no secret", async () => {
    for (const [frame, reason] of [
      [Uint8Array.of(0x20, 1), "malformed"],
      [ping(1000), "malformed"],
      [encodeClusterFrame({ kind: "proof", verdict: "open", proof: new Uint8Array(32) }), "secret"],
    ] as const) {
      const stranger = new Stranger();
      const { a } = await visited({}, [stranger.handshake.hello(), frame]);
      expect(reasons(a)).toEqual([`${reason} by us`]);
      expect(a.frames).toEqual([]);
      expect(a.events).toEqual([]);
    }
  });

  it("a recorded handshake said again opens nothing", async () => {
    const { mesh, a } = await visited();
    const mine = a.links[0];
    if (mine === undefined) throw new Error("no link");
    // The very bytes of a good handshake: hello as sent, and the proof that fitted then.
    const recorded: Uint8Array[] = [];
    const taping = new Stranger();
    const transport = mesh.newTransport();
    taping.dial(
      {
        dial: (address, handler) =>
          transport.dial(address, {
            ...handler,
            failed: handler.failed.bind(handler),
            opened: (link) =>
              handler.opened({
                remote: link.remote,
                send: (frame) => {
                  recorded.push(frame.slice());
                  link.send(frame);
                },
                bufferedBytes: () => link.bufferedBytes(),
                close: (reason, flush) => link.close(reason, flush),
              }),
          }),
      },
      a.address,
    );
    mesh.clock.advance(1);
    expect(recorded.length).toBe(2);
    expect(taping.heard().slice(0, 2)).toEqual(["welcome", "ping"]);
    const replay = new Stranger();
    replay.answers = false;
    replay.dial(mesh.newTransport(), a.address, recorded);
    mesh.clock.advance(1);
    expect(replay.heard()).toEqual(["welcome", "refuse secret"]);
  });

  it("the acceptor's own proof sent back to it is none", async () => {
    const { mesh, a } = await visited();
    const mirror = new Stranger();
    mirror.answers = false;
    mirror.dial(mesh.newTransport(), a.address);
    mesh.clock.advance(1);
    const [welcome] = mirror.received;
    if (welcome?.kind !== "welcome") throw new Error("no welcome");
    mirror.say({ kind: "proof", verdict: "open", proof: welcome.proof });
    mesh.clock.advance(1);
    expect(mirror.heard()).toEqual(["welcome", "refuse secret"]);
  });

  it.each([
    ["a second hello", new Stranger().handshake.hello()],
    ["garbage", Uint8Array.of(0x05, 0, 0)],
    ["an unknown kind", Uint8Array.of(0x1f)],
    ["a ping in another's name", ping(5)],
  ])("%s on a link that is up closes it, and counts", async (_what, frame) => {
    const { mesh, a, stranger } = await visited();
    stranger.link?.send(frame);
    mesh.clock.advance(1);
    expect(a.events.at(-1)).toMatch(/^linkDown stranger: /);
    expect(a.cluster.status().badFrames).toBe(1);
    expect(stranger.closings.length).toBe(1);
  });

  it("a ProtocolError of the layer above closes the link with its message", async () => {
    const { mesh, a, stranger } = await visited();
    a.onFrame = () => {
      throw new ProtocolError("no such table");
    };
    stranger.link?.send(Uint8Array.of(0x20));
    stranger.link?.send(Uint8Array.of(0x21));
    mesh.clock.advance(1);
    expect(a.events.at(-1)).toBe("linkDown stranger: no such table");
    expect(stranger.closings).toEqual(["no such table"]);
    expect(a.frames.length).toBe(1);
    expect(a.cluster.status()).toMatchObject({ badFrames: 1, internalErrors: 0 });
  });

  it("an unforeseen error of the layer above costs the link, not the process", async () => {
    const { mesh, a, stranger } = await visited();
    a.onFrame = () => {
      throw new TypeError("a fault of ours");
    };
    stranger.link?.send(Uint8Array.of(0x20));
    mesh.clock.advance(1);
    expect(a.events.at(-1)).toBe("linkDown stranger: internal error");
    expect(a.cluster.status()).toMatchObject({ badFrames: 0, internalErrors: 1 });
  });

  it("a peer that sends bad frames is not redialled in a tight loop", async () => {
    const mesh = new Mesh();
    const [a, b] = await mesh.all("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    a.onFrame = () => {
      throw new ProtocolError("bad");
    };
    b.onEvent = (event) => {
      if (event.startsWith("linkUp")) b.cluster.send(a.origin, Uint8Array.of(0x20));
    };
    b.cluster.send(a.origin, Uint8Array.of(0x20));
    mesh.clock.advance(60_000);
    expect(a.cluster.status().badFrames).toBeLessThan(40);
    expect(a.cluster.status().badFrames).toBeGreaterThan(10);
  });
});
