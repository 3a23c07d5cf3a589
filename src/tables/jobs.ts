/**
 * The work that is done in slices: merging a session, frames that waited, purging, serving
 * sessions. Each call does one slice of each, so none starves another, and together they take
 * about as long as `sliceMs` says.
 */
import type { Comparisons } from "./comparison/comparisons.ts";
import type { Peer } from "./peer.ts";
import { Purge } from "./purge.ts";
import type { Receiver } from "./receiver.ts";
import type { Replica } from "./replica.ts";
import type { Sender } from "./sender.ts";
import type { Session } from "./session.ts";
import { Slice } from "./slice.ts";

/** Waiting frames handled in one slice, at most. */
const FRAMES_PER_SLICE = 16;

/** All jobs of one node. */
export class Jobs {
  readonly #replica: Replica;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #comparisons: Comparisons;
  readonly #peers: ReadonlyMap<number, Peer>;
  readonly #now: () => number;
  #purge: Purge | null = null;

  constructor(parts: {
    readonly replica: Replica;
    readonly receiver: Receiver;
    readonly sender: Sender;
    readonly comparisons: Comparisons;
    readonly peers: ReadonlyMap<number, Peer>;
    /** Monotonic clock, ms. */
    readonly now: () => number;
  }) {
    this.#replica = parts.replica;
    this.#receiver = parts.receiver;
    this.#sender = parts.sender;
    this.#comparisons = parts.comparisons;
    this.#peers = parts.peers;
    this.#now = parts.now;
  }

  /** A purge is due or under way. */
  get purging(): boolean {
    return this.#purge !== null || this.#replica.purgeDue;
  }

  /** One slice of each; true if anything is left that could go on now. */
  step(failed: (peer: Peer, error: unknown) => void): boolean {
    const { merge, waitingFrames } = this.#receiver;
    let sessions = 0;
    for (const peer of this.#peers.values()) if (peer.session !== null) sessions++;
    const jobs = sessions + (this.purging ? 1 : 0) + (merge !== null || waitingFrames > 0 ? 1 : 0);
    const budgetMs = this.#replica.limits.sliceMs / Math.max(1, jobs);
    let more = this.purging && this.#stepPurge(budgetMs);
    if (this.#stepReceiver(budgetMs, failed)) more = true;
    if (this.#receiver.merge !== null) return true;
    for (const peer of this.#peers.values()) {
      if (peer.session !== null && this.#stepSession(peer, peer.session, budgetMs)) more = true;
    }
    if (this.#comparisons.step(this.#slice(budgetMs))) more = true;
    return more;
  }

  #stepReceiver(budgetMs: number, failed: (peer: Peer, error: unknown) => void): boolean {
    const receiver = this.#receiver;
    if (receiver.merge !== null) {
      return receiver.stepMerge(this.#slice(budgetMs)) || receiver.waitingFrames > 0;
    }
    if (receiver.waitingFrames === 0) return false;
    const endsAt = this.#now() + budgetMs;
    for (let done = 0; done < FRAMES_PER_SLICE && receiver.merge === null; done++) {
      const failure = receiver.replay();
      if (failure !== null) failed(failure.peer, failure.error);
      if (receiver.waitingFrames === 0 || this.#now() >= endsAt) break;
    }
    return receiver.merge !== null || receiver.waitingFrames > 0;
  }

  #stepSession(peer: Peer, session: Session, budgetMs: number): boolean {
    return this.#sender.stepSession(peer, session, this.#slice(budgetMs)) !== "blocked";
  }

  #stepPurge(budgetMs: number): boolean {
    if (this.#purge === null) {
      this.#replica.purgeDue = false;
      this.#purge = new Purge(this.#replica);
    }
    if (this.#purge.step(this.#slice(budgetMs))) this.#purge = null;
    return this.purging;
  }

  #slice(ms: number): Slice {
    return new Slice(this.#now, { rows: this.#replica.limits.sliceRows, ms });
  }
}
