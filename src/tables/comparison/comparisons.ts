/**
 * All comparisons of one node: the digests that go with its vectors, those of peers that are held
 * against it, and the comparisons that it asks for and answers. One is asked for at a time.
 *
 * Equal views must mean equal rows. So a peer's digest says something exactly when its view, sent
 * just before, is ours now: if the digest is not ours then, the replicas have diverged.
 */
import { ProtocolError } from "../../errors.ts";
import { bucketsForKeys } from "../digest.ts";
import { FEATURE_DIGEST } from "../features.ts";
import { DictionaryWriter } from "../frame-dictionary.ts";
import {
  FRAME_COMPARE,
  FRAME_COMPARED,
  FRAME_DIGEST,
  FRAME_KEYS,
  FRAME_SHOW,
  FRAME_SHOWN,
} from "../frame-kinds.ts";
import type { Outbox } from "../outbox.ts";
import type { Peer } from "../peer.ts";
import type { Replica } from "../replica.ts";
import { decodeChunk } from "../session-frames.ts";
import type { Slice } from "../slice.ts";
import { viewEquals, viewOf } from "../view.ts";
import { ComparisonAnswer } from "./answer.ts";
import { Asker, type Comparison } from "./comparison.ts";
import {
  decodeCompare,
  decodeCompared,
  decodeDigest,
  decodeKeys,
  decodeShow,
  encodeCompare,
  encodeDigest,
  encodeShow,
} from "./comparison-frames.ts";
import { mendKey } from "./mend.ts";
import type { Print } from "./print.ts";
import { type OwnFault, SelfCheck } from "./self-check.ts";

/** What a comparison came to, and how many rows were mended here. */
export interface ComparisonResult extends Comparison {
  /** False if the link broke or the peer did not answer. */
  readonly isWhole: boolean;
  readonly mended: number;
}

/** One comparison that was asked for. */
export interface ComparisonOrder {
  readonly peer: Peer;
  /** Mend this side where it is wrong. */
  readonly repair: boolean;
  /** Ask the peer to do the same on its side. */
  readonly mutual: boolean;
  readonly done: (result: ComparisonResult) => void;
}

/** What the comparisons work with. */
export interface ComparisonsParts {
  readonly replica: Replica;
  readonly peers: ReadonlyMap<number, Peer>;
  readonly outbox: Outbox;
  readonly now: () => number;
  /** Rows are being merged or purged, so that they do not belong to the view just now. */
  readonly isBusy: () => boolean;
  readonly diverged: (peer: Peer) => void;
}

const ABORTED: Comparison = { differences: [], unsure: 0, isPartial: false };

