import { describe, expect, it } from "vitest";
import { Mesh, type MeshNode } from "./mesh.ts";

/** Three nodes, linked each with each, and their events so far forgotten. */
async function trio(): Promise<{ mesh: Mesh; a: MeshNode; b: MeshNode; c: MeshNode }> {
  const mesh = new Mesh();
  const [a, b, c] = await mesh.all("a", "b", "c");
  if (a === undefined || b === undefined || c === undefined) throw new Error("no nodes");
  mesh.clock.advance(5000);
  for (const node of [a, b, c]) node.takeEvents();
  return { mesh, a, b, c };
}

/** Milliseconds until the node says so. */
function untilEvent(mesh: Mesh, node: MeshNode, event: string): number {
  const start = mesh.clock.now();
  while (!node.events.includes(event)) {
    if (mesh.clock.now() - start > 30_000) throw new Error(`no "${event}": ${node.events}`);
    mesh.clock.advance(10);
  }
  return mesh.clock.now() - start;
}

describe("failures", () => {
  it("a crashed process is down everywhere at once, one time, as refused", async () => {
    const { mesh, a, b, c } = await trio();
    // By then who was linked by a dial of its own was found at its address.
    await c.crash();
    expect(untilEvent(mesh, a, "memberDown c: refused")).toBeLessThanOrEqual(10);
    mesh.clock.advance(20_000);
    for (const node of [a, b]) {
      expect(node.events.filter((event) => event.startsWith("memberDown"))).toEqual([
        "memberDown c: refused",
      ]);
      expect(node.events.indexOf("linkDown c: stopped")).toBe(0);
      expect(node.alive()).toEqual([node === a ? "b" : "a"]);
    }
  });

  it("a hung process is down within 3 to 5 s, as silent, and its link is closed", async () => {
    const { mesh, a, b, c } = await trio();
    c.clock.freeze();
    const waited = untilEvent(mesh, a, "memberDown c: silent");
    expect(waited).toBeGreaterThan(3000);
    expect(waited).toBeLessThan(5000);
    expect(a.events).toEqual(["linkDown c: down: silent", "memberDown c: silent"]);
    expect(a.linked()).toEqual(["b"]);
    expect(b.takeEvents().length).toBe(2);
  });

  it("a process that hung for 20 s comes back as the same incarnation", async () => {
    const { mesh, a, b, c } = await trio();
    c.clock.freeze();
    mesh.clock.advance(20_000);
    expect(a.takeEvents().at(-1)).toBe("memberDown c: silent");
    c.clock.thaw();
    mesh.clock.advance(7000);
    expect(a.events).toContain("memberUp c");
    expect(a.events).toContain("linkUp c");
    expect(a.linked()).toEqual(["b", "c"]);
    expect(b.linked()).toEqual(["a", "c"]);
    // It accused nobody itself: its own stall is not the others' silence.
    expect(c.events.filter((event) => event.startsWith("memberDown"))).toEqual([]);
    expect(c.linked()).toEqual(["a", "b"]);
  });

  it("a process that stalls for 3 s is not accused, and accuses nobody", async () => {
    const { mesh, a, b, c } = await trio();
    for (let count = 0; count < 5; count++) {
      c.clock.freeze();
      mesh.clock.advance(2990);
      c.clock.thaw();
      mesh.clock.advance(2000 + 333 * count);
    }
    for (const node of [a, b, c]) expect(node.events).toEqual([]);
  });

  it("one broken link makes nobody look dead, not even where the host refuses", async () => {
    for (const fault of ["unreachable", "refused", "silent"] as const) {
      const { mesh, a, b } = await trio();
      a.unreachable.set(b.address, fault);
      b.unreachable.set(a.address, fault);
      for (const { link } of a.links) {
        if (link.remote === b.address) link.close("cut");
      }
      for (const { link } of b.links) {
        if (link.remote === a.address) link.close("cut");
      }
      mesh.clock.advance(60_000);
      for (const node of [a, b]) {
        expect(node.events.length, fault).toBe(1);
        expect(node.linked(), fault).toEqual(["c"]);
        expect(node.cluster.members().map((member) => member.state)).toEqual(["alive", "alive"]);
      }
      a.unreachable.clear();
      mesh.clock.advance(11_000);
      expect(a.linked(), fault).toEqual(["b", "c"]);
    }
  });

  it("who is killed before it was found at its address is down within 1.5 to 2.5 s", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    b.cluster.setTargets([a.address]);
    mesh.clock.advance(400);
    await b.crash();
    const waited = untilEvent(mesh, a, "memberDown b: refused");
    expect(waited).toBeGreaterThanOrEqual(1500);
    expect(waited).toBeLessThan(2500);
  });

  it("a node whose address leads nowhere is not down because its links break", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.unreachable.set(b.address, "refused");
    b.cluster.setTargets([a.address]);
    mesh.clock.advance(20_000);
    a.takeEvents();
    for (let count = 0; count < 5; count++) {
      // It comes back later than it is redialled.
      for (const { link } of a.links) link.close("connection reset");
      mesh.clock.advance(7000);
    }
    expect(a.events.filter((event) => event.startsWith("memberDown"))).toEqual([]);
  });

  it("a killed node is down as soon as the last one that had a link to it has lost that", async () => {
    const { mesh, a, b, c } = await trio();
    a.unreachable.set(c.address, "refused");
    c.unreachable.set(a.address, "refused");
    for (const { link } of a.links) if (link.remote === c.address) link.close("connection reset");
    for (const { link } of c.links) if (link.remote === a.address) link.close("connection reset");
    mesh.clock.settle();
    // It is linked to b, which has said so.
    expect(a.events).toEqual(["linkDown c: connection reset"]);
    await c.crash();
    expect(untilEvent(mesh, b, "memberDown c: refused")).toBeLessThanOrEqual(10);
    expect(a.events).toEqual(["linkDown c: connection reset", "memberDown c: refused"]);
  });

  it("a host that refuses us is no sign of death while a member in reach is linked to it", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    // The beats of b come by way of c alone, further apart than refusedDownMs.
    const c = await mesh.add("c", { timings: { pingMs: 1900, downMs: 4000 } });
    a.unreachable.set(b.address, "refused");
    b.unreachable.set(a.address, "refused");
    for (const node of [a, b]) node.cluster.setTargets([c.address]);
    mesh.clock.advance(60_000);
    expect(a.linked()).toEqual(["c"]);
    expect(a.events).toEqual(["memberUp c", "linkUp c", "memberUp b"]);
  });

  it("two halves that cannot reach one another count the others down, and heal", async () => {
    const { mesh, a, b, c } = await trio();
    for (const node of [a, b]) node.unreachable.set(c.address, "silent");
    for (const node of [a, b]) c.unreachable.set(node.address, "silent");
    c.breakLinks("cut");
    mesh.clock.advance(8000);
    expect(a.alive()).toEqual(["b"]);
    expect(c.alive()).toEqual([]);
    for (const node of [a, b, c]) node.unreachable.clear();
    mesh.clock.advance(7000);
    for (const node of [a, b, c]) {
      expect(node.linked().length).toBe(2);
      expect(node.alive().length).toBe(2);
      expect(node.cluster.status().state).toBe("running");
    }
  });

  it("a down member is dialled on, at waits that do not end", async () => {
    const { mesh, a, c } = await trio();
    await c.crash();
    mesh.clock.advance(60_000);
    const dials: number[] = [];
    a.onDial = (address) => {
      if (address === c.address) dials.push(mesh.clock.now());
    };
    mesh.clock.advance(60_000);
    expect(dials.length).toBeGreaterThanOrEqual(12);
    expect(dials.length).toBeLessThanOrEqual(24);
  });

  it("a node that joins does not take the dead for living", async () => {
    const { mesh, a, c } = await trio();
    await c.crash();
    mesh.clock.advance(10_000);
    const d = await mesh.add("d");
    d.cluster.setTargets([a.address]);
    mesh.clock.advance(20_000);
    expect(d.events).not.toContain("memberUp c");
    expect(d.events.filter((event) => event.includes("memberDown"))).toEqual([]);
    expect(d.state("c")).toBe("down");
    expect(d.linked()).toEqual(["a", "b"]);
  });

  it("goodbye is heard at once, closes the origin, and the name may come again", async () => {
    const { mesh, a, b, c } = await trio();
    c.cluster.leave();
    mesh.clock.advance(20);
    for (const node of [a, b]) {
      expect(node.takeEvents()).toEqual([
        "linkDown c: goodbye",
        "memberDown c: goodbye",
        `originClosed ${c.origin}: goodbye`,
      ]);
      expect(node.state("c")).toBe("unknown");
    }
    expect(c.events).toEqual([]);
    const again = await mesh.add("c", { transport: c.transport, origin: 10 });
    again.cluster.setTargets([a.address]);
    mesh.clock.advance(3000);
    expect(a.linked()).toEqual(["b", "c"]);
  });

  it("after stop nothing happens any more", async () => {
    const { mesh, a, b } = await trio();
    a.cluster.stop();
    b.takeEvents();
    mesh.clock.advance(60_000);
    expect(a.events).toEqual([]);
    expect(a.cluster.linkedPeers()).toEqual([]);
    expect(a.cluster.status().state).toBe("stopped");
    a.cluster.send(b.origin, Uint8Array.of(0x20));
    a.cluster.stop();
    a.cluster.leave();
    // It still listens, for the socket is the caller's: links are closed without a word.
    expect(b.linked()).toEqual(["c"]);
    expect(b.cluster.status().dials.find((dial) => dial.address === a.address)?.lastFailure).toBe(
      "not running",
    );
  });

  it("round trips and last heard are measured", async () => {
    const { mesh, a } = await trio();
    mesh.clock.advance(1100);
    for (const member of a.cluster.members()) {
      expect(member.roundTripMs).toBe(0);
      expect(member.lastHeardMsAgo).toBeLessThan(1000);
      expect(member.linkedTo.length).toBe(2);
    }
  });
});

