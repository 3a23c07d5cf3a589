/**
 * One link from its dial or its acceptance to its end.
 *
 *   connecting --opened--> shaking --proof sent--> proven --first ping--> up      (dialler)
 *                          shaking --good proof--------------------------> up     (acceptor)
 *   any of them --closed, refused, dropped, time-out--> ended
 *
 * The acceptor decides whether a link comes up, the dialler hears of it by the first ping.
 */
import { ProtocolError, type RefusalReason } from "../errors.ts";
import type { Clock, Timer } from "../runtime.ts";
import type { Peer } from "./cluster-events.ts";
import { encodeClusterFrame, FRAME_KIND } from "./cluster-frames.ts";
import { HANDSHAKE_FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from "./frame-limits.ts";
import { Handshake, type HandshakeNode, type HandshakeStep, type Judgement } from "./handshake.ts";
import type { DialFailure, Link, LinkHandler } from "./transport.ts";

/** How a connection ended. */
export type ConnectionEnd =
  | { readonly kind: "dial failed"; readonly why: DialFailure; readonly message: string }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly message: string;
      readonly byUs: boolean;
    }
  /** This node could not make sense of a frame on a link that was up. */
  | { readonly kind: "malformed"; readonly message: string }
  /** By the other end, the network, or this node: `byUs` tells which. */
  | { readonly kind: "closed"; readonly reason: string; readonly byUs: boolean };

/** What a connection needs of its cluster. */
export interface ConnectionOwner extends HandshakeNode {
  readonly clock: Clock;
  /** The other end has introduced itself. A text is why the link is not wanted: closed quietly. */
  admit(connection: Connection): string | undefined;
  /** The handshake is done. Not called for an end that is fenced. */
  cameUp(connection: Connection): void;
  /** A proven peer has closed this incarnation; `isReplaced`: it knows a newer one. */
  selfFenced(reason: string, isReplaced: boolean): void;
  /** Any frame once it is up. */
  frame(connection: Connection, frame: Uint8Array): void;
  /** Once, however it came. */
  ended(connection: Connection, end: ConnectionEnd): void;
}

type ConnectionState = "connecting" | "shaking" | "proven" | "up" | "ended";

/** Close reasons are cut to what a WebSocket close frame can carry. */
const REASON_LENGTH_MAX = 120;

export class Connection implements LinkHandler {
  /** The address that was dialled; undefined on the acceptor's end. */
  readonly dialled: string | undefined;
  /** Set once the other end has introduced itself; proven when the state is proven or up. */
  peer: Peer | undefined;
  /** Whether a frame came since the last look; looked at and cleared by the owner. */
  heardSinceLook = false;
  /** Who the peer has links to, as it said in its newest ping and since. */
  readonly linkedTo = new Set<number>();
  /** Whether a ping has come. */
  hasPinged = false;
  /** Of the newest pong, ms. */
  roundTripMs: number | undefined;
  /** Whether `linkUp` was said of it, so that each has its `linkDown`. */
  isAnnounced = false;
  /** Monotonic time when it came up. */
  upAt = 0;

  readonly #owner: ConnectionOwner;
  readonly #handshake: Handshake;
  readonly #timer: Timer;
  #state: ConnectionState = "connecting";
  #link: Link | undefined;
  #abort: (() => void) | undefined;

