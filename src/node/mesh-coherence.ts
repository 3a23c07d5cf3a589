/**
 * Keeps the read caches of stores in step over the mesh. Who has written tells every linked node
 * and waits for its word that it has forgotten; a node that is silent for long or is cut off is
 * not waited for. When a link comes up, both ends forget everything: they may have missed some.
 */
import type { Peer } from "../cluster/cluster-events.ts";
import type { CacheCoherence, Invalidation } from "../persistent/cache/coherence.ts";
import type { Clock } from "../runtime.ts";
import {
  decodeChanged,
  decodeForgotten,
  encodeChanged,
  encodeForgotten,
  FEATURE_STORE_CACHE,
  FRAME_CHANGED,
  FRAME_FORGOTTEN,
} from "./coherence-frames.ts";

/** A node that has not answered after so long, ms, is not waited for. */
const ANSWER_MAX_MS = 2000;

/** What it works with. */
export interface MeshParts {
  readonly clock: Clock;
  /** Linked nodes. */
  readonly peers: () => readonly Peer[];
  readonly send: (origin: number, frame: Uint8Array) => void;
}

/** A write whose change others are told of. */
interface Telling {
  readonly waitFor: Set<number>;
  readonly done: () => void;
}

/** See the head of this file. */
export class MeshCoherence implements CacheCoherence {
  readonly #parts: MeshParts;
  readonly #listeners = new Set<(change: Invalidation | undefined) => void>();
  readonly #tellings = new Map<number, Telling>();
  #lastId = 0;

  constructor(parts: MeshParts) {
    this.#parts = parts;
  }

  invalidate(change: Invalidation): Promise<void> {
    this.#forget(change);
    const peers = this.#parts.peers().filter((peer) => understands(peer));
    if (peers.length === 0) return Promise.resolve();
    const id = ++this.#lastId;
    const frame = encodeChanged(id, change);
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ANSWER_MAX_MS, () => done());
      const done = () => {
        timer.cancel();
        this.#tellings.delete(id);
        resolve();
      };
      this.#tellings.set(id, { waitFor: new Set(peers.map((peer) => peer.origin)), done });
      for (const peer of peers) this.#parts.send(peer.origin, frame);
    });
  }

  listen(forget: (change: Invalidation | undefined) => void): () => void {
    this.#listeners.add(forget);
    return () => this.#listeners.delete(forget);
  }

  /** Both ends may have missed what was written while there was no link. */
  linkUp(): void {
    this.#forget(undefined);
  }

  linkDown(origin: number): void {
    for (const telling of [...this.#tellings.values()]) this.#answered(telling, origin);
  }

  /** True if the frame was one of these. @throws ProtocolError */
  frame(peer: Peer, frame: Uint8Array): boolean {
    if (frame[0] === FRAME_CHANGED) {
      const { id, change } = decodeChanged(frame);
      this.#forget(change);
      this.#parts.send(peer.origin, encodeForgotten(id));
    } else if (frame[0] === FRAME_FORGOTTEN) {
      const telling = this.#tellings.get(decodeForgotten(frame));
      if (telling !== undefined) this.#answered(telling, peer.origin);
    } else {
      return false;
    }
    return true;
  }

  #answered({ waitFor, done }: Telling, origin: number): void {
    if (waitFor.delete(origin) && waitFor.size === 0) done();
  }

  #forget(change: Invalidation | undefined): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function understands(peer: Peer): boolean {
  return peer.features.includes(FEATURE_STORE_CACHE);
}
