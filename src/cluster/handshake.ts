/**
 * The handshake of one link, as a machine that takes frames and gives steps; no IO, no timer.
 *
 *   dialler                        acceptor
 *   hello              -->         checks it
 *   checks it          <--         welcome, with the acceptor's proof
 *   proof              -->         checks it; the link is up here
 *   the link is up     <--         first ping
 *
 * A proof is an HMAC-SHA-256 with the secret over all bytes of hello and welcome and the role
 * of its maker: both nonces, both identities and the chosen protocol are bound in, and neither
 * end can send the other's proof back. Without a secret the same is done with an empty key.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { ProtocolError, type RefusalReason } from "../errors.ts";
import type { MemberIdentity, Peer } from "./cluster-events.ts";
import {
  type ClusterFrame,
  decodeClusterFrame,
  encodeClusterFrame,
  type HelloFrame,
  type Introduction,
  type Side,
  type Verdict,
  type WelcomeFrame,
} from "./cluster-frames.ts";
import type { CheckedClusterOptions, ProtocolRange } from "./cluster-options.ts";
import { NONCE_BYTES, PROOF_BYTES } from "./frame-limits.ts";

/** What a handshake asks its node for. */
export interface HandshakeNode {
  readonly options: CheckedClusterOptions;
  wall(): number;
  nonce(): Uint8Array;
  side(): Side;
  verdictOn(identity: MemberIdentity): Verdict;
  isMisnamed(identity: MemberIdentity): boolean;
}

/** What a frame of the handshake leads to. */
export type HandshakeStep =
  /** The other end introduced itself; `reply` is the next frame, `judgement` who is closed. */
  | {
      readonly kind: "reply";
      readonly peer: Peer;
      readonly reply: Uint8Array;
      readonly judgement: Judgement;
    }
  /** The acceptor holds a good proof. */
  | { readonly kind: "done"; readonly judgement: Judgement }
  /** This node refuses. */
  | { readonly kind: "refuse"; readonly reason: RefusalReason; readonly message: string }
  /** The other end refused. */
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly message: string };

/** Whose incarnation the other end has closed, after the sides were compared. */
export interface Judgement {
  readonly selfIsFenced: boolean;
  /** This node is fenced because a newer incarnation of its name exists. */
  readonly selfIsReplaced: boolean;
  readonly peerIsFenced: boolean;
}

type Role = "dialler" | "acceptor";
type Awaited = "hello" | "welcome" | "proof" | "nothing";

const NOBODY_FENCED: Judgement = {
  selfIsFenced: false,
  selfIsReplaced: false,
  peerIsFenced: false,
};
const NO_PROOF = new Uint8Array(PROOF_BYTES);

export class Handshake {
  readonly #node: HandshakeNode;
  #awaited: Awaited;
  #claimed: MemberIdentity | undefined;
  /** The exact bytes of hello, and of welcome without its proof. */
  #helloBytes: Uint8Array = new Uint8Array(0);
  #welcomeBytes: Uint8Array = new Uint8Array(0);
  /** Of this node, about itself and about the peer, as sent. */
  #ownSide: Side | undefined;
  #verdictOnPeer: Verdict = "open";
  #peerSide: Side | undefined;

  constructor(node: HandshakeNode, role: Role) {
    this.#node = node;
    this.#awaited = role === "acceptor" ? "hello" : "welcome";
  }

  /** Who the other end says it is, proven or not; undefined before it has said so. */
  get claimed(): MemberIdentity | undefined {
    return this.#claimed;
  }

  /** The dialler's first frame. */
  hello(): Uint8Array {
    const introduction = this.#introduce();
    this.#helloBytes = encodeClusterFrame({ kind: "hello", ...introduction });
    return this.#helloBytes;
  }