  constructor(owner: ConnectionOwner, dialled?: string) {
    this.#owner = owner;
    this.dialled = dialled;
    this.#handshake = new Handshake(owner, dialled === undefined ? "acceptor" : "dialler");
    const { handshakeMs } = owner.options.timings;
    this.#timer = owner.clock.after(handshakeMs, () => this.#timedOut(handshakeMs));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Where the other end is, as far as is known; it may have claimed that without a proof. */
  get address(): string {
    return this.#handshake.claimed?.address ?? this.dialled ?? this.remote;
  }

  /** The name that the other end gives itself, proven or not. */
  get claimedName(): string | undefined {
    return this.#handshake.claimed?.name;
  }

  get remote(): string {
    return this.#link?.remote ?? "unknown";
  }

  /** How to give the dial up while it is under way. */
  onAbort(abort: () => void): void {
    if (this.#state === "connecting") this.#abort = abort;
    else if (this.#link === undefined) abort();
  }

  /** The transport has a link. */
  opened(link: Link): LinkHandler {
    this.#abort = undefined;
    if (this.#state !== "connecting") {
      link.close("given up");
      return this;
    }
    this.#link = link;
    this.#state = "shaking";
    if (this.dialled !== undefined) link.send(this.#handshake.hello());
    return this;
  }

  /** The transport has none. */
  failed(why: DialFailure, message: string): void {
    if (this.#state === "connecting") this.#end({ kind: "dial failed", why, message });
  }

  frame(bytes: Uint8Array): void {
    const isTrusted = this.#state === "up" || this.#state === "proven";
    const { maxFrameBytes } = this.#owner.options.timings;
    const most = isTrusted ? maxFrameBytes : HANDSHAKE_FRAME_BYTES_MAX;
    if (this.#state === "ended") return;
    if (bytes.length > most) {
      this.#malformed(`frame of ${bytes.length} bytes, allowed are ${most}`);
    } else if (this.#state === "up") {
      this.heardSinceLook = true;
      this.#owner.frame(this, bytes);
    } else if (this.#state === "proven" && bytes[0] === FRAME_KIND.ping) {
      this.#up();
      this.frame(bytes);
    } else {
      this.#shake(bytes);
    }
  }

  /** The link is gone. */
  closed(reason: string, isBroken = false): void {
    if (isBroken && this.#state !== "ended") return this.#malformed(reason);
    this.#end({ kind: "closed", reason, byUs: false });
  }

  send(frame: Uint8Array): void {
    this.#link?.send(frame);
  }

  bufferedBytes(): number {
    return this.#state === "ended" ? 0 : (this.#link?.bufferedBytes() ?? 0);
  }

  /** Closes without a refusal; after what was sent has gone out if `flush`. */
  drop(reason: string, flush = false): void {
    this.#end({ kind: "closed", reason, byUs: true }, { reason, flush });
  }

  /** Closes because a frame of the peer makes no sense. */
  dropMalformed(message: string): void {
    this.#end({ kind: "malformed", message }, { reason: message, flush: false });
  }

  /** Tells the other end why, and closes. */
  refuse(reason: RefusalReason, message: string): void {
    if (this.#state === "ended") return;
    // A third of the limit, for a code unit may take three bytes.
    const text = message.slice(0, MESSAGE_BYTES_MAX / 3).toWellFormed();
    this.#link?.send(encodeClusterFrame({ kind: "refuse", reason, message: text }));
    const closing = { reason: `refused: ${reason}`, flush: true };
    this.#end({ kind: "refused", reason, message, byUs: true }, closing);
  }

  #shake(bytes: Uint8Array): void {
    let step: HandshakeStep;
    try {
      step = this.#handshake.receive(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed(error.message);
      return;
    }
    switch (step.kind) {
      case "refuse":
        return this.refuse(step.reason, step.message);
      case "refused": {
        const { reason, message } = step;
        const closing = { reason: `refused: ${reason}`, flush: false };
        return this.#end({ kind: "refused", reason, message, byUs: false }, closing);
      }
      case "reply":
        return this.#reply(step);
      case "done":
        return this.#proofHeld(step.judgement);
      default:
        step satisfies never;
    }
  }

  #reply(step: Extract<HandshakeStep, { kind: "reply" }>): void {
    this.peer = step.peer;
    const { selfIsFenced, selfIsReplaced, peerIsFenced } = step.judgement;
    // A fenced end still gets the proof: only with it the acceptor can judge alike.
    const isFenced = selfIsFenced || peerIsFenced;
    const unwanted = isFenced ? undefined : this.#owner.admit(this);
    if (unwanted !== undefined) return this.drop(unwanted);
    if (this.dialled !== undefined) this.#state = "proven";
    this.#link?.send(step.reply);
    if (selfIsFenced) this.#selfFenced(step.peer, selfIsReplaced);
  }

  #proofHeld(judgement: Judgement): void {
    const { peer } = this;
    if (peer === undefined) return;
    if (judgement.selfIsFenced && !judgement.peerIsFenced) {
      this.refuse("fenced", "this node's incarnation is closed there");
    } else if (judgement.peerIsFenced) {
      this.refuse("fenced", `incarnation ${peer.origin} of "${peer.name}" is closed here`);
    } else {
      const unwanted = this.#owner.admit(this);
      if (unwanted === undefined) this.#up();
      else this.drop(unwanted);
    }
    if (judgement.selfIsFenced) this.#selfFenced(peer, judgement.selfIsReplaced);
  }

  #selfFenced(by: Peer, isReplaced: boolean): void {
    this.#owner.selfFenced(`${by.name} has closed this incarnation`, isReplaced);
  }

  #up(): void {
    this.#timer.cancel();
    this.#state = "up";
    this.upAt = this.#owner.clock.now();
    this.heardSinceLook = true;
    this.#owner.cameUp(this);
  }

  #malformed(message: string): void {
    if (this.#state === "up") this.dropMalformed(message);
    else this.refuse("malformed", message);
  }

  #timedOut(handshakeMs: number): void {
    const message = `no link within ${handshakeMs} ms`;
    if (this.#state === "connecting") {
      const closing = { reason: message, flush: false };
      this.#end({ kind: "dial failed", why: "timeout", message }, closing);
    } else if (this.#state !== "up") {
      this.refuse("timeout", `handshake not done within ${handshakeMs} ms`);
    }
  }

  /** The state changes first, so that a link that answers its closing at once finds it so. */
  #end(end: ConnectionEnd, closing?: { reason: string; flush: boolean }): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#timer.cancel();
    if (closing !== undefined) {
      this.#abort?.();
      this.#link?.close(closing.reason.slice(0, REASON_LENGTH_MAX), closing.flush);
    }
    this.#abort = undefined;
    this.#owner.ended(this, end);
  }
}
