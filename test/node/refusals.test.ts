/**
 * What must not come in, through nodes as users start them: each case gives its own error or its
 * own refusal, and the others' links and tables go on.
 */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import { NONCE_BYTES } from "../../src/cluster/frame-limits.ts";
import { WsTransport } from "../../src/cluster/ws-transport.ts";
import {
  InvalidKeyError,
  InvalidOptionsError,
  type Node,
  type NodeOptions,
  type Refusal,
  startNode,
  TableError,
} from "../../src/index.ts";
import { assembleEngine } from "../../src/node/engine.ts";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";
import { expectShared, joined, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

const SECRET = "correct horse";
const HANDSHAKE_MS = 400;
const started = startedNodes();

let a: Node;
let b: Node;
let refusals: Refusal[] = [];
let lostLinks: string[] = [];
let sockets: (WebSocket | Socket)[] = [];

beforeEach(async () => {
  refusals = [];
  lostLinks = [];
  sockets = [];
  const common = { secret: SECRET, timings: { handshakeMs: HANDSHAKE_MS } };
  a = await started.start({ name: "a", ...common, discovery: { nodes: [] } });
  b = await started.start({ name: "b", ...common, discovery: { nodes: [a.address] } });
  await joined([a, b]);
  a.on("refused", (refusal) => refusals.push(refusal));
  a.on("linkDown", (peer) => lostLinks.push(peer.name));
  b.on("linkDown", (peer) => lostLinks.push(peer.name));
});

/** Whatever was refused: the two nodes have lost no link, and share what they write. */
afterEach(async () => {
  for (const socket of sockets) "terminate" in socket ? socket.terminate() : socket.destroy();
  expect(lostLinks.filter((name) => name !== "intruder")).toEqual([]);
  await expectShared([a, b], "afterwards");
});

/** A node that wants to come in, with something wrong about it. */
function intrude(wrong: Partial<NodeOptions>): Promise<Node> {
  const discovery = { nodes: [a.address] };
  return started.start({ name: "intruder", secret: SECRET, discovery, ...wrong });
}

/** A client that speaks WebSocket, and then whatever a test makes it say. */
async function client(): Promise<WebSocket> {
  const ws = new WebSocket(a.address);
  sockets.push(ws);
  ws.on("error", () => undefined);
  await new Promise((resolve) => ws.on("open", resolve));
  return ws;
}

function closed(ws: WebSocket): Promise<void> {
  return new Promise((resolve) => ws.on("close", () => resolve()));
}

describe("a node refuses", () => {
  it("one with another secret, and both sides say so", async () => {
    const intruder = await intrude({ secret: "wrong horse" });
    await until(() => refusals.length > 0);
    expect(refusals[0]).toMatchObject({ reason: "secret", name: "intruder", byUs: false });
    expect(a.status().mesh.refusedByPeers).toMatchObject({ secret: expect.any(Number) });
    expect(intruder.status().mesh.refusedByUs).toMatchObject({ secret: expect.any(Number) });
    expect(intruder.status().joinedNodes).toEqual(["intruder"]);
    expect(a.nodes().map((node) => node.name)).toEqual(["b"]);
  });

  it("one without a secret", async () => {
    const { secret: _, ...noSecret } = { secret: "" };
    const intruder = await startNode({
      cluster: "chat",
      name: "intruder",
      discovery: { nodes: [a.address] },
      ...noSecret,
    });
    try {
      await until(() => refusals.length > 0);
      expect(refusals[0]).toMatchObject({ reason: "secret", name: "intruder" });
      expect(intruder.status().links).toEqual([]);
    } finally {
      await intruder.stop();
    }
  });

  it("one of another cluster, whose rows stay its own", async () => {
    const intruder = await intrude({ cluster: "mail" });
    await until(() => refusals.length > 0);
    expect(refusals[0]).toMatchObject({ reason: "cluster", byUs: true });
    expect(refusals[0]?.message).toBe('this is cluster "chat", not "mail"');
    expect(a.status().mesh.refusedByUs).toMatchObject({ cluster: expect.any(Number) });
    const alone = await intruder.table("sessions").set("k", 1);
    expect(alone).toMatchObject({ nodes: 0, alone: true });
    expect(a.table("sessions").has("k")).toBe(false);
  });

  it("one that speaks only another protocol", async () => {
    const ws = await client();
    const side = { openMembers: 1, lowestOrigin: 77 };
    ws.send(
      encodeClusterFrame({
        kind: "hello",
        ...{ cluster: "chat", name: "newer", origin: 77, nodeNumber: 0, address: "ws://x:1" },
        ...{ features: [], protocols: { min: 40, max: 41 }, wall: Date.now(), side },
        nonce: systemRandom.bytes(NONCE_BYTES),
      }),
    );
    await closed(ws);
    expect(refusals[0]).toMatchObject({ reason: "protocol", byUs: true });
    expect(refusals[0]?.message).toContain("40 to 41 there, 1 here");
    expect(a.status().mesh.refusedByUs).toEqual({ protocol: 1 });
  });

  it("random bytes instead of a handshake", async () => {
    const ws = await client();
    ws.send(systemRandom.bytes(200));
    await closed(ws);
    expect(refusals[0]).toMatchObject({ reason: "malformed", byUs: true });
    expect(a.status().mesh).toMatchObject({ badFrames: 1, refusedByUs: { malformed: 1 } });
  });

  it("a handshake that is sent byte by byte, or not at all", async () => {
    const silent = await client();
    const slow = connect(Number(new URL(a.address).port), "127.0.0.1");
    sockets.push(slow);
    slow.on("error", () => undefined);
    const ended = new Promise<void>((resolve) => slow.on("close", () => resolve()));
    slow.write("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nX: ");
    const drip = setInterval(() => slow.write("x"), 20);
    const from = performance.now();
    await Promise.all([closed(silent), ended]);
    clearInterval(drip);
    expect(performance.now() - from).toBeLessThan(10 * HANDSHAKE_MS);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatchObject({ reason: "timeout", byUs: true });
    expect(a.status().mesh).toMatchObject({ refusedByUs: { timeout: 1 }, pendingLinks: 0 });
  });

  it("a message of 1 GiB as soon as its length is known", async () => {
    const ws = await client();
    const before = process.memoryUsage().rss;
    const header = Buffer.alloc(14);
    header[0] = 0x82;
    header[1] = 0x80 | 127;
    header.writeBigUInt64BE(1024n ** 3n, 2);
    rawSocket(ws).write(header);
    await closed(ws);
    await until(() => a.status().mesh.pendingLinks === 0);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 ** 2);
    expect(a.status().mesh).toMatchObject({ badFrames: 1, refusedByUs: { malformed: 1 } });
    expect(refusals[0]).toMatchObject({ reason: "malformed", byUs: true });
  });

  it("frames of a member that make no sense: its link is closed, and the member is not", async () => {
    const intruder = await intruderWithSecret();
    await until(() => intruder.cluster.linkedPeers().some((peer) => peer.origin === a.origin));
    intruder.cluster.send(a.origin, new Uint8Array([0x7e, ...systemRandom.bytes(100)]));
    await until(() => a.status().mesh.badFrames === 1);
    intruder.stop();
    expect(lostLinks).toContain("intruder");
    await until(() => a.nodes().every(({ name, state }) => name === "b" || state === "down"));
    await until(() => b.nodes().every(({ name, state }) => name === "a" || state === "down"));
    expect(refusals).toEqual([]);
  });
});

