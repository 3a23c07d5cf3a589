/**
 * The work that is done in slices: merging a session, frames that waited for it, purging, serving
 * sessions. Each call does one slice of each, so none starves another.
 */
import type { Comparisons } from "./comparison/comparisons.ts";
import type { Peer } from "./peer.ts";
import { Purge } from "./purge.ts";
import type { Receiver } from "./receiver.ts";
import type { Replica } from "./replica.ts";
import type { Sender } from "./sender.ts";

/** Waiting frames handled in one slice. */
const FRAMES_PER_SLICE = 16;

/** All jobs of one node. */
export class Jobs {
  readonly #replica: Replica;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #comparisons: Comparisons;
  readonly #peers: ReadonlyMap<number, Peer>;
  #purge: Purge | null = null;

  constructor(parts: {
    readonly replica: Replica;
    readonly receiver: Receiver;
    readonly sender: Sender;
    readonly comparisons: Comparisons;
    readonly peers: ReadonlyMap<number, Peer>;
  }) {
    this.#replica = parts.replica;
    this.#receiver = parts.receiver;
    this.#sender = parts.sender;
    this.#comparisons = parts.comparisons;
    this.#peers = parts.peers;
  }

  /** A purge is due or under way. */
  get purging(): boolean {
    return this.#purge !== null || this.#replica.purgeDue;
  }

  /** One slice of each; true if anything is left that could go on now. */
  step(failed: (peer: Peer, error: unknown) => void): boolean {
    const rows = this.#replica.limits.sliceRows;
    let more = this.#stepPurge(rows);
    if (this.#receiver.merge !== null) this.#receiver.stepMerge(rows);
    for (let done = 0; done < FRAMES_PER_SLICE && this.#receiver.merge === null; done++) {
      const failure = this.#receiver.replay();
      if (failure !== null) failed(failure.peer, failure.error);
    }
    if (this.#receiver.merge !== null || this.#receiver.waitingFrames > 0) more = true;
    if (this.#receiver.merge === null) {
      for (const peer of this.#peers.values()) if (this.#stepSession(peer, rows)) more = true;
      if (this.#comparisons.step(rows)) more = true;
    }
    return more;
  }

  #stepSession(peer: Peer, rows: number): boolean {
    if (peer.session === null) return false;
    return this.#sender.stepSession(peer, peer.session, rows) !== "blocked";
  }

  #stepPurge(rows: number): boolean {
    if (this.#purge === null) {
      if (!this.#replica.purgeDue) return false;
      this.#replica.purgeDue = false;
      this.#purge = new Purge(this.#replica);
    }
    if (this.#purge.step(rows)) this.#purge = null;
    return this.purging;
  }
}
