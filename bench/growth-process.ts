/**
 * One node that grows by single sets, each timed on its own, while the pauses of the garbage
 * collector are written down beside them. Needs --expose-gc.
 */
import { constants, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { type Node, startNode, type Table } from "../src/index.ts";
import { DelayWatch, type LoopDelay } from "./loop.ts";
import { serve } from "./remote.ts";
import { keyOf, type Session, sessionOf } from "./session-rows.ts";

/** What adding some rows took. */
export interface Growth {
  readonly seconds: number;
  /** The longest call of `set`, and the longest of those that no major collection fell into. */
  readonly longestMs: number;
  readonly longestOutsideMs: number;
  /** Major collections and the steps of their marking: how often, how long in all, the longest pause. */
  readonly majors: number;
  readonly majorMs: number;
  readonly majorLongestMs: number;
  /** The longest pause of any other kind: collections of the young generation. */
  readonly minorLongestMs: number;
  readonly delay: LoopDelay;
}

/** Bytes after a full collection. */
export interface GrowthMemory {
  readonly rows: number;
  readonly live: number;
  readonly resident: number;
}

/** A type and no interface, because only types fit the index of `Calls`. */
export type GrowthCalls = {
  /** Answers with the limit of the heap, bytes. */
  start(_: null): Promise<number>;
  grow(rows: { from: number; count: number }): Promise<Growth>;
  memory(_: null): Promise<GrowthMemory>;
  /** Throws unless rows all over the table have the values that they were given. */
  check(rows: number): void;
};

interface Span {
  readonly start: number;
  readonly ms: number;
}

const SETS_PER_TURN = 1000;
/** Calls that are looked at more closely, and how many of them are kept at most. */
const SLOW_MS = 1;
const SLOW_MAX = 100_000;
/** Reports of collections come on a later turn. */
const REPORT_MS = 100;
const CHECKED_ROWS = 100_000;

let node: Node | undefined;
let table: Table<Session>;
let majors: Span[] = [];
let minorLongestMs = 0;

const calls: GrowthCalls = {
  async start() {
    node = await startNode({
      cluster: "bench",
      name: "growing",
      listen: { host: "127.0.0.1", port: 0 },
      discovery: { nodes: [] },
    });
    table = node.table<Session>("sessions", { lifetime: "node", ordered: true });
    await node.ready();
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { startTime, duration } = entry;
        if (isMajor(entry)) majors.push({ start: startTime, ms: duration });
        else minorLongestMs = Math.max(minorLongestMs, duration);
      }
    });
    observer.observe({ entryTypes: ["gc"] });
    return getHeapStatistics().heap_size_limit;
  },

  async grow({ from, count }) {
    majors = [];
    minorLongestMs = 0;
    const delay = new DelayWatch();
    delay.start();
    const slow: Span[] = [];
    const start = performance.now();
    for (let row = from; row < from + count; row += SETS_PER_TURN) {
      const last = Math.min(row + SETS_PER_TURN, from + count);
      const writes: Promise<unknown>[] = [];
      for (let each = row; each < last; each++) {
        const key = keyOf(each);
        const session = sessionOf(each);
        const before = performance.now();
        writes.push(table.set(key, session));
        const ms = performance.now() - before;
        if (ms >= SLOW_MS && slow.length < SLOW_MAX) slow.push({ start: before, ms });
      }
      await Promise.all(writes);
    }
    const seconds = (performance.now() - start) / 1000;
    await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
    const outside = slow.filter((call) => !majors.some((pause) => overlap(call, pause)));
    return {
      seconds,
      longestMs: longest(slow),
      longestOutsideMs: longest(outside),
      majors: majors.length,
      majorMs: majors.reduce((sum, { ms }) => sum + ms, 0),
      majorLongestMs: longest(majors),
      minorLongestMs,
      delay: delay.stop(),
    };
  },

  async memory() {
    if (!globalThis.gc) throw new Error("the process was not started with --expose-gc");
    globalThis.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    // Its own pause is reported on a later turn, and belongs to no growth.
    await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
    return { rows: table.size, live: heapUsed + external, resident: rss };
  },

  check(rows) {
    if (table.size !== rows) throw new Error(`the table holds ${table.size} of ${rows} rows`);
    const step = Math.max(1, Math.floor(rows / CHECKED_ROWS));
    for (let row = 0; row < rows; row += step) {
      const found = table.get(keyOf(row));
      if (found?.started !== sessionOf(row).started) throw new Error(`row ${row} is not there`);
    }
  },
};

/** A major collection, or a step of the marking that prepares it. */
function isMajor(entry: object): boolean {
  if (!("detail" in entry)) return false;
  const { detail } = entry;
  if (typeof detail !== "object" || detail === null || !("kind" in detail)) return false;
  const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_INCREMENTAL: marking } = constants;
  return detail.kind === major || detail.kind === marking;
}

function overlap(one: Span, other: Span): boolean {
  return one.start < other.start + other.ms && other.start < one.start + one.ms;
}

/** Calls below `SLOW_MS` are not kept, so there may be none. */
function longest(spans: readonly Span[]): number {
  return spans.reduce((most, { ms }) => Math.max(most, ms), 0);
}

serve(calls, () => node?.leave());
