/** A TCP proxy whose connections can be made to go dead, as when a host vanishes. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class FreezingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** Forwards to a port of this host. */
  constructor(targetPort: number) {
    this.#server = createServer((inner) => {
      const outer = connect(targetPort, "127.0.0.1");
      for (const socket of [inner, outer]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.once("close", () => this.#sockets.delete(socket));
      }
      inner.pipe(outer).pipe(inner);
    });
  }

  /** Resolves with its port. */
  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  /** Connections that are open say nothing more, nor do they close; new ones work. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** Connections that are open are reset; new ones work. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
