/**
 * What comes in from each peer. While a merge is under way data waits here, in order; so does what
 * would make a turn too long. It is bounded, for its credit is not given back before it is taken.
 */
import { ProtocolError } from "../errors.ts";
import type { Acks } from "./acks.ts";
import type { Comparisons } from "./comparison/comparisons.ts";
import { decodeAck, decodeCaught, decodeFar, decodePull, encodePull } from "./control-frames.ts";
import {
  FRAME_ACK,
  FRAME_CAUGHT,
  FRAME_CHUNK,
  FRAME_COMPARE,
  FRAME_COMPARED,
  FRAME_DIGEST,
  FRAME_END,
  FRAME_FAR,
  FRAME_HELD,
  FRAME_KEYS,
  FRAME_OPS,
  FRAME_PULL,
  FRAME_RETIRED,
  FRAME_SHOW,
  FRAME_SHOWN,
  FRAME_VECTOR,
} from "./frame-kinds.ts";
import { decodeHeld } from "./held-births.ts";
import { Merge } from "./merge.ts";
import type { Op } from "./op.ts";
import { OpsDecoding } from "./ops-frame.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer } from "./peer.ts";
import { type OpenPull, Puller } from "./pull.ts";
import type { Replica } from "./replica.ts";
import { decodeRetired } from "./retired-frame.ts";
import type { Retirement } from "./retirement.ts";
import type { Sender } from "./sender.ts";
import { decodeChunk, decodeEnd } from "./session-frames.ts";
import type { Slice } from "./slice.ts";
import { decodeVector } from "./vector-frame.ts";
import type { View } from "./view.ts";

/** What the receiver works with. */
export interface ReceiverParts {
  readonly replica: Replica;
  readonly peers: ReadonlyMap<number, Peer>;
  readonly sender: Sender;
  readonly retirement: Retirement;
  readonly comparisons: Comparisons;
  readonly acks: Acks;
  readonly outbox: Outbox;
  readonly now: () => number;
  /** An origin is closed, by what a peer says. */
  readonly close: (id: number) => void;
  /** A pull from that peer was answered in full. */
  readonly caughtUp: (id: number) => void;
}

interface WaitingFrame {
  readonly peer: Peer;
  readonly frame: Uint8Array;
  /** What was read of it, where it is one of ops. */
  ops: OpsDecoding | null;
}

