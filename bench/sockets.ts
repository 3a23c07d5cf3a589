/**
 * Bare WebSockets between the processes of a benchmark. Masks are zero, as Skein's are on loopback:
 * ws masks byte by byte in JavaScript, at both ends, which would be most of a large message's cost.
 */
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";

/** Accepts WebSockets on a free port of loopback, and answers with that port. */
export async function accept(connected: (socket: WebSocket) => void): Promise<number> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", connected);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A WebSocket to that port, once it is open. */
export async function dial(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false,
    generateMask: (mask) => mask.fill(0),
  });
  await once(socket, "open");
  return socket;
}
