/**
 * One Skein node in a process of its own, told over IPC what to do. It uses the public interface
 * only, as an application would.
 */
import { type Node, startNode, type Table } from "../src/index.ts";
import { bytesRead } from "./cpu.ts";
import { ClosedLoop, DelayWatch } from "./loop.ts";
import { memoryUse } from "./memory-use.ts";
import type { NodeCalls } from "./node-calls.ts";
import { type RowRange, tableCalls } from "./node-load.ts";
import { Probe } from "./probe.ts";
import { Profile } from "./profile.ts";
import { ReadLoop } from "./read-loop.ts";
import { serve } from "./remote.ts";
import { keyOf, rowsFrom, type Session, textKeyOf, userOfSession } from "./session-rows.ts";

/** sessions, texts, indexed. */
const TABLES = 3;
const ROWS_PER_BATCH = 1000;
/** A node that is busy for longer than this takes would be taken for dead. */
const ROWS_PER_TURN = 1000;
const JOIN_LIMIT_MS = 20_000;
const POLL_MS = 5;

let node: Node | undefined;
let sessions: Table<Session>;
let texts: Table<Session>;
let indexed: Table<Session>;
let loop: ClosedLoop | undefined;
let probe: Probe | undefined;
let reads: ReadLoop | undefined;
let profile: Profile | undefined;
const delay = new DelayWatch();
let driven: RowRange = { from: 0, to: 0 };

const calls: NodeCalls = {
  async start({
    cluster,
    name,
    file,
    probeRows,
    port = 0,
    advertise,
    limits = {},
    tables = TABLES,
  }) {
    const bytesBefore = bytesRead(process.pid);
    const start = performance.now();
    let linked = Number.NaN;
    node = await startNode({
      cluster,
      name,
      listen: { host: "127.0.0.1", port },
      ...(advertise === undefined ? {} : { advertise }),
      limits,
      discovery: { url: `sqlite:${file}` },
    });
    node.on("linkUp", () => {
      if (Number.isNaN(linked)) linked = performance.now();
    });
    sessions = node.table<Session>("sessions", { lifetime: "node", ordered: true });
    texts = node.table<Session>("texts", { lifetime: "node" });
    indexed = node.table<Session>("indexed", { indexes: { user: userOfSession } });
    for (let more = TABLES; more < tables; more++) node.table(`table${more}`, {});
    if (probeRows !== null) probe = new Probe(sessions, probeRows, name);
    await node.ready();
    const end = performance.now();
    return {
      readyMs: end - start,
      filledMs: end - linked,
      bytes: bytesRead(process.pid) - bytesBefore,
      size: sessions.size,
    };
  },

  async joined(nodes) {
    const deadline = performance.now() + JOIN_LIMIT_MS;
    while (node && node.status().joinedNodes.length !== nodes) {
      if (performance.now() > deadline) {
        const { joinedNodes } = node.status();
        throw new Error(`${joinedNodes.join(", ")} have joined, not ${nodes} nodes`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },

  async load({ from, count }) {
    for (let row = from; row < from + count; row += ROWS_PER_BATCH) {
      await sessions.setMany(rowsFrom(row, Math.min(ROWS_PER_BATCH, from + count - row)));
    }
  },

  async loadTexts({ from, count }) {
    for (let row = from; row < from + count; row += ROWS_PER_BATCH) {
      const rows = rowsFrom(row, Math.min(ROWS_PER_BATCH, from + count - row));
      await texts.setMany(rows.map(([, value], index) => [textKeyOf(row + index), value]));
    }
  },

  async loadIndexed({ from, count }) {
    for (let row = from; row < from + count; row += ROWS_PER_BATCH) {
      await indexed.setMany(rowsFrom(row, Math.min(ROWS_PER_BATCH, from + count - row)));
    }
  },

  drive({ offset, ...load }) {
    driven = { from: offset, to: offset };
    loop = new ClosedLoop(load.callers, tableCalls(sessions, load, driven));
  },

  mark() {
    loop?.mark();
  },

  async finish() {
    if (!loop) throw new Error("nothing was started");
    return { ...(await loop.finish()), ...driven };
  },

  async sync() {
    const deadline = performance.now() + JOIN_LIMIT_MS;
    for (;;) {
      const { catchingUp } = await sessions.sync();
      if (catchingUp.length === 0) return;
      if (performance.now() > deadline) throw new Error(`${catchingUp.join(", ")} still catch up`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },

  /** The engine's own sum. */
  check() {
    const { size, digest } = sessions.info();
    return { size, digest };
  },

  /** A sum of our own over keys and values as a reader sees them. */
  async contents() {
    let sum = 0;
    let size = 0;
    for (const row of sessions) {
      sum = (sum + hash(JSON.stringify(row))) % 2 ** 52;
      if (++size % ROWS_PER_TURN === 0) await nextTurn();
    }
    return { size, digest: sum.toString(16) };
  },

  async forget({ from, to }) {
    for (let row = from; row < to; row += ROWS_PER_BATCH) {
      const count = Math.min(ROWS_PER_BATCH, to - row);
      await sessions.deleteMany(Array.from({ length: count }, (_, index) => keyOf(row + index)));
    }
  },

  probe(rows) {
    if (node) probe = new Probe(sessions, rows, node.name);
  },

  async heal(rows) {
    const healing = node;
    if (!healing) throw new Error("no node was started");
    const linked = new Promise<{ at: number; bytes: number; probe: Probe }>((resolve) => {
      const onLink = (): void => {
        healing.off("linkUp", onLink);
        const probe = new Probe(sessions, rows, healing.name);
        resolve({ at: performance.now(), bytes: bytesRead(process.pid), probe });
      };
      healing.on("linkUp", onLink);
    });
    const caughtUp = new Promise<{ at: number; bytes: number }>((resolve) => {
      const onCaughtUp = (): void => {
        healing.off("caughtUp", onCaughtUp);
        resolve({ at: performance.now(), bytes: bytesRead(process.pid) });
      };
      healing.on("caughtUp", onCaughtUp);
    });
    const [from, to] = [await linked, await caughtUp];
    await calls.joined(2);
    const probed = await from.probe.stop();
    return { ms: to.at - from.at, bytes: to.bytes - from.bytes, probe: probed };
  },

  async probed() {
    if (!probe) throw new Error("no probe was started");
    return probe.stop();
  },

  async shrunk(rows) {
    const deadline = performance.now() + JOIN_LIMIT_MS;
    while (sessions.size > rows) {
      if (performance.now() > deadline) throw new Error(`still ${sessions.size} rows`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return performance.timeOrigin + performance.now();
  },

  watchDelay() {
    delay.start();
  },

  watchedDelay() {
    return delay.stop();
  },

  prepareReads(rows) {
    reads = new ReadLoop({ sessions, texts, indexed, rows });
  },

  read({ kind, measuredMs }) {
    if (!reads) throw new Error("reads were not prepared");
    return reads.run(kind, measuredMs);
  },

  /** Reads each row once, so that a value that is decoded at its first read is decoded. */
  async readAll() {
    let sum = 0;
    let rows = 0;
    for (const [, session] of sessions) {
      sum += session.priority;
      if (++rows % ROWS_PER_TURN === 0) await nextTurn();
    }
    return sum;
  },

  memory() {
    return memoryUse();
  },

  async profile() {
    profile = new Profile();
    await profile.start();
  },

  async profiled(file) {
    await profile?.stop(file);
  },
};

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  return sum >>> 0;
}

serve(calls, () => node?.leave());