/** The comparisons. */
export class Comparisons {
  readonly #parts: ComparisonsParts;
  readonly #writer: DictionaryWriter;
  readonly #answers = new Map<Peer, ComparisonAnswer>();
  readonly #orders: ComparisonOrder[] = [];
  readonly #selfChecks: {
    readonly check: SelfCheck;
    readonly done: (faults: readonly OwnFault[]) => void;
  }[] = [];
  #asker: Asker | null = null;
  #mended = 0;
  #mendedKeys = 0;
  #unmended: Comparison | null = null;
  #progressAt = 0;
  #lastId = 0;

  constructor(parts: ComparisonsParts) {
    this.#parts = parts;
    this.#writer = new DictionaryWriter(parts.replica.origins.ids);
  }

  /** A comparison is under way or waits. */
  get pending(): boolean {
    return this.#orders.length > 0 || this.#answers.size > 0;
  }

  /** Holds what is derived from the rows against them; `repair` mends it. One at a time. */
  checkSelf(repair: boolean, done: (faults: readonly OwnFault[]) => void): void {
    this.#selfChecks.push({ check: new SelfCheck(this.#parts.replica, repair), done });
    this.#parts.outbox.wake();
  }

  /** Orders a comparison; it begins when those before it are over. */
  order(order: ComparisonOrder): void {
    this.#orders.push(order);
    this.#parts.outbox.wake();
  }

  /** The frame that goes after each vector to peers that understand it; null while it is unsaid. */
  digest(): Uint8Array | null {
    return this.#parts.isBusy() ? null : encodeDigest(this.#digestNow());
  }

  /** A frame of those with the feature "digest". */
  receive(peer: Peer, frame: Uint8Array): void {
    const { replica } = this.#parts;
    switch (frame[0]) {
      case FRAME_DIGEST:
        this.#onDigest(peer, decodeDigest(frame));
        return;
      case FRAME_COMPARE: {
        const compare = decodeCompare(frame);
        this.#answers.set(peer, ComparisonAnswer.ofBuckets(this.#answerParts(peer), compare));
        if (compare.mutual) this.#orderRepair(peer);
        return;
      }
      case FRAME_SHOW: {
        const show = decodeShow(frame, replica);
        this.#answers.set(peer, ComparisonAnswer.ofKeys(this.#answerParts(peer), show));
        return;
      }
      case FRAME_KEYS: {
        peer.takenBytes += frame.length;
        const { id, keys } = decodeKeys(frame, replica);
        this.#askerOf(peer, id)?.keys(keys);
        return;
      }
      case FRAME_SHOWN: {
        peer.takenBytes += frame.length;
        decodeChunk(frame, replica, (id) => {
          const asker = this.#askerOf(peer, id);
          return asker === null ? null : { take: (table, first) => asker.shown(table, first) };
        });
        return;
      }
      case FRAME_COMPARED: {
        const compared = decodeCompared(frame);
        this.#askerOf(peer, compared.id)?.compared(compared);
        return;
      }
      default:
        throw new ProtocolError(`frame of kind ${frame[0]}, unknown to this protocol`);
    }
  }

  /** One slice of each; true if anything could go on at once. Not while a merge is under way. */
  step(slice: Slice): boolean {
    let more = false;
    for (const [peer, answer] of this.#answers) {
      const step = answer.step(slice);
      if (step === "ended") this.#answers.delete(peer);
      else if (step === "more") more = true;
    }
    if (this.#stepSelfCheck(slice)) return true;
    const [order] = this.#orders;
    if (order === undefined) return more;
    this.#asker ??= this.#begin(order);
    if (this.#unmended === null) {
      if (this.#asker.step(slice)) more = true;
      this.#unmended = this.#asker.outcome;
    }
    if (this.#unmended !== null) {
      more = true;
      if (this.#mend(order, this.#unmended, slice)) this.#finish(this.#unmended, true);
    }
    return more || (this.#orders.length > 0 && this.#asker === null);
  }

  /** Gives up a comparison whose peer does not answer. With every round of pings. */
  tick(now: number): void {
    if (this.#asker === null) return;
    this.#parts.outbox.wake();
    if (now - this.#progressAt < this.#parts.replica.limits.pullStallMs) return;
    this.#finish(ABORTED, false);
  }

  /** Everything that is under way or waits ends as broken. */
  abort(): void {
    for (const { done } of this.#selfChecks.splice(0)) done([]);
    while (this.#orders.length > 0) this.#finish(ABORTED, false);
  }

  /** The link is gone. */
  forget(peer: Peer): void {
    this.#answers.delete(peer);
    for (let at = this.#orders.length - 1; at >= 0; at--) {
      const order = this.#orders[at] as ComparisonOrder;
      if (order.peer !== peer) continue;
      if (at === 0) this.#finish(ABORTED, false);
      else {
        this.#orders.splice(at, 1);
        order.done({ ...ABORTED, isWhole: false, mended: 0 });
      }
    }
  }

  /** Before any comparison: a replica that is at odds with itself mends that first. */
  #stepSelfCheck(slice: Slice): boolean {
    const [first] = this.#selfChecks;
    if (first === undefined) return false;
    if (first.check.step(slice)) {
      this.#selfChecks.shift();
      this.#parts.replica.counters.ownFaults += first.check.found;
      first.done(first.check.faults);
    }
    return true;
  }

  #begin(order: ComparisonOrder): Asker {
    const { replica, outbox } = this.#parts;
    const { peer, mutual } = order;
    const id = ++this.#lastId;
    replica.counters.comparisons++;
    this.#progressAt = this.#parts.now();
    return new Asker({
      ...{ replica, peer, id },
      buckets: bucketsForKeys(replica.births()),
      sendSums: (sums) => outbox.send(peer.id, encodeCompare({ id, mutual, sums })),
      sendShow: (keys) => outbox.send(peer.id, encodeShow(this.#writer, { id, keys })),
    });
  }

  /** Keys for one slice; true once all are mended. */
  #mend(order: ComparisonOrder, { differences }: Comparison, slice: Slice): boolean {
    if (!order.repair) return true;
    const { replica, peers } = this.#parts;
    do {
      const difference = differences[this.#mendedKeys];
      if (difference === undefined) return true;
      this.#mended += mendKey(replica, peers, { peer: order.peer, difference });
      this.#mendedKeys++;
    } while (!slice.isOver());
    return false;
  }

  #finish(comparison: Comparison, isWhole: boolean): void {
    const order = this.#orders.shift();
    const mended = this.#mended;
    this.#asker = null;
    this.#unmended = null;
    this.#mended = 0;
    this.#mendedKeys = 0;
    this.#parts.replica.counters.mendedRows += mended;
    order?.done({ ...comparison, isWhole, mended });
    if (this.#orders.length > 0) this.#parts.outbox.wake();
  }

  #askerOf(peer: Peer, id: number): Asker | null {
    const asker = this.#asker;
    if (asker === null || asker.peer !== peer || asker.id !== id) return null;
    this.#progressAt = this.#parts.now();
    return asker;
  }

  #onDigest(peer: Peer, theirs: Print): void {
    const { replica, isBusy, diverged } = this.#parts;
    if (peer.report === null || isBusy()) return;
    if (!viewEquals(peer.report.view, viewOf(replica.origins))) return;
    replica.counters.digestsCompared++;
    const ours = this.#digestNow();
    if (ours.a === theirs.a && ours.b === theirs.b) {
      peer.isDivergent = false;
      return;
    }
    if (!peer.isDivergent) {
      peer.isDivergent = true;
      replica.counters.divergences++;
      diverged(peer);
    }
    this.#orderRepair(peer);
  }

  #orderRepair(peer: Peer): void {
    if (this.#orders.some((order) => order.peer === peer && order.repair)) return;
    const done = ({ isWhole, differences }: ComparisonResult): void => {
      // All rows are the same and a digest is not: then it is the sums of one of us that are wrong.
      if (isWhole && differences.length === 0 && peer.isDivergent) {
        this.checkSelf(true, () => undefined);
      }
    };
    this.order({ peer, repair: true, mutual: false, done });
  }

  #answerParts(peer: Peer) {
    const send = (frame: Uint8Array, counted: boolean): void => {
      if (counted) peer.sentBytes += frame.length;
      this.#parts.outbox.send(peer.id, frame);
    };
    return { replica: this.#parts.replica, peer, writer: this.#writer, send };
  }

  /** Over the births held and the newest write of each: two sums, for those are mostly equal. */
  #digestNow(): Print {
    const { replica } = this.#parts;
    let a = 0;
    let b = 0;
    for (const table of replica.tables.values()) {
      a ^= table.sumA;
      b ^= table.sumB;
    }
    const { totalA, totalB } = replica.digest;
    return {
      a: (Math.imul(totalA, 0x9e3779b1) + a) | 0,
      b: (Math.imul(totalB, 0x85ebca6b) + b) | 0,
    };
  }
}

/** Peers that can be compared with. */
export function canCompare(peer: Peer): boolean {
  return peer.features.has(FEATURE_DIGEST);
}
