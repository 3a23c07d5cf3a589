/** P8: rings, awaited births, waiting frames and bytes under way stay within their limits. */
import { defaultLimits, type TablesLimits } from "../../src/tables/limits.ts";
import type { Incarnation } from "./incarnation.ts";

/** The largest batch that scripts write. */
const BATCH_MAX = 16;

/** What is over its limit; null if nothing is. */
export function boundsFault(one: Incarnation, given: Partial<TablesLimits>): string | null {
  const limits = { ...defaultLimits, ...given };
  const { replica, acks, peers, work } = one.engine.tables;
  for (const index of replica.origins.listedIndexes()) {
    const ring = replica.ring(index);
    const length = ring.lastSeq - ring.firstSeq + 1;
    if (length > limits.opRingOps + BATCH_MAX) {
      return `${one.who}: ring of ${length} ops, the limit is ${limits.opRingOps}`;
    }
  }
  if (acks.pending > limits.pendingWrites) return `${one.who}: ${acks.pending} writes wait`;
  // Credit bounds what waits: the window of each peer, in frames of some bytes, and short frames.
  const waitingMax = (peers.size + 1) * (limits.creditWindowBytes / 16 + 256);
  if (work.waitingFrames > waitingMax) {
    return `${one.who}: ${work.waitingFrames} frames wait, the limit is ${waitingMax}`;
  }
  return null;
}

/** More data under way to one peer than its credit allows: the window, or a single frame. */
export function creditFault(
  one: Incarnation,
  given: Partial<TablesLimits>,
  largestFrameBytes: number,
): string | null {
  const { creditWindowBytes = defaultLimits.creditWindowBytes } = given;
  const most = Math.max(creditWindowBytes, largestFrameBytes);
  for (const peer of one.engine.tables.peers.values()) {
    const underWay = peer.sentBytes - peer.creditedBytes;
    if (underWay < 0) return `${one.who}: ${peer.id} acknowledged more bytes than were sent`;
    if (underWay <= most) continue;
    return `${one.who}: ${underWay} bytes under way to ${peer.id}, the limit is ${most}`;
  }
  return null;
}
