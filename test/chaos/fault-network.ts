/**
 * The network between node processes: a TCP proxy in front of each node, whose address the node
 * advertises, and for each ordered pair of nodes a link that can be cut, held, delayed and
 * throttled. Where a node is not running its proxy does not listen, as its host would not.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { DiallerName } from "./dialler-name.ts";
import { DirectedLink } from "./directed-link.ts";
import { Pipe } from "./pipe.ts";

const LISTEN_LIMIT_MS = 10_000;
const LISTEN_AGAIN_MS = 50;

/** One proxied node. */
interface Gate {
  readonly name: string;
  port: number;
  /** Where its process listens; undefined while it does not. */
  target: number | undefined;
  server: Server | undefined;
}

interface Connection {
  readonly inner: Socket;
  readonly outer: Socket;
  dial: DirectedLink | undefined;
}

/** See the head of this file. */
export class FaultNetwork {
  readonly #gates = new Map<string, Gate>();
  readonly #links = new Map<string, DirectedLink>();
  readonly #connections = new Set<Connection>();
  /** Connections whose dialler could not be told, which must not happen. */
  strangers = 0;

  /** Gives a node its address, under which nobody answers yet. Returns the port. */
  async add(name: string): Promise<number> {
    const gate: Gate = { name, port: 0, target: undefined, server: undefined };
    this.#gates.set(name, gate);
    await this.#listen(gate);
    await this.#close(gate);
    return gate.port;
  }

  /** The node's process listens at that port from now on. */
  async open(name: string, target: number): Promise<void> {
    const gate = this.#gateOf(name);
    gate.target = target;
    await this.#listen(gate);
  }

  /** The node's process is gone: dials are refused. */
  async close(name: string): Promise<void> {
    const gate = this.#gateOf(name);
    gate.target = undefined;
    await this.#close(gate);
  }

  /** What befalls bytes, and dials, from one node to another. */
  link(from: string, to: string): DirectedLink {
    const key = `${from} ${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new DirectedLink(from, to);
      link.onChange(() => this.#resetCut());
      this.#links.set(key, link);
    }
    return link;
  }

  get connections(): number {
    return this.#connections.size;
  }

  async dispose(): Promise<void> {
    for (const { inner, outer } of this.#connections) {
      inner.destroy();
      outer.destroy();
    }
    await Promise.all([...this.#gates.values()].map((gate) => this.#close(gate)));
  }

  #gateOf(name: string): Gate {
    const gate = this.#gates.get(name);
    if (gate === undefined) throw new Error(`the network has no node ${name}`);
    return gate;
  }

  async #listen(gate: Gate): Promise<void> {
    if (gate.server !== undefined) return;
    const limit = performance.now() + LISTEN_LIMIT_MS;
    for (;;) {
      const server = createServer({ allowHalfOpen: true }, (inner) => this.#accept(gate, inner));
      try {
        server.listen(gate.port, "127.0.0.1");
        await once(server, "listening");
        const address = server.address();
        if (address === null || typeof address === "string") throw new Error("no port");
        gate.port = address.port;
        gate.server = server;
        return;
      } catch (error) {
        // While nobody listened, an outgoing connection may have got that port.
        if (performance.now() > limit) throw error;
        await new Promise((resolve) => setTimeout(resolve, LISTEN_AGAIN_MS));
      }
    }
  }

  async #close(gate: Gate): Promise<void> {
    const { server } = gate;
    if (server === undefined) return;
    gate.server = undefined;
    // Connections of the node live as long as its process has their sockets.
    server.close();
  }

  #accept(gate: Gate, inner: Socket): void {
    if (gate.target === undefined) {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect({ port: gate.target, host: "127.0.0.1", allowHalfOpen: true });
    const connection: Connection = { inner, outer, dial: undefined };
    this.#connections.add(connection);
    const there = new Pipe(inner, outer);
    const back = new Pipe(outer, inner);
    const name = new DiallerName();
    inner.setNoDelay(true);
    outer.setNoDelay(true);
    outer.on("data", (bytes) => back.put(bytes));
    inner.on("data", (bytes) => {
      if (connection.dial === undefined) {
        const dialler = this.#nameIn(name, bytes, connection);
        if (dialler !== undefined) {
          connection.dial = this.link(dialler, gate.name);
          there.follow(connection.dial);
          back.follow(this.link(gate.name, dialler));
          this.#resetCut();
        }
      }
      if (!inner.destroyed) there.put(bytes);
    });
    for (const socket of [inner, outer]) {
      socket.once("close", () => {
        if (inner.destroyed && outer.destroyed) this.#connections.delete(connection);
      });
    }
  }

  #nameIn(name: DiallerName, bytes: Buffer, { inner, outer }: Connection): string | undefined {
    try {
      return name.read(bytes);
    } catch {
      this.strangers++;
      inner.destroy();
      outer.destroy();
      return undefined;
    }
  }

  #resetCut(): void {
    for (const { dial, inner, outer } of this.#connections) {
      if (dial?.isCut !== true) continue;
      inner.resetAndDestroy();
      outer.resetAndDestroy();
    }
  }
}
