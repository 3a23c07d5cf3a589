/** The real clock, randomness and sockets. The only file of src/node that asks the machine. */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { DEFAULT_CLUSTER_TIMINGS } from "../cluster/cluster-options.ts";
import { WsTransport } from "../cluster/ws-transport.ts";
import type { Clock, Random, Timer } from "../runtime.ts";
import type { Surroundings } from "./surroundings.ts";

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

/** This machine. */
export const systemSurroundings: Surroundings = {
  clock: systemClock,
  random: systemRandom,
  transport({ host, port, zeroMask, tls, timings, log }) {
    const { maxFrameBytes, handshakeMs } = { ...DEFAULT_CLUSTER_TIMINGS, ...timings };
    const secured = tls === undefined ? {} : { tls };
    return new WsTransport({ host, port, zeroMask, maxFrameBytes, handshakeMs, ...secured, log });
  },
};
