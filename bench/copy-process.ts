/**
 * The least that a row on several nodes costs in JavaScript over this transport: a process keeps
 * a Map, encodes what it writes, and sends the rows of a turn of its event loop in one WebSocket
 * message; the others put them into their Maps and answer how many they have. There is no order,
 * log, check, sum, conflict or failure in it, which is what Skein adds.
 */
import { Packr } from "msgpackr";
import type { WebSocket } from "ws";
import { ClosedLoop, type LoopResult } from "./loop.ts";
import type { RowRange } from "./node-load.ts";
import { serve } from "./remote.ts";
import { sessionOf, textKeyOf } from "./session-rows.ts";
import type { Load } from "./side.ts";
import { accept, dial } from "./sockets.ts";

/** A type and no interface, because only types fit the index of `Calls`. */
export type CopyCalls = {
  /** Starts to take rows; answers with the port. */
  listen(_: null): Promise<number>;
  connect(ports: readonly number[]): Promise<void>;
  load(rows: { from: number; count: number }): Promise<void>;
  drive(drive: Load & { offset: number }): void;
  mark(_: null): void;
  finish(_: null): Promise<LoopResult & RowRange>;
  /** Drops these rows here; answers how many of them there were. */
  forget(rows: RowRange): number;
};

/** The least that a row consists of: it says whose it is. */
interface Row {
  readonly key: string;
  readonly value: string;
  readonly from: number;
}

/** So many rows, then ends a call. */
interface Waiting {
  readonly upTo: number;
  readonly resolve: () => void;
}

const ROWS_PER_LOAD = 1000;
const HEAD_BYTES = 4;
/** Of a row: the lengths of key and value. */
const ROW_HEAD_BYTES = 4;
const MESSAGE_BYTES = 64 * 1024;

const rows = new Map<string, Row>();
const packr = new Packr({ useRecords: false, variableMapSize: true });
const peers: { readonly socket: WebSocket; has: number }[] = [];
const waiting: Waiting[] = [];
let message = Buffer.allocUnsafe(MESSAGE_BYTES);
let used = HEAD_BYTES;
let written = 0;
let sent = 0;
let loop: ClosedLoop | null = null;
let driven: RowRange = { from: 0, to: 0 };

const calls: CopyCalls = {
  listen() {
    return accept((socket) => socket.on("message", takerOf(socket)));
  },

  async connect(ports) {
    for (const port of ports) {
      const socket = await dial(port);
      const peer = { socket, has: 0 };
      socket.on("message", (data: Buffer) => {
        peer.has = data.readUInt32BE(0);
        settle();
      });
      peers.push(peer);
    }
  },

  async load({ from, count }) {
    for (let row = from; row < from + count; row += ROWS_PER_LOAD) {
      await write(row, Math.min(ROWS_PER_LOAD, from + count - row));
    }
  },

  drive({ offset, callers, rowsPerCall }) {
    driven = { from: offset, to: offset };
    loop = new ClosedLoop(callers, {
      call: () => {
        const row = driven.to;
        driven.to += rowsPerCall;
        return write(row, rowsPerCall);
      },
    });
  },

  mark() {
    loop?.mark();
  },

  async finish() {
    if (!loop) throw new Error("nothing was started");
    return { ...(await loop.finish()), ...driven };
  },

  forget({ from, to }) {
    let held = 0;
    for (let row = from; row < to; row++) if (rows.delete(textKeyOf(row))) held++;
    return held;
  },
};

/** Ends when all others have these rows. */
function write(from: number, count: number): Promise<void> {
  if (used === HEAD_BYTES) setImmediate(flush);
  for (let row = from; row < from + count; row++) put(textKeyOf(row), packr.pack(sessionOf(row)));
  written += count;
  return new Promise((resolve) => waiting.push({ upTo: written, resolve }));
}

function put(key: string, packed: Buffer): void {
  const value = packed.toString("latin1");
  rows.set(key, { key, value, from: 0 });
  const bytes = ROW_HEAD_BYTES + key.length + packed.length;
  if (used + bytes > message.length) {
    const larger = Buffer.allocUnsafe(message.length * 2);
    message.copy(larger, 0, 0, used);
    message = larger;
  }
  message.writeUInt16BE(key.length, used);
  message.writeUInt16BE(packed.length, used + 2);
  used += ROW_HEAD_BYTES;
  used += message.write(key, used, "latin1");
  used += packed.copy(message, used);
}

function flush(): void {
  message.writeUInt32BE(written - sent, 0);
  sent = written;
  const copy = Buffer.from(message.subarray(0, used));
  for (const { socket } of peers) socket.send(copy);
  used = HEAD_BYTES;
}

function settle(): void {
  const everywhere = Math.min(...peers.map(({ has }) => has));
  let done = 0;
  while (done < waiting.length && (waiting[done] as Waiting).upTo <= everywhere) done++;
  for (const { resolve } of waiting.splice(0, done)) resolve();
}

/** Puts the rows of each message into the Map, and says how many have come in all. */
function takerOf(socket: WebSocket): (data: Buffer) => void {
  let taken = 0;
  return (data) => {
    const count = data.readUInt32BE(0);
    let at = HEAD_BYTES;
    for (let row = 0; row < count; row++) {
      const keyBytes = data.readUInt16BE(at);
      const valueBytes = data.readUInt16BE(at + 2);
      at += ROW_HEAD_BYTES;
      const key = data.toString("latin1", at, at + keyBytes);
      at += keyBytes;
      const value = data.toString("latin1", at, at + valueBytes);
      at += valueBytes;
      rows.set(key, { key, value, from: 1 });
    }
    taken += count;
    const answer = Buffer.allocUnsafe(HEAD_BYTES);
    answer.writeUInt32BE(taken, 0);
    socket.send(answer);
  };
}

serve(calls, () => undefined);
