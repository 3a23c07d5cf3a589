/**
 * Whether this node is on the side that holds the lease: it holds it itself, or counts the holder
 * as alive and has heard from a member, which may have it from another one, for how long it is
 * held.
 *
 * No clocks are compared: the answer says how much time is left, and counts here from when the
 * question was sent. So what is believed here ends before what the member believes, and that before
 * what the holder does, whatever the frames took.
 */
import type { Peer } from "../cluster/cluster-events.ts";
import type { Census } from "../cluster/roster.ts";
import type { LeaseStore } from "../discovery/lease.ts";
import { LeaseKeeper } from "../discovery/lease-keeper.ts";
import type { Clock } from "../runtime.ts";
import {
  decodeLeaseAsk,
  decodeLeaseGrant,
  encodeLeaseAsk,
  encodeLeaseGrant,
  FEATURE_LEASE,
  FRAME_LEASE,
  FRAME_LEASE_ASK,
  type LeaseGrant,
} from "./lease-frames.ts";

/** Questions whose answers may still come. */
const ROUNDS_KEPT = 16;

/** What it works with. */
export interface LeaseSideParts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** This node's. */
  readonly origin: number;
  census(): Census;
  isLive(origin: number): boolean;
  linkedPeers(): readonly Peer[];
  send(origin: number, frame: Uint8Array): void;
  /** Something has been heard. */
  changed(): void;
}

/** A lease as this node knows it. */
export interface KnownLease {
  readonly term: number;
  readonly holder: number;
  /** By this node's monotonic clock, ms. */
  readonly untilMs: number;
}

/** The side. */
export class LeaseSide {
  readonly #parts: LeaseSideParts;
  readonly #keeper: LeaseKeeper;
  #isUsed = false;
  #heard: KnownLease | null = null;
  /** Since when no lease is known, by the monotonic clock; null while one is. */
  #noneSinceMs: number | null = null;
  #round = 0;
  /** When the questions of the last rounds were sent. */
  readonly #askedAt = new Map<number, number>();

  constructor(parts: LeaseSideParts) {
    this.#parts = parts;
    this.#keeper = new LeaseKeeper({
      store: parts.store,
      clock: parts.clock,
      mayTake: () => this.#mayTake(),
      answered: () => parts.changed(),
    });
  }

  /** The lease of this side; null if it has none now. */
  get lease(): KnownLease | null {
    const { origin, clock } = this.#parts;
    const own = this.#keeper.held;
    if (own !== null) return { ...own, holder: origin };
    const heard = this.#heard;
    if (heard === null || clock.now() >= heard.untilMs) return null;
    return this.#parts.isLive(heard.holder) ? heard : null;
  }

  /** The same with the time that is left, ms. */
  known(): (KnownLease & { readonly leftMs: number }) | null {
    const { lease } = this;
    if (lease === null) return null;
    return { ...lease, leftMs: Math.round(lease.untilMs - this.#parts.clock.now()) };
  }

  /** Why there is none, as far as this node knows: what the database said last. */
  get keeper(): Pick<LeaseKeeper, "answer" | "error"> {
    return this.#keeper;
  }

  /** From now on this node needs to know, and may take the lease. */
  use(): void {
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.#noneSinceMs = this.#parts.clock.now();
    this.#keeper.start();
    this.tick();
  }

  stop(): void {
    this.#isUsed = false;
    this.#keeper.stop();
  }

  /** With every round of pings: asks the members. */
  tick(): void {
    if (!this.#isUsed) return;
    const now = this.#parts.clock.now();
    this.#noneSinceMs = this.lease === null ? (this.#noneSinceMs ?? now) : null;
    if (this.#keeper.held !== null) return;
    this.#round++;
    this.#askedAt.set(this.#round, now);
    this.#askedAt.delete(this.#round - ROUNDS_KEPT);
    for (const peer of this.#parts.linkedPeers()) this.#ask(peer);
  }

  /** A link is up: what that member knows is not waited for until the next round. */
  linkUp(peer: Peer): void {
    if (this.#isUsed && this.#askedAt.has(this.#round)) this.#ask(peer);
  }

  /** True if the frame was one of these. Throws ProtocolError. */
  frame(peer: Peer, frame: Uint8Array): boolean {
    if (frame[0] === FRAME_LEASE_ASK) this.#answer(peer, decodeLeaseAsk(frame));
    else if (frame[0] === FRAME_LEASE) this.#hear(decodeLeaseGrant(frame));
    else return false;
    return true;
  }

  #ask(peer: Peer): void {
    if (peer.features.includes(FEATURE_LEASE)) {
      this.#parts.send(peer.origin, encodeLeaseAsk(this.#round));
    }
  }

  #answer(peer: Peer, round: number): void {
    const { lease } = this;
    if (lease === null || lease.holder === peer.origin) return;
    const { term, holder, untilMs } = lease;
    const leftMs = Math.floor(untilMs - this.#parts.clock.now());
    if (leftMs > 0) {
      this.#parts.send(peer.origin, encodeLeaseGrant({ round, term, holder, leftMs }));
    }
  }

  #hear({ round, term, holder, leftMs }: LeaseGrant): void {
    const askedAt = this.#askedAt.get(round);
    if (askedAt === undefined || holder === this.#parts.origin) return;
    const heard = { term, holder, untilMs: askedAt + leftMs };
    const before = this.#heard;
    const isNewer =
      before === null ||
      term > before.term ||
      (term === before.term && heard.untilMs > before.untilMs);
    if (!isNewer) return;
    this.#heard = heard;
    this.#parts.changed();
  }

  /** The lowest member that is alive comes first, the next one if that does not take it. */
  #mayTake(): boolean {
    if (this.lease !== null) return false;
    const now = this.#parts.clock.now();
    this.#noneSinceMs ??= now;
    return now - this.#noneSinceMs >= this.#parts.census().rank * this.#keeper.renewMs;
  }
}