/** The receiving side of all links. */
export class Receiver {
  /** The merge under way. */
  merge: Merge | null = null;
  readonly #parts: ReceiverParts;
  readonly #replica: Replica;
  readonly #puller: Puller;
  /** The peer whose session is being merged. */
  #mergedFrom: Peer | null = null;
  #waiting: WaitingFrame[] = [];
  /** When frames of this turn begin to wait; NaN before its first one. */
  #turnEndsAt = Number.NaN;
  /** The next pull says which rows are held. */
  #withRows = new Set<Peer>();

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#replica = parts.replica;
    this.#puller = new Puller(parts.replica);
  }

  /** The pull that is open, if any. */
  get openedPull(): OpenPull | null {
    return this.#puller.open;
  }

  /** Frames that wait for the merge. */
  get waitingFrames(): number {
    return this.#waiting.length;
  }

  /** Handles a frame, or keeps a copy until the merge is over. */
  receive(peer: Peer, frame: Uint8Array): void {
    switch (frame[0]) {
      case FRAME_ACK:
        this.#onAck(peer, frame);
        return;
      case FRAME_VECTOR:
        this.#onVector(peer, frame);
        return;
      case FRAME_PULL:
        this.#onPull(peer, frame);
        return;
      case FRAME_RETIRED:
        this.#onRetired(frame);
        return;
      case FRAME_DIGEST:
      case FRAME_COMPARE:
      case FRAME_KEYS:
      case FRAME_SHOW:
      case FRAME_SHOWN:
      case FRAME_COMPARED:
        this.#parts.comparisons.receive(peer, frame);
        return;
      case FRAME_OPS:
      case FRAME_CHUNK:
      case FRAME_HELD:
      case FRAME_END:
      case FRAME_CAUGHT:
      case FRAME_FAR:
        if (this.merge !== null || peer.waitingFrames > 0 || !this.#hasTime()) {
          this.#keep(peer, frame);
        } else if (frame[0] === FRAME_OPS) {
          const ops = new OpsDecoding(frame, this.#replica);
          // More than fit into a frame are one long batch.
          if (ops.count > this.#replica.limits.frameOps) this.#keep(peer, frame);
          else this.#readOps({ peer, frame, ops });
        } else this.#handle(peer, frame);
        return;
      default:
        throw new ProtocolError(`frame of kind ${frame[0]}, unknown to this protocol`);
    }
  }

  /** Sends a pull to a peer that covers more, unless one is open or a merge is under way. */
  openPull(): void {
    if (this.#puller.open !== null || this.merge !== null || this.#waiting.length > 0) return;
    for (const peer of this.#parts.peers.values()) {
      if (!peer.wantsPull || this.#replica.origins.gone[peer.index]) continue;
      const withRows = this.#withRows.delete(peer);
      const pull = this.#puller.start(peer, withRows, this.#parts.now());
      this.#parts.outbox.send(peer.id, encodePull(pull));
      return;
    }
  }

  /** A new turn of the event loop: frames may be handled as they come, for a while. */
  turn(): void {
    this.#turnEndsAt = Number.NaN;
  }

  /** One slice of the merge; true if more is left. */
  stepMerge(slice: Slice): boolean {
    if (this.merge === null) return false;
    if (!this.merge.step(slice)) return true;
    this.merge = null;
    this.#replica.observer.merged?.();
    const peer = this.#mergedFrom;
    this.#mergedFrom = null;
    if (peer !== null) this.#caughtUp(peer);
    for (const waiting of this.#parts.peers.values()) {
      const pull = waiting.waitingPull;
      waiting.waitingPull = null;
      if (pull !== null) this.#parts.sender.answer(waiting, pull);
    }
    return false;
  }

  /**
   * Handles the frame that has waited longest, or a piece of it if it is one of many ops. Returns
   * its peer and what went wrong, or null.
   */
  replay(): { peer: Peer; error: unknown } | null {
    const next = this.#waiting[0];
    if (next === undefined) return null;
    let failure: { peer: Peer; error: unknown } | null = null;
    try {
      if (next.frame[0] !== FRAME_OPS) this.#handle(next.peer, next.frame);
      else if (!this.#readOps(next)) return null;
    } catch (error) {
      failure = { peer: next.peer, error };
    }
    // Whoever was told of something by it may have ended its link, and what waited from there.
    if (this.#waiting[0] === next) this.#waiting.shift();
    next.peer.waitingFrames--;
    return failure;
  }

  /** The link is gone: what waits from it is lost, its pull breaks off; a merge goes on. */
  forget(peer: Peer): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.peer !== peer);
    this.#withRows.delete(peer);
    if (this.#mergedFrom === peer) this.#mergedFrom = null;
    if (this.#puller.open?.peer !== peer) return;
    this.#puller.finish();
    this.#replica.counters.pullsAborted++;
  }

  /** Gives up a pull that makes no progress; its link is to be closed. */
  dropStalledPull(now: number, disconnect: (peer: Peer) => void): void {
    const open = this.#puller.open;
    if (open === null || now - open.progressAt < this.#replica.limits.pullStallMs) return;
    disconnect(open.peer);
  }

  /** A socket may hand over megabytes at once: not all of them are taken in one turn. */
  #hasTime(): boolean {
    const now = this.#parts.now();
    if (Number.isNaN(this.#turnEndsAt)) this.#turnEndsAt = now + this.#replica.limits.sliceMs;
    return now < this.#turnEndsAt;
  }

  #keep(peer: Peer, frame: Uint8Array): void {
    peer.waitingFrames++;
    this.#waiting.push({ peer, frame: new Uint8Array(frame), ops: null });
  }

  /**
   * Reads a piece of a frame of ops; applies all of them, and returns true, at its end. A long
   * batch is applied by a call of its own, for to read its last piece has taken time enough.
   */
  #readOps(of: WaitingFrame): boolean {
    const { frameOps } = this.#replica.limits;
    of.ops ??= new OpsDecoding(of.frame, this.#replica);
    if (!of.ops.isRead) {
      of.ops.step(frameOps);
      if (!of.ops.isRead || of.ops.count > frameOps) return false;
    }
    this.#onOps(of.peer, of.ops.ops);
    of.peer.takenBytes += of.frame.length;
    return true;
  }

  #handle(peer: Peer, frame: Uint8Array): void {
    switch (frame[0]) {
      case FRAME_CHUNK:
        this.#onChunk(peer, frame);
        peer.takenBytes += frame.length;
        return;
      case FRAME_HELD:
        this.#onHeld(peer, frame);
        peer.takenBytes += frame.length;
        return;
      case FRAME_END:
        this.#onEnd(peer, frame);
        return;
      case FRAME_CAUGHT:
        if (this.#matches(peer, decodeCaught(frame))) {
          this.#puller.finish();
          this.#caughtUp(peer);
        }
        return;
      default:
        this.#onFar(peer, decodeFar(frame));
    }
  }

  #onAck(peer: Peer, frame: Uint8Array): void {
    const { seq, bytes } = decodeAck(frame);
    if (seq >= this.#replica.nextSeq)
      throw new ProtocolError(`ack of ${seq}, which is not written`);
    if (bytes > peer.sentBytes)
      throw new ProtocolError(`ack of ${bytes} bytes, which were not sent`);
    peer.creditedBytes = Math.max(peer.creditedBytes, bytes);
    this.#parts.sender.applied(peer, seq);
  }

  #onPull(peer: Peer, frame: Uint8Array): void {
    const pull = decodePull(frame);
    this.#heedClosings(pull.view);
    if (this.merge !== null) peer.waitingPull = pull;
    else this.#parts.sender.answer(peer, pull);
  }

  #onVector(peer: Peer, frame: Uint8Array): void {
    const report = decodeVector(frame);
    peer.report = report;
    this.#heedClosings(report.view);
    const { origins, counters } = this.#replica;
    const selfId = this.#selfId;
    for (const [id, seq] of report.applied) {
      if (seq < this.#replica.nextSeq && this.#parts.acks.advance(id, seq)) counters.acksRelayed++;
    }
    for (const [id, seq] of report.view.vector) {
      const index = origins.intern(id);
      origins.list(index);
      if (id === selfId || seq <= (origins.vector[index] as number)) continue;
      if (this.#parts.peers.get(id)?.streamsToUs !== true) peer.wantsPull = true;
    }
    if (!origins.retired.includes(report.view.retired)) peer.wantsPull = true;
  }

  /** Whoever sees itself closed or retired by others is over. */
  #heedClosings(view: View): void {
    for (const id of view.closed) this.#parts.close(id);
    if (this.#endsSelf(view)) this.#parts.close(this.#selfId);
  }

  #endsSelf({ closed, retired }: View): boolean {
    const selfId = this.#selfId;
    return closed.includes(selfId) || retired.some(([from, to]) => from <= selfId && selfId <= to);
  }

  get #selfId(): number {
    const { origins } = this.#replica;
    return origins.ids[origins.self] as number;
  }

  /** What cannot be adopted is pulled: the vector that follows tells of it as well. */
  #onRetired(frame: Uint8Array): void {
    const batch = decodeRetired(frame);
    if (this.merge === null) this.#parts.retirement.adopt(batch);
  }

  #onOps(peer: Peer, ops: readonly Op[]): void {
    const { origins, counters } = this.#replica;
    for (const op of ops) {
      if (origins.covered(op.origin, op.seq)) {
        counters.duplicates++;
        continue;
      }
      if (op.seq !== (origins.vector[op.origin] as number) + 1) {
        counters.gaps++;
        throw new ProtocolError(
          `op ${op.seq} of origin ${origins.ids[op.origin]} after ${origins.vector[op.origin]}`,
        );
      }
      counters.applied++;
      if (op.origin !== peer.index) counters.relayed++;
      this.#replica.apply(op);
    }
    this.#progress(peer);
  }

  #onChunk(peer: Peer, frame: Uint8Array): void {
    decodeChunk(frame, this.#replica, (pullId) => {
      return this.#matches(peer, pullId) ? this.#puller.open : null;
    });
    this.#progress(peer);
  }

  #onHeld(peer: Peer, frame: Uint8Array): void {
    const { pullId, runs } = decodeHeld(frame, this.#replica);
    if (!this.#matches(peer, pullId)) return;
    for (const run of runs) (this.#puller.open as OpenPull).listed.add(run);
    this.#progress(peer);
  }

  #onEnd(peer: Peer, frame: Uint8Array): void {
    const end = decodeEnd(frame, this.#replica);
    if (!this.#matches(peer, end.pullId)) return;
    const ours = end.view.vector.get(this.#selfId) ?? 0;
    if (ours >= this.#replica.nextSeq) throw new ProtocolError("end that covers ops not written");
    if (this.#endsSelf(end.view)) {
      // To merge first would take this node's own rows from those who go on reading them here.
      this.#puller.finish();
      return this.#heedClosings(end.view);
    }
    this.merge = new Merge(this.#parts, this.#puller.open as OpenPull, end);
    this.#mergedFrom = peer;
    this.#puller.finish();
  }

  #onFar(peer: Peer, pullId: number): void {
    peer.streamsToUs = false;
    peer.wantsPull = true;
    if (!this.#matches(peer, pullId)) return;
    this.#puller.finish();
    this.#withRows.add(peer);
  }

  #caughtUp(peer: Peer): void {
    peer.streamsToUs = true;
    this.#parts.caughtUp(peer.id);
  }

  #matches(peer: Peer, pullId: number): boolean {
    const open = this.#puller.open;
    return open !== null && open.peer === peer && open.id === pullId;
  }

  #progress(peer: Peer): void {
    const open = this.#puller.open;
    if (open !== null && open.peer === peer) open.progressAt = this.#parts.now();
  }
}
