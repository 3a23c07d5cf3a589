/**
 * What the cluster tells the layer above it, and the words it uses for that. Types only.
 * Calls come one at a time, never from inside `send`; `close` and `disconnect` announce what
 * they did before they return.
 */
import type { RefusalReason } from "../errors.ts";

/** Who a node is: one incarnation of a name. */
export interface MemberIdentity {
  /** This incarnation: unique in the cluster, larger for each restart of a name. */
  readonly origin: number;
  /** Unique in the cluster; a restart keeps it. */
  readonly name: string;
  /** Small number for archive ids, 0 = none. */
  readonly nodeNumber: number;
  /** Where others dial it. */
  readonly address: string;
}

/** The other end of a link whose handshake is done. */
export interface Peer extends MemberIdentity {
  /** The protocol version that both ends speak. */
  readonly protocol: number;
  /** The features that both ends have. */
  readonly features: readonly string[];
}

/**
 * `alive`: heard of lately, by a link or by way of others. `suspect`: its link was closed and
 * nothing was heard since, or it is known by hearsay only. `down`: given up for now.
 */
export type MemberState = "alive" | "suspect" | "down";

/** One other node that is known and not closed. */
export interface Member extends MemberIdentity {
  readonly state: MemberState;
  /** Whether there is a link to it now. */
  readonly linked: boolean;
  /** Origins that it said it has links to, in its newest ping. Empty without a link to it. */
  readonly linkedTo: readonly number[];
  /** Milliseconds since its beat last rose, not counting this node's own stalls. */
  readonly lastHeardMsAgo: number;
  /** Round trip of the newest ping, ms; undefined before the first answer. */
  readonly roundTripMs: number | undefined;
}

/** Why a member went down. */
export type DownReason = "silent" | "refused" | "goodbye" | "closed";

/** Why an origin was closed for good. */
export type OriginClosedReason = "goodbye" | "newer incarnation" | "absent";

/** A handshake that came to nothing. */
export interface Refusal {
  /** Where the other end is: its advertised address where it gave one. */
  readonly address: string;
  /** Its name, where it gave one. */
  readonly name?: string;
  readonly reason: RefusalReason;
  readonly message: string;
  /** True when this node refused, false when the other end did. */
  readonly byUs: boolean;
}

/** The listener. Each call sees a cluster whose state already includes what it tells. */
export interface ClusterEvents {
  /** The handshake is done and the first ping was sent; `send` works. */
  linkUp(peer: Peer): void;
  /** The link is gone; `send` to that origin does nothing any more. */
  linkDown(peer: Peer, reason: string): void;
  /**
   * A frame whose first byte is 0x20 or more. The bytes are valid during the call only. If it
   * throws a ProtocolError the link is closed with that reason, counted and logged.
   */
  frame(peer: Peer, frame: Uint8Array): void;
  /** Counted as alive, for the first time or again. Comes before the `linkUp` it is due to. */
  memberUp(member: MemberIdentity): void;
  /** Counted as alive no longer. Comes after the `linkDown` it is due to. */
  memberDown(member: MemberIdentity, reason: DownReason): void;
  /** That incarnation never comes back. Comes after its `linkDown` and `memberDown`. */
  originClosed(origin: number, reason: OriginClosedReason): void;
  /** Others have closed this incarnation; `isReplaced`: a newer one of its name exists. Once. */
  fenced(reason: string, isReplaced: boolean): void;
  /** A handshake was refused, by this node or by the other one. */
  refused(refusal: Refusal): void;
  /** After each round of pings, every `pingMs`; `now` is the monotonic clock's. */
  tick(now: number): void;
}
