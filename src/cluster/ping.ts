/** What a ping says: the sender first, then whom it knows, as many as fit. */
import type { MemberIdentity } from "./cluster-events.ts";
import type { PingFrame, PingMember } from "./cluster-frames.ts";
import { PING_MEMBERS_MAX } from "./frame-limits.ts";
import type { KnownMember } from "./membership.ts";

/** What a ping is made of. */
export interface PingSource {
  readonly self: MemberIdentity;
  readonly beat: number;
  readonly stamp: number;
  readonly members: Iterable<KnownMember>;
  isLinked(origin: number): boolean;
  readonly absent: readonly number[];
  /** The largest frame that is allowed. */
  readonly maxBytes: number;
}

/** Bytes of an entry beside its texts, at most. */
const ENTRY_BYTES = 32;
/** Bytes of one origin in the list of absent ones, at most. */
const ORIGIN_BYTES = 8;

export function pingOf(source: PingSource): PingFrame {
  const { origin, name, nodeNumber, address } = source.self;
  const self = { origin, name, nodeNumber, address, beat: source.beat, linked: false };
  const members: PingMember[] = [self];
  let bytesLeft = source.maxBytes - ENTRY_BYTES - entryBytes(source.self);
  bytesLeft -= source.absent.length * ORIGIN_BYTES;
  for (const { identity, beat } of source.members) {
    bytesLeft -= entryBytes(identity);
    if (bytesLeft < 0 || members.length === PING_MEMBERS_MAX) break;
    const { origin, name, nodeNumber, address } = identity;
    members.push({ origin, name, nodeNumber, address, beat, linked: source.isLinked(origin) });
  }
  return { kind: "ping", stamp: source.stamp, members, absent: source.absent };
}

/** A code unit takes three bytes at most. */
function entryBytes({ name, address }: MemberIdentity): number {
  return ENTRY_BYTES + 3 * (name.length + address.length);
}
