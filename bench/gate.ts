/** A TCP proxy in front of a node that can be shut: its connections end and new ones are reset. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** One gate. */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isOpen = true;

  /** Forwards to a port of this host; `watch` is shown the two ends of each connection. */
  constructor(targetPort: number, watch: (inner: Socket, outer: Socket) => void = () => undefined) {
    this.#server = createServer((inner) => {
      if (!this.#isOpen) {
        inner.on("error", () => undefined);
        inner.resetAndDestroy();
        return;
      }
      const outer = connect(targetPort, "127.0.0.1");
      for (const socket of [inner, outer]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.once("close", () => {
          this.#sockets.delete(socket);
          inner.destroy();
          outer.destroy();
        });
      }
      watch(inner, outer);
      inner.pipe(outer).pipe(inner);
    });
  }

  /** Resolves with its port. */
  async start(): Promise<number> {
    return portOf(this.#server);
  }

  shut(): void {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  open(): void {
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
