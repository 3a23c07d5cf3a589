/** The real clock and randomness: a leaf for those who lend them to others. */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock, Random, Timer } from "./runtime.ts";

/** Time as Node tells it. Timers do not keep the process alive. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after(ms: number, fn: () => void): Timer {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  defer(fn: () => void): void {
    setImmediate(fn);
  },
};

/** Random bytes fit for nonces. */
export const systemRandom: Random = {
  float: () => randomBytes(4).readUInt32BE() / 4294967296,
  bytes: (size: number) => randomBytes(size),
};
