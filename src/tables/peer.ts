/**
 * What this node knows of one linked peer, in both directions. A new link is a new Peer: what was
 * under way on the old one is lost, and both sides pull afresh.
 */
import type { PullFrame } from "./control-frames.ts";
import type { OpsAnswer } from "./ops-answer.ts";
import type { Session } from "./session.ts";
import type { VectorFrame } from "./vector-frame.ts";

/** State of one link. */
export class Peer {
  readonly id: number;
  readonly name: string;
  /** Local origin index. */
  readonly index: number;
  /** What both ends can do beyond protocol 1. */
  readonly features: ReadonlySet<string>;

  /** Sending: our log flows to it as we write. */
  streaming = false;
  /** Where our log was when it began to flow; the peer counts once it has applied that much. */
  countFrom = 0;
  /** Last seq of our own log that was sent. */
  cursor = 0;
  /** At most one of the two is under way. */
  answer: OpsAnswer | null = null;
  session: Session | null = null;
  /** A pull that waits until a merge of our own is over. */
  waitingPull: PullFrame | null = null;
  /** Data sent on this link, and how much of it the peer has taken. */
  sentBytes = 0;
  creditedBytes = 0;

  /** Receiving: its log flows to us as it writes. */
  streamsToUs = false;
  /** Data taken on this link, and what the peer was told of that. */
  takenBytes = 0;
  toldBytes = 0;
  toldSeq = 0;
  /** Frames of it that wait to be handled: later ones wait behind them. */
  waitingFrames = 0;
  /** It covers something that we lack, or its log does not flow yet. */
  wantsPull = true;

  /** How many batches of retired origins it was told of. */
  toldRetirements = 0;

  /** At the same view it held other rows than we do, when that was looked at last. */
  isDivergent = false;

  /** Its newest report, always heard directly. */
  report: VectorFrame | null = null;

  constructor(id: number, name: string, index: number, features: Iterable<string> = []) {
    this.id = id;
    this.name = name;
    this.index = index;
    this.features = new Set(features);
  }

  /** Whether so much more data may be sent; one frame of any size always may be. */
  hasCredit(bytes: number, windowBytes: number): boolean {
    const underWay = this.sentBytes - this.creditedBytes;
    return underWay === 0 || underWay + bytes <= windowBytes;
  }
}
