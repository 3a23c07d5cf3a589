import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import { WsTransport } from "../../src/cluster/ws-transport.ts";
import { Stranger } from "./stranger.ts";
import { until } from "./until.ts";
import { WsMesh, type WsNode } from "./ws-mesh.ts";

/** A plain TCP connection that writes down what comes. */
class Visitor {
  readonly socket: Socket;
  text = "";
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }
}

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: x",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];
const lines = (...more: string[]) => [...UPGRADE, ...more, "", ""].join("\r\n");

describe("strangers at a socket", () => {
  let mesh: WsMesh;
  let node: WsNode;
  const visitors: Visitor[] = [];
  const visit = (): Visitor => {
    const visitor = new Visitor(node.port);
    visitors.push(visitor);
    return visitor;
  };
  /** After all of it a member still gets in: the node lives and its limits are not used up. */
  const memberGetsIn = async (): Promise<void> => {
    const member = await mesh.add(`member${mesh.nodes.length}`);
    member.cluster.setTargets([node.address]);
    await until("a member", () => member.cluster.linkedPeers().length === 1);
    expect(node.frames).toEqual([]);
  };

  beforeEach(async () => {
    mesh = new WsMesh();
    const timings = { handshakeMs: 400 };
    node = await mesh.add("node", { timings, transport: { handshakeMs: 400 } });
  });
  afterEach(async () => {
    for (const visitor of visitors.splice(0)) visitor.socket.destroy();
    await mesh.stop();
  });

  it("a browser's page, which sends its origin, is refused", async () => {
    const visitor = visit();
    visitor.socket.write(lines("Origin: http://evil.example"));
    await until("the answer", () => visitor.isClosed);
    expect(visitor.text).toMatch(/^HTTP\/1.1 403 /);
    expect(node.cluster.status().pendingLinks).toBe(0);
  });

  it("a request that is no upgrade gets 426", async () => {
    const response = await fetch(node.address.replace("ws:", "http:"));
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
  });

  it("random bytes instead of HTTP end the socket", async () => {
    const visitor = visit();
    visitor.socket.write(Buffer.from("\u0000\u0001garbage\r\n\r\n\u00ff", "latin1"));
    await until("the end", () => visitor.isClosed);
    await memberGetsIn();
  });

  it.each([
    ["says nothing", ""],
    ["sends half a header", "GET / HTTP/1.1\r\nHost: x\r\nUpg"],
    ["sends a header without end", "GET / HTTP/1.1\r\n"],
  ])("somebody who %s is cut off", async (_what, text) => {
    const visitor = visit();
    visitor.socket.write(text);
    await until("the end", () => visitor.isClosed, 3000);
    await memberGetsIn();
  });

  it("a header that drips is cut off although each byte comes in time", async () => {
    const visitor = visit();
    visitor.socket.write("GET / HTTP/1.1\r\n");
    const drip = setInterval(() => visitor.socket.write("X-A: b\r\n"), 50);
    await until("the end", () => visitor.isClosed, 3000).finally(() => clearInterval(drip));
    await memberGetsIn();
  });

  it("an upgrade without a hello is refused when its time is over", async () => {
    const visitor = visit();
    visitor.socket.write(lines());
    await until("the end", () => visitor.isClosed, 4000);
    expect(visitor.text).toMatch(/^HTTP\/1.1 101 /);
    expect(node.refusals.map((refusal) => refusal.reason)).toEqual(["timeout"]);
    expect(node.cluster.status().pendingLinks).toBe(0);
  });

  it("bad WebSocket frames end the socket: unmasked, reserved bits, 1 GiB of length", async () => {
    // With time enough, so that it is the frame that ends the socket.
    const patient = await mesh.add("patient");
    const gigabyte = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4];
    const unmasked = [0x82, 0x01, 0x01];
    const reserved = [0xf2, 0x81, 1, 2, 3, 4, 5];
    const random = Array.from({ length: 500 }, (_, index) => (index * 2_654_435_761) & 0xff);
    for (const bytes of [gigabyte, unmasked, reserved, random]) {
      const visitor = new Visitor(patient.port);
      visitors.push(visitor);
      visitor.socket.write(lines());
      await until("the upgrade", () => visitor.text.includes("\r\n\r\n"));
      visitor.socket.write(Uint8Array.from(bytes));
      await until("the end of the link", () => patient.cluster.status().pendingLinks === 0, 4000);
      await until("the end", () => visitor.isClosed);
    }
    const reasons = patient.refusals.map((refusal) => refusal.reason);
    expect(reasons).toEqual(["malformed", "malformed", "malformed", "malformed"]);
    expect(process.memoryUsage().rss).toBeLessThan(1_000_000_000);
    await memberGetsIn();
  });

  it("a text message ends the link", async () => {
    const ws = new WebSocket(node.address);
    let code = 0;
    ws.on("close", (given) => {
      code = given;
    });
    await until("open", () => ws.readyState === WebSocket.OPEN);
    ws.send("hello");
    await until("closed", () => code !== 0);
    expect(code).toBe(1003);
    expect(node.cluster.status().pendingLinks).toBe(0);
  });

  it("frames of the layer above before a handshake are refused as malformed", async () => {
    const transport = new WsTransport({ host: "127.0.0.1", port: 0 });
    const stranger = new Stranger().dial(transport, node.address, [Uint8Array.of(0x20, 1, 2)]);
    await until("the end", () => stranger.closings.length > 0);
    expect(stranger.heard()).toEqual(["refuse malformed"]);
    expect(stranger.closings).toEqual(["refused: malformed"]);
    expect(node.frames).toEqual([]);
  });

  it("a stranger who knows all but the secret gets nowhere", async () => {
    const transport = new WsTransport({ host: "127.0.0.1", port: 0 });
    const stranger = new Stranger({ wall: Date.now() });
    stranger.answers = false;
    stranger.dial(transport, node.address);
    await until("the welcome", () => stranger.received.length === 1);
    stranger.say({ kind: "proof", verdict: "open", proof: new Uint8Array(32) });
    stranger.link?.send(Uint8Array.of(0x20, 1, 2));
    await until("the end", () => stranger.closings.length > 0);
    expect(stranger.heard()).toEqual(["welcome", "refuse secret"]);
    expect(node.events).toEqual([]);
    expect(node.frames).toEqual([]);
  });

  it("hundreds of half-made links neither lock members out for long nor stay", async () => {
    for (let count = 0; count < 300; count++) visit().socket.write(lines());
    await until("busy", () => (node.cluster.status().refusedByUs.busy ?? 0) > 0);
    expect(node.cluster.status().pendingLinks).toBeLessThanOrEqual(16);
    await until("gone", () => visitors.every((visitor) => visitor.isClosed), 8000);
    await memberGetsIn();
  });

  it("more sockets than allowed are closed at once", async () => {
    const small = await mesh.add("small", { transport: { maxConnections: 3 } });
    const sockets = Array.from({ length: 6 }, () => new Visitor(small.port));
    visitors.push(...sockets);
    await until("three closed", () => sockets.filter((visitor) => visitor.isClosed).length === 3);
  });

  it("a member that sends a frame of garbage is cut off, and the others go on", async () => {
    const transport = new WsTransport({ host: "127.0.0.1", port: 0 });
    const member = await mesh.add("other");
    member.cluster.setTargets([node.address]);
    await until("a member", () => member.cluster.linkedPeers().length === 1);
    const stranger = new Stranger({ secrets: ["s"], wall: Date.now() });
    stranger.dial(transport, node.address);
    await until("linked", () => node.events.includes("linkUp stranger"));
    stranger.link?.send(encodeClusterFrame({ kind: "goodbye" }).subarray(0, 0));
    await until("cut off", () => node.events.at(-1) === "linkDown stranger: frame ends too early");
    expect(node.cluster.status().badFrames).toBe(1);
    expect(node.cluster.linkedPeers().map((peer) => peer.name)).toEqual(["other"]);
  });
});
