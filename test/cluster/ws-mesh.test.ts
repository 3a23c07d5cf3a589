import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FEATURE_LINK_NEWS } from "../../src/cluster/link-news.ts";
import { WsTransport } from "../../src/cluster/ws-transport.ts";
import { UnavailableError } from "../../src/errors.ts";
import { until } from "./until.ts";
import { WsMesh } from "./ws-mesh.ts";

const pem = (name: string) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url), "utf8");
const certificate = (who: string) => ({ cert: pem(who), key: pem(`${who}-key`), ca: pem("ca") });

describe("a mesh over sockets", () => {
  let mesh: WsMesh;
  beforeEach(() => {
    mesh = new WsMesh();
  });
  afterEach(() => mesh.stop());

  it("five nodes that dial one another at once have one link per pair, and keep it", async () => {
    const nodes = await Promise.all(["a", "b", "c", "d", "e"].map((name) => mesh.add(name)));
    for (const node of nodes) node.cluster.setTargets(nodes.map((other) => other.address));
    await until("all linked", () => nodes.every((node) => node.cluster.linkedPeers().length === 4));
    const quiet = () => nodes.every((node) => node.cluster.status().pendingLinks === 0);
    await until("no handshake under way", quiet);
    for (const node of nodes) {
      expect(node.events.filter((event) => event.startsWith("linkDown"))).toEqual([]);
      expect(node.cluster.status()).toMatchObject({ links: 4, handshakes: 4 });
    }
    for (const node of nodes) {
      for (const peer of node.cluster.linkedPeers()) {
        node.cluster.send(peer.origin, Uint8Array.of(0x20));
      }
    }
    await until("all greeted", () => nodes.every((node) => node.frames.length === 4));
  });

  it("frames up to 16 MiB pass, in order", async () => {
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    await until("linked", () => b.cluster.linkedPeers().length === 1);
    const sizes = [16 * 1024 * 1024, 1, 70_000, 3];
    for (const size of sizes) b.cluster.send(1, new Uint8Array(size).fill(0x20));
    expect(b.cluster.bufferedBytes(1)).toBeGreaterThan(0);
    await until("all frames", () => a.frames.length === 4);
    expect(a.frames.map((frame) => frame.length)).toEqual(sizes);
    await until("sent", () => b.cluster.bufferedBytes(1) === 0);
  });

  it("a wrong secret, another cluster and another protocol are refused with the reason", async () => {
    const a = await mesh.add("a");
    const secret = await mesh.add("b", { secrets: ["wrong"] });
    const cluster = await mesh.add("c", { cluster: "other" });
    const protocol = await mesh.add("d", { protocols: { min: 7, max: 9 } });
    for (const node of [secret, cluster, protocol]) node.cluster.setTargets([a.address]);
    await until("all refused", () => a.refusals.length >= 3);
    await until("all told", () => [cluster, protocol].every((node) => node.refusals.length > 0));
    expect(new Set(a.refusals.map((refusal) => refusal.reason))).toEqual(
      new Set(["secret", "cluster", "protocol"]),
    );
    expect(secret.refusals[0]).toMatchObject({ reason: "secret", byUs: true, name: "a" });
    expect(cluster.refusals[0]).toMatchObject({ reason: "cluster", byUs: false });
    expect(protocol.refusals[0]?.message).toBe("no common protocol: versions 7 to 9 there, 1 here");
    for (const node of mesh.nodes) expect(node.events).toEqual([]);
  });

  it("a secret is changed while the mesh runs, node by node, and links stay possible", async () => {
    const a = await mesh.add("a", { secrets: ["old", "new"] });
    const b = await mesh.add("b", { secrets: ["new", "old"] });
    const c = await mesh.add("c", { secrets: ["new"] });
    for (const node of [a, b]) node.cluster.setTargets([a.address, b.address]);
    await until("a and b", () => a.cluster.linkedPeers().length === 1);
    b.cluster.setTargets([c.address]);
    await until("b and c", () => c.cluster.linkedPeers().some((peer) => peer.name === "b"));
  });

  it("a peer whose socket is reset is back at once, and was not down", async () => {
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    await until("linked", () => b.cluster.linkedPeers().length === 1);
    b.cluster.disconnect(1, "for a test");
    await until(
      "linked again",
      () => b.events.filter((event) => event === "linkUp a").length === 2,
    );
    expect(b.events).toEqual(["memberUp a", "linkUp a", "linkDown a: for a test", "linkUp a"]);
    await until("a heard the reason", () => a.events.includes("linkDown b: for a test"));
  });

  it("a link whose other end is gone without a word is replaced when that one returns", async () => {
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    // Between them stands one that drops the connection on a's side and keeps it on b's.
    const dialled: Socket[] = [];
    const kept: Socket[] = [];
    const between = createServer((near) => {
      const far = connect(b.port, "127.0.0.1");
      dialled.push(near);
      kept.push(far);
      near.on("data", (bytes) => far.write(bytes));
      far.on("data", (bytes) => near.write(bytes));
      for (const socket of [near, far]) socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const bound = between.address();
    const port = bound === null || typeof bound === "string" ? 0 : bound.port;
    a.cluster.setTargets([`ws://127.0.0.1:${port}`]);
    await until("linked", () => b.events.includes("linkUp a"));
    dialled[0]?.resetAndDestroy();
    await until("linked anew", () => b.events.length === 4);
    expect(b.events.slice(2)).toEqual(["linkDown a: replaced by a new link", "linkUp a"]);
    expect(a.events.filter((event) => event.startsWith("memberDown"))).toEqual([]);
    b.cluster.send(1, Uint8Array.of(0x20));
    await until("a frame", () => a.frames.length === 1);
    for (const socket of [...dialled, ...kept]) socket.destroy();
    between.close();
  });

  it("goodbye arrives although much was sent before it", async () => {
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    await until("linked", () => b.cluster.linkedPeers().length === 1);
    for (let count = 0; count < 20; count++) b.cluster.send(1, new Uint8Array(500_000).fill(0x20));
    b.cluster.leave();
    await until("goodbye", () => a.events.at(-1) === "originClosed 2: goodbye");
    expect(a.frames.length).toBe(20);
  });

  it("a port that is taken is an UnavailableError that names it", async () => {
    const a = await mesh.add("a");
    const failure = mesh.add("b", { transport: { port: a.port } });
    await expect(failure).rejects.toThrow(UnavailableError);
    await expect(failure).rejects.toThrow(`cannot listen on 127.0.0.1:${a.port}`);
  });

  it("a crashed node is down without any wait, for its host refuses the redial", async () => {
    const hour = 3_600_000;
    const options = {
      features: [FEATURE_LINK_NEWS],
      timings: {
        pingMs: 1000,
        downMs: hour,
        refusedDownMs: hour,
        redialMinMs: hour,
        redialMaxMs: hour,
      },
    };
    const a = await mesh.add("a", options);
    const b = await mesh.add("b", options);
    a.cluster.setTargets([b.address]);
    await until("linked", () => b.cluster.linkedPeers().length === 1);
    b.cluster.stop();
    await b.transport.close();
    await until("down", () => a.events.includes("memberDown b: refused"));
  });

  describe("over TLS", () => {
    it("nodes with certificates of one authority link, each checking the other", async () => {
      const tls = { ...certificate("node"), requestCert: true };
      const a = await mesh.add("a", { transport: { tls } });
      const b = await mesh.add("b", { transport: { tls } });
      expect(a.address).toMatch(/^wss:/);
      b.cluster.setTargets([a.address]);
      await until("linked", () => a.cluster.linkedPeers().length === 1);
      a.cluster.send(2, new Uint8Array(300_000).fill(0x20));
      await until("a frame", () => b.frames[0]?.length === 300_000);
    });

    it("a listener whose certificate is not trusted is not linked", async () => {
      const a = await mesh.add("a", { transport: { tls: certificate("stranger") } });
      const b = await mesh.add("b", { transport: { tls: certificate("node") } });
      b.cluster.setTargets([a.address]);
      const failure = () => b.cluster.status().dials[0]?.lastFailure;
      await until("the failure", () => failure() !== undefined);
      expect(failure()).toMatch(/^invalid: .*self.signed/);
      expect(b.events).toEqual([]);
    });

    it("with mutual TLS a dialler without a trusted certificate does not get in", async () => {
      const tls = { ...certificate("node"), requestCert: true };
      const a = await mesh.add("a", { transport: { tls } });
      for (const own of [{ ca: pem("ca") }, certificate("stranger")]) {
        const dialler = new WsTransport({ host: "127.0.0.1", port: 0, tls: own });
        const failures: string[] = [];
        let closed: string | undefined;
        dialler.dial(a.address, {
          opened: () => ({
            frame() {},
            closed: (reason) => {
              closed = reason;
            },
          }),
          failed: (why) => failures.push(why),
        });
        await until("the failure", () => failures.length > 0 || closed !== undefined);
        expect(closed).toBeUndefined();
      }
      expect(a.events).toEqual([]);
      expect(a.refusals).toEqual([]);
    });

    it("who speaks plain text to a TLS port is not linked, and the port goes on", async () => {
      const a = await mesh.add("a", { transport: { tls: certificate("node") } });
      const socket = connect(a.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write("GET / HTTP/1.1\r\n\r\n");
      await until("the end", () => socket.destroyed || socket.readableEnded);
      const b = await mesh.add("b", { transport: { tls: certificate("node") } });
      b.cluster.setTargets([a.address]);
      await until("linked", () => a.cluster.linkedPeers().length === 1);
    });
  });
});
