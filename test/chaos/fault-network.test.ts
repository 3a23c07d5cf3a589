/** The proxy between node processes, with plain sockets at both ends. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import { until } from "../cluster/until.ts";
import { FaultNetwork } from "./fault-network.ts";

let network: FaultNetwork;
let target: Server;
let port: number;
/** Ends at the node's own socket, and what has come out of them. */
let accepted: Socket[];
const open: Socket[] = [];

beforeEach(async () => {
  network = new FaultNetwork();
  accepted = [];
  target = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    accepted.push(socket);
  }).listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  port = await network.add("b");
  await network.open("b", address.port);
});

afterEach(async () => {
  for (const socket of [...open.splice(0), ...accepted]) socket.destroy();
  await network.dispose();
  target.close();
});

/** What a dialling node sends first: the request for the upgrade, then its hello, masked. */
function opening(name: string): Buffer {
  const hello = encodeClusterFrame({
    kind: "hello",
    protocols: { min: 1, max: 1 },
    cluster: "c",
    origin: 1,
    name,
    nodeNumber: 0,
    address: "ws://a:1",
    features: [],
    nonce: new Uint8Array(16),
    wall: 0,
    side: { openMembers: 1, lowestOrigin: 1 },
  });
  const mask = [1, 2, 3, 4];
  const masked = hello.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  const head = Buffer.from("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
  return Buffer.concat([head, Buffer.from([0x82, 0x80 + hello.length, ...mask]), masked]);
}

interface Dialled {
  readonly socket: Socket;
  readonly far: Socket;
  /** Bytes beyond the opening that came out at the far end. */
  arrived(): string;
  isEnded(): boolean;
}

async function dial(name = "a"): Promise<Dialled> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  open.push(socket);
  socket.on("error", () => undefined);
  const first = opening(name);
  socket.write(first);
  const at = accepted.length;
  await until("the connection comes out", () => accepted.length > at);
  const far = accepted[at] as Socket;
  const parts: Buffer[] = [];
  let ended = false;
  far.on("data", (bytes) => parts.push(bytes));
  far.on("end", () => {
    ended = true;
  });
  const all = () => Buffer.concat(parts);
  await until("the opening comes out", () => all().length === first.length);
  expect(all()).toEqual(first);
  return {
    socket,
    far,
    arrived: () => all().subarray(first.length).toString(),
    isEnded: () => ended,
  };
}

describe("the network between node processes", () => {
  it("passes bytes both ways as long as nothing befalls it", async () => {
    const { socket, far, arrived } = await dial();
    socket.write("there");
    await until("bytes there", () => arrived() === "there");
    far.write("back");
    const [bytes] = await once(socket, "data");
    expect(String(bytes)).toBe("back");
    expect(network.strangers).toBe(0);
  });

  it("keeps bytes of a held direction under way, and lets the other one flow", async () => {
    const { socket, far, arrived } = await dial();
    const mend = network.link("a", "b").hold();
    socket.write("late");
    far.write("now");
    await once(socket, "data");
    expect(arrived()).toBe("");
    mend();
    await until("held bytes", () => arrived() === "late");
  });

  it("keeps from the far end that a held connection has ended", async () => {
    const { socket, far, isEnded } = await dial();
    const mend = network.link("a", "b").hold();
    socket.destroy();
    for (let n = 0; n < 5; n++) {
      // Proof that time has passed in the proxy: another connection went all the way.
      const other = await dial("other");
      other.socket.destroy();
      await until("the other one's end", other.isEnded);
    }
    expect(isEnded()).toBe(false);
    expect(far.destroyed).toBe(false);
    mend();
    await until("the held end", isEnded);
  });

  it("resets what is dialled over a cut link, and only that", async () => {
    const cut = await dial("a");
    const other = await dial("other");
    const mend = network.link("a", "b").cut();
    await until("the reset", () => cut.socket.destroyed);
    const again = connect({ port, host: "127.0.0.1" });
    open.push(again);
    again.on("error", () => undefined);
    again.write(opening("a"));
    await until("the reset of a new one", () => again.destroyed);
    other.socket.write("still");
    await until("the other one", () => other.arrived() === "still");
    mend();
    const mended = await dial("a");
    mended.socket.write("again");
    await until("the mended one", () => mended.arrived() === "again");
  });

  it("delays and throttles, in order", async () => {
    const { socket, arrived } = await dial();
    const mendDelay = network.link("a", "b").delay(60);
    const from = performance.now();
    socket.write("1");
    await until("the delayed byte", () => arrived() === "1");
    expect(performance.now() - from).toBeGreaterThan(55);
    socket.write("2");
    mendDelay();
    socket.write("3");
    await until("both", () => arrived() === "123");
    const mendRate = network.link("a", "b").throttle(20_000);
    const slowFrom = performance.now();
    socket.write("x".repeat(4000));
    await until("the throttled bytes", () => arrived().length === 4003);
    expect(performance.now() - slowFrom).toBeGreaterThan(140);
    mendRate();
  });

  it("refuses dials of a node that does not run, at the same address later again", async () => {
    await network.close("b");
    const refused = connect({ port, host: "127.0.0.1" });
    const [error] = await once(refused, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    const address = target.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    await network.open("b", address.port);
    const { socket, arrived } = await dial();
    socket.write("back");
    await until("bytes", () => arrived() === "back");
  });

  it("lets nobody pass who is no node, and counts it", async () => {
    const stranger = connect({ port, host: "127.0.0.1" });
    open.push(stranger);
    stranger.on("error", () => undefined);
    stranger.write(Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.alloc(20)]));
    await until("the stranger is dropped", () => stranger.destroyed);
    expect(network.strangers).toBe(1);
  });
});
