/** The real clock, randomness and sockets: what a node is lent unless a test lends it others. */
import { DEFAULT_CLUSTER_TIMINGS } from "../cluster/cluster-options.ts";
import { WsTransport } from "../cluster/ws-transport.ts";
import { systemClock, systemRandom } from "../system-clock.ts";
import type { Surroundings } from "./surroundings.ts";

export { systemClock, systemRandom };

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
