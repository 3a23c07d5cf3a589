/**
 * Retiring closed origins: once every member says, directly and in its newest report, that it
 * knows the same members, has closed the same origins and covers the same of each, all closed
 * origins leave the vector in one batch. From then on everything of theirs counts as covered.
 *
 * Nobody unheard of may hold more: the caller asks only while every address that discovery names
 * is linked or vacant. Two sides of a split that retire apart would disagree on what was covered.
 *
 * A report counts only if its closed and retired sets equal ours: one from before somebody died
 * must not be mixed with one from after.
 *
 * Who retires first tells the others, with the seq that it covered of each origin. They adopt
 * that at once if they cover exactly as much and have closed nothing else; else only with a state
 * session, which brings the rows that go with it.
 */
import type { Peer } from "./peer.ts";
import type { Replica } from "./replica.ts";
import { encodeRetired, type RetiredBatch } from "./retired-frame.ts";
import type { View } from "./view.ts";
import { viewOf } from "./view.ts";

/** So many of the newest batches are told to peers that come later. */
const BATCHES_KEPT = 64;

/** One node's retiring. */
export class Retirement {
  readonly #replica: Replica;
  readonly #close: (id: number) => void;
  /** The newest batches; the last one has the number `#count`. */
  #batches: RetiredBatch[] = [];
  #count = 0;

  /** `close` is told of every origin that is not closed yet when it is retired. */
  constructor(replica: Replica, close: (id: number) => void) {
    this.#replica = replica;
    this.#close = close;
  }

  /** Retires what can be. Not while a merge is under way. */
  retireAgreed(peers: ReadonlyMap<number, Peer>): void {
    const { origins } = this.#replica;
    const ours = viewOf(origins);
    if (ours.closed.length === 0) return;
    const closed = new Set(ours.closed);
    for (const id of ours.vector.keys()) {
      if (closed.has(id) || id === origins.ids[origins.self]) continue;
      const report = peers.get(id)?.report;
      if (report === undefined || report === null || !agrees(report.view, ours)) return;
    }
    this.#retire(new Map(ours.closed.map((id) => [id, ours.vector.get(id) ?? 0])));
  }

  /** A peer has retired a batch. False if only a state session can bring that here. */
  adopt(batch: RetiredBatch): boolean {
    const { origins } = this.#replica;
    if ([...batch.keys()].every((id) => origins.retired.has(id))) return true;
    for (const [id, seq] of batch) {
      if (origins.retired.has(id)) continue;
      const index = origins.find(id);
      if (index < 0 || index === origins.self || origins.vector[index] !== seq) return false;
    }
    if (origins.closedIds().some((id) => !batch.has(id))) return false;
    this.#replica.counters.retirementsAdopted++;
    this.#retire(batch);
    return true;
  }

  /** The frames of batches that the peer was not told of; they go before the vector. */
  news(peer: Peer): Uint8Array[] {
    const kept = this.#count - this.#batches.length;
    const frames = this.#batches.slice(Math.max(0, peer.toldRetirements - kept)).map(encodeRetired);
    peer.toldRetirements = this.#count;
    return frames;
  }

  #retire(batch: RetiredBatch): void {
    const { origins, limits, observer } = this.#replica;
    const retired = [...batch.keys()].filter((id) => !origins.retired.has(id));
    for (const id of retired) {
      this.#close(id);
      origins.retired.add(id, id);
      this.#replica.retire(origins.intern(id));
    }
    const listed = origins.listedIndexes().map((index) => origins.ids[index] as number);
    origins.retired.joinOldest(limits.retiredRanges, listed);
    retireCovered(this.#replica, this.#close);
    this.#count++;
    this.#batches.push(batch);
    if (this.#batches.length > BATCHES_KEPT) this.#batches.shift();
    observer.retired?.(retired);
  }
}

/** Takes every known origin out of the vector that lies in a retired range. */
export function retireCovered(replica: Replica, close: (id: number) => void): void {
  const { origins } = replica;
  for (let index = 0; index < origins.ids.length; index++) {
    const id = origins.ids[index] as number;
    if (!origins.needsRetiring(index)) continue;
    close(id);
    if (index !== origins.self) replica.retire(index);
  }
}

function agrees(theirs: View, ours: View): boolean {
  if (theirs.closed.length !== ours.closed.length) return false;
  if (theirs.vector.size !== ours.vector.size) return false;
  if (!sameRanges(theirs.retired, ours.retired)) return false;
  for (const id of ours.vector.keys()) if (!theirs.vector.has(id)) return false;
  const theirClosed = new Set(theirs.closed);
  for (const id of ours.closed) {
    if (!theirClosed.has(id) || theirs.vector.get(id) !== ours.vector.get(id)) return false;
  }
  return true;
}

function sameRanges(a: View["retired"], b: View["retired"]): boolean {
  return (
    a.length === b.length && a.every(([from, to], at) => b[at]?.[0] === from && b[at][1] === to)
  );
}