/** The socket under a WebSocket, to break its protocol with. */
function rawSocket(ws: WebSocket): Socket {
  const socket: unknown = Reflect.get(ws, "_socket");
  if (typeof socket !== "object" || socket === null) throw new Error("no socket");
  return socket as Socket;
}

/** The engine of a node that knows the secret, without the faces that check what it sends. */
async function intruderWithSecret() {
  const transport = new WsTransport({ host: "127.0.0.1", port: 0 });
  const engine = assembleEngine(
    {
      ...{ cluster: "chat", name: "intruder", origin: 1, nodeNumber: 0 },
      ...{ address: "ws://127.0.0.1:1", secrets: [SECRET] },
    },
    { transport, clock: systemClock, random: systemRandom, log: silentLog },
  );
  engine.start();
  engine.cluster.setTargets([a.address]);
  return engine;
}

describe("a node's caller is told", () => {
  it("every unknown option at once, and nothing is started", async () => {
    const options = {
      cluster: "chat",
      colour: "red",
      listen: { prot: 1 },
      timings: { pingsMs: 5, downMs: 1 },
      limits: { rows: 1 },
      discovery: { nodes: [] },
    };
    // Wrong on purpose, so the compiler must be told to look away.
    const error = await startNode(options as NodeOptions).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    expect(error).toMatchObject({ code: "ERR_SKEIN_INVALID_OPTIONS" });
    const { message } = error as InvalidOptionsError;
    for (const fault of ['"colour"', '"listen.prot"', '"pingsMs"', "downMs is 1", '"rows"']) {
      expect(message).toContain(fault);
    }
  });

  it("an unknown or a double way of discovery", async () => {
    for (const discovery of [{ urls: "x" }, { nodes: [], file: "nodes" }, {}]) {
      const starting = startNode({ cluster: "chat", discovery: discovery as { nodes: string[] } });
      await expect(starting).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_OPTIONS" });
    }
  });

  it("that a table was not declared, or otherwise", () => {
    a.table("sessions");
    expect(a.getTable("sessions")).toBe(a.table("sessions"));
    expect(() => a.getTable("session")).toThrow(
      new TableError('table "session" is not declared; declared are "sessions"'),
    );
    expect(() => a.getTable("sessions", "bag")).toThrow(TableError);
    expect(() => a.table("sessions", { lifetime: "cluster" })).toThrow(TableError);
  });

  it("that a key is of a wrong type, and nothing is written", async () => {
    const table = a.table<unknown>("sessions");
    await table.sync();
    const { vector } = a.status();
    // What the compiler would refuse, for callers without one.
    const keys: unknown[] = [{ a: 1 }, undefined, Number.NaN, ["x", {}], Symbol("s"), () => 1];
    for (const key of keys) {
      await expect(table.set(key as string, 1)).rejects.toBeInstanceOf(InvalidKeyError);
      await expect(table.delete(key as string)).rejects.toBeInstanceOf(InvalidKeyError);
      expect(() => table.get(key as string)).toThrow(InvalidKeyError);
    }
    expect(a.status().vector).toEqual(vector);
    expect(table.size).toBe(0);
    expect(a.status().rejectedWrites).toBe(12);
  });
});
