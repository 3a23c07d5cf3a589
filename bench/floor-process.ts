/**
 * The transport alone: a process that echoes WebSocket messages, or sends them and waits for the
 * echoes of all its peers. What no replication over this transport can undercut, message by
 * message; sending many ops in one message is how to get above its rate.
 */
import type { WebSocket } from "ws";
import { ClosedLoop, type LoopResult } from "./loop.ts";
import { serve } from "./remote.ts";
import { accept, dial } from "./sockets.ts";

/** One sender's callers: each sends `bytes` to all peers and waits for all echoes. */
export interface EchoLoad {
  readonly callers: number;
  readonly bytes: number;
  readonly peers: number;
}

/** A type and no interface, because only types fit the index of `Calls`. */
export type FloorCalls = {
  /** Starts to echo; answers with the port. */
  listen(_: null): Promise<number>;
  connect(ports: readonly number[]): Promise<void>;
  start(load: EchoLoad): void;
  mark(_: null): void;
  finish(_: null): Promise<LoopResult>;
};

const sockets: WebSocket[] = [];
/** Calls under way for each peer, oldest first: an echo answers the oldest. */
const queues: (() => void)[][] = [];
let loop: ClosedLoop | null = null;

const calls: FloorCalls = {
  listen() {
    return accept((socket) => socket.on("message", (data) => socket.send(data)));
  },

  async connect(ports) {
    for (const port of ports) {
      const socket = await dial(port);
      const queue: (() => void)[] = [];
      socket.on("message", () => queue.shift()?.());
      sockets.push(socket);
      queues.push(queue);
    }
  },

  start({ callers, bytes, peers }) {
    const message = Buffer.alloc(bytes, 7);
    loop = new ClosedLoop(callers, { call: () => echoes(message, peers) });
  },

  mark() {
    loop?.mark();
  },

  finish() {
    if (!loop) throw new Error("nothing was started");
    return loop.finish();
  },
};

function echoes(message: Buffer, peers: number): Promise<void> {
  return new Promise((resolve) => {
    let missing = peers;
    const echoed = () => {
      if (--missing === 0) resolve();
    };
    for (let index = 0; index < peers; index++) {
      queues[index]?.push(echoed);
      sockets[index]?.send(message);
    }
  });
}

serve(calls, () => {
  for (const socket of sockets) socket.terminate();
});