  /** Takes the next frame. Throws ProtocolError if it is none, or not the one awaited. */
  receive(bytes: Uint8Array): HandshakeStep {
    const frame = decodeClusterFrame(bytes);
    const awaited = this.#awaited;
    if (frame.kind === "refuse" && awaited !== "hello") {
      this.#awaited = "nothing";
      return { kind: "refused", reason: frame.reason, message: frame.message };
    }
    if (frame.kind !== awaited) throw outOfOrder(frame, awaited);
    this.#awaited = awaited === "hello" ? "proof" : "nothing";
    switch (frame.kind) {
      case "hello":
        this.#claimed = frame;
        // Not `slice`: sockets give Buffers, whose slice shares its bytes with the next frame.
        this.#helloBytes = new Uint8Array(bytes);
        return this.#onHello(frame);
      case "welcome":
        this.#claimed = frame;
        this.#welcomeBytes = new Uint8Array(bytes.subarray(0, bytes.length - PROOF_BYTES));
        return this.#onWelcome(frame);
      case "proof":
        return this.#onProof(frame.verdict, frame.proof);
      default:
        throw outOfOrder(frame, awaited);
    }
  }

  #onHello(hello: HelloFrame): HandshakeStep {
    const { options } = this.#node;
    const protocol = highestCommon(options.protocols, hello.protocols);
    if (protocol === undefined) {
      return refuse("protocol", noCommonProtocol(hello.protocols, options.protocols));
    }
    const refusal = this.#refusalOf(hello);
    if (refusal !== undefined) return refusal;
    this.#peerSide = hello.side;
    this.#verdictOnPeer = this.#node.verdictOn(hello);
    const welcome: WelcomeFrame = {
      kind: "welcome",
      protocol,
      ...this.#introduce(),
      verdict: this.#verdictOnPeer,
      proof: NO_PROOF,
    };
    const unsigned = encodeClusterFrame(welcome);
    this.#welcomeBytes = unsigned.subarray(0, unsigned.length - PROOF_BYTES);
    const reply = encodeClusterFrame({ ...welcome, proof: this.#sign("acceptor", "open") });
    const peer = peerOf(hello, { protocol, features: options.features });
    return { kind: "reply", peer, reply, judgement: NOBODY_FENCED };
  }

  #onWelcome(welcome: WelcomeFrame): HandshakeStep {
    const { options } = this.#node;
    const { protocol } = welcome;
    const offered = options.protocols;
    if (protocol < offered.min || protocol > offered.max) {
      return refuse("protocol", `version ${protocol} was chosen, offered were ${range(offered)}`);
    }
    const refusal = this.#refusalOf(welcome);
    if (refusal !== undefined) return refusal;
    if (!this.#isSigned("acceptor", { verdict: "open", proof: welcome.proof })) {
      return refuse("secret", "the acceptor's proof fits none of our secrets");
    }
    const verdict = this.#node.verdictOn(welcome);
    this.#verdictOnPeer = verdict;
    this.#peerSide = welcome.side;
    const judgement = this.#judge(welcome.verdict);
    const proof = this.#sign("dialler", verdict);
    const reply = encodeClusterFrame({ kind: "proof", verdict, proof });
    const peer = peerOf(welcome, { protocol, features: options.features });
    return { kind: "reply", peer, reply, judgement };
  }

  #onProof(verdict: Verdict, proof: Uint8Array): HandshakeStep {
    if (!this.#isSigned("dialler", { verdict, proof })) {
      return refuse("secret", "the dialler's proof fits none of our secrets");
    }
    return { kind: "done", judgement: this.#judge(verdict) };
  }