describe("incarnations", () => {
  it("a newer one of a name closes the older one at once, everywhere", async () => {
    const { mesh, a, b, c } = await trio();
    const newer = await mesh.add("c", { origin: 20 });
    newer.cluster.setTargets([a.address]);
    mesh.clock.advance(1500);
    for (const node of [a, b]) {
      expect(node.events.slice(0, 5)).toEqual([
        "linkDown c: newer incarnation",
        "memberDown c: closed",
        `originClosed ${c.origin}: newer incarnation`,
        "memberUp c",
        "linkUp c",
      ]);
    }
    expect(newer.linked()).toEqual(["a", "b"]);
    expect(c.events.filter((event) => event.startsWith("fenced")).length).toBe(1);
    mesh.clock.advance(60_000);
    expect(c.linked()).toEqual([]);
    expect(newer.linked()).toEqual(["a", "b"]);
  });

  it("an older one that comes late is refused as fenced, and is told", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a", { origin: 1 });
    const newer = await mesh.add("c", { origin: 20 });
    newer.cluster.setTargets([a.address]);
    mesh.clock.advance(100);
    const older = await mesh.add("c", { origin: 10 });
    older.cluster.setTargets([a.address]);
    mesh.clock.advance(100);
    expect(older.events).toEqual(["fenced: a has closed this incarnation"]);
    expect(older.refusals.map(({ reason, byUs }) => ({ reason, byUs }))).toEqual([
      { reason: "fenced", byUs: false },
    ]);
    expect(a.refusals.map(({ reason, byUs, name }) => ({ reason, byUs, name }))).toEqual([
      { reason: "fenced", byUs: true, name: "c" },
    ]);
    expect(a.linked()).toEqual(["c"]);
    // It neither dials nor is dialled any more.
    mesh.clock.advance(60_000);
    expect(older.cluster.status().dials).toEqual([]);
    expect(older.cluster.status().state).toBe("fenced");
  });

  it("an older one learns from its own newer one, whoever of them dials", async () => {
    for (const who of ["older", "newer"]) {
      const mesh = new Mesh();
      const older = await mesh.add("a", { origin: 1 });
      const newer = await mesh.add("a", { origin: 2 });
      if (who === "older") older.cluster.setTargets([newer.address]);
      else newer.cluster.setTargets([older.address]);
      mesh.clock.advance(500);
      expect(older.events, who).toEqual(["fenced: a has closed this incarnation"]);
      expect(newer.events, who).toEqual([]);
      expect(newer.cluster.status().state).toBe("running");
    }
  });

  it("an origin that the layer above has closed is dropped, forgotten and refused", async () => {
    const { mesh, a, b, c } = await trio();
    for (const node of [a, b]) {
      node.closedOrigins.add(c.origin);
      node.cluster.close(c.origin, "fenced in the database");
      expect(node.takeEvents()).toEqual([
        "linkDown c: fenced in the database",
        "memberDown c: closed",
      ]);
      node.cluster.close(c.origin, "again");
    }
    mesh.clock.advance(500);
    expect(c.events.at(-1)).toMatch(/^fenced: [ab] has closed this incarnation$/);
    for (const node of [a, b]) {
      expect(node.takeEvents()).toEqual([]);
      expect(node.state("c")).toBe("unknown");
    }
  });

  it("closing from within an event is borne", async () => {
    const mesh = new Mesh();
    const [a, b] = await mesh.all("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    a.onEvent = (event) => {
      if (event.startsWith("linkDown")) a.cluster.close(b.origin, "enough of it");
    };
    b.clock.freeze();
    mesh.clock.advance(6000);
    expect(a.takeEvents().slice(2)).toEqual(["linkDown b: down: silent", "memberDown b: silent"]);
    expect(a.cluster.members()).toEqual([]);
    b.clock.thaw();
    mesh.clock.advance(6000);
    expect(b.events).toContain("fenced: a has closed this incarnation");
  });

  it("who is closed when it comes up is not announced as linked", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.onEvent = (event) => {
      if (event === "memberUp b") a.cluster.close(b.origin, "not this one");
    };
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(3000);
    expect(a.events).toEqual(["memberUp b", "memberDown b: closed"]);
    expect(a.linked()).toEqual([]);
    expect(b.events).toContain("fenced: a has closed this incarnation");
  });

  it("who is closed when its half-open link is replaced is not counted again", async () => {
    const mesh = new Mesh();
    const [a, b] = await mesh.all("a", "b");
    if (a === undefined || b === undefined) throw new Error("no nodes");
    a.takeEvents();
    a.onEvent = (event) => {
      if (event.startsWith("linkDown")) a.cluster.close(b.origin, "not this one");
    };
    for (const { handler } of b.links) handler.closed("connection reset");
    mesh.clock.advance(3000);
    expect(a.events).toEqual(["linkDown b: replaced by a new link", "memberDown b: closed"]);
    expect(a.cluster.members()).toEqual([]);
  });

  it("stopping from within an event ends the events", async () => {
    const { mesh, a, c } = await trio();
    a.onEvent = () => a.cluster.stop();
    c.cluster.leave();
    mesh.clock.advance(3000);
    expect(a.events).toEqual(["linkDown c: goodbye"]);
  });
});