  /** The faults of an introduction that need no proof to be told of. */
  #refusalOf(other: Introduction): HandshakeStep | undefined {
    const { options } = this.#node;
    if (other.cluster !== options.cluster) {
      return refuse("cluster", `this is cluster "${options.cluster}", not "${other.cluster}"`);
    }
    if (other.origin === options.origin) {
      const same = other.name === options.name && other.address === options.address;
      const whose = same ? "this very node's" : `also that of "${other.name}"`;
      return refuse("self", `origin ${other.origin} is ${whose}`);
    }
    if (this.#node.isMisnamed(other)) {
      return refuse("name", `origin ${other.origin} is known under a name not "${other.name}"`);
    }
    const skewMs = Math.round(Math.abs(other.wall - this.#node.wall()));
    const most = options.timings.maxClockSkewMs;
    if (skewMs > most) {
      return refuse("clock", `wall clocks are ${skewMs} ms apart, allowed are ${most} ms`);
    }
    return undefined;
  }

  /**
   * Who of the two is fenced, given what each holds of the other. Both ends compute this from
   * the same four facts, so they agree. Where each has closed the other, the cluster was in
   * two halves for long: the larger side goes on, or the one with the lowest origin.
   */
  #judge(verdictOnSelf: Verdict): Judgement {
    const own = this.#ownSide;
    const peer = this.#peerSide;
    if (own === undefined || peer === undefined) return NOBODY_FENCED;
    const bothClosed = this.#verdictOnPeer === "closed" && verdictOnSelf === "closed";
    if (bothClosed) {
      const ownWins = isLargerSide(own, peer);
      return { selfIsFenced: !ownWins, selfIsReplaced: false, peerIsFenced: ownWins };
    }
    return {
      selfIsFenced: verdictOnSelf !== "open",
      selfIsReplaced: verdictOnSelf === "superseded",
      peerIsFenced: this.#verdictOnPeer !== "open",
    };
  }

  #introduce(): Introduction {
    const node = this.#node;
    const { cluster, name, origin, nodeNumber, address, features, protocols } = node.options;
    const nonce = node.nonce().slice(0, NONCE_BYTES);
    this.#ownSide = node.side();
    const about = { cluster, name, origin, nodeNumber, address, features, protocols };
    return { ...about, nonce, wall: node.wall(), side: this.#ownSide };
  }

  #sign(role: Role, verdict: Verdict): Uint8Array {
    return this.#hmac(this.#node.options.secrets[0] ?? "", role, verdict);
  }

  /** Tries every secret, so that a secret can be changed without a pause. */
  #isSigned(role: Role, claim: { verdict: Verdict; proof: Uint8Array }): boolean {
    const { secrets } = this.#node.options;
    let isSigned = false;
    for (const secret of secrets.length === 0 ? [""] : secrets) {
      const expected = this.#hmac(secret, role, claim.verdict);
      if (timingSafeEqual(expected, claim.proof)) isSigned = true;
    }
    return isSigned;
  }

  #hmac(secret: string, role: Role, verdict: Verdict): Uint8Array {
    // The length of hello keeps one pair of frames from being read as another.
    return createHmac("sha256", secret)
      .update(`skein ${role} ${verdict} ${this.#helloBytes.length}\n`)
      .update(this.#helloBytes)
      .update(this.#welcomeBytes)
      .digest();
  }
}

/** The highest version that both speak. */
export function highestCommon(one: ProtocolRange, other: ProtocolRange): number | undefined {
  const highest = Math.min(one.max, other.max);
  return highest >= Math.max(one.min, other.min) ? highest : undefined;
}

/** Whether the first side goes on where both have closed one another. */
export function isLargerSide(one: Side, other: Side): boolean {
  if (one.openMembers !== other.openMembers) return one.openMembers > other.openMembers;
  return one.lowestOrigin < other.lowestOrigin;
}

function peerOf(
  introduction: Introduction,
  agreed: { protocol: number; features: readonly string[] },
): Peer {
  const { origin, name, nodeNumber, address } = introduction;
  const features = introduction.features.filter((feature) => agreed.features.includes(feature));
  return { origin, name, nodeNumber, address, protocol: agreed.protocol, features };
}

function refuse(reason: RefusalReason, message: string): HandshakeStep {
  return { kind: "refuse", reason, message };
}

function outOfOrder(frame: ClusterFrame, awaited: Awaited): ProtocolError {
  return new ProtocolError(`frame "${frame.kind}" in a handshake, awaited is ${awaited}`);
}

function noCommonProtocol(theirs: ProtocolRange, ours: ProtocolRange): string {
  return `no common protocol: versions ${range(theirs)} there, ${range(ours)} here`;
}

function range({ min, max }: ProtocolRange): string {
  return min === max ? String(min) : `${min} to ${max}`;
}
