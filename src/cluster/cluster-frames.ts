/**
 * The cluster's own frames, as values and as bytes. Kinds 0x01 to 0x1f are the cluster's; the
 * layer above uses 0x20 and up. Everything read is checked before it is used: bytes that do
 * not fit give a ProtocolError. doc/protocol-links.md shows each frame byte by byte.
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError, type RefusalReason } from "../errors.ts";
import type { MemberIdentity } from "./cluster-events.ts";
import type { ProtocolRange } from "./cluster-options.ts";
import {
  ADDRESS_BYTES_MAX,
  FEATURE_BYTES_MAX,
  FEATURES_MAX,
  faultOfText,
  MESSAGE_BYTES_MAX,
  NAME_BYTES_MAX,
  NODE_NUMBER_END,
  NONCE_BYTES,
  PING_MEMBERS_MAX,
  PROOF_BYTES,
} from "./frame-limits.ts";

/** First bytes. */
export const FRAME_KIND = {
  hello: 0x01,
  welcome: 0x02,
  proof: 0x03,
  refuse: 0x04,
  ping: 0x05,
  pong: 0x06,
  goodbye: 0x07,
  link: 0x08,
} as const;

/** How many origins the sender knows as not closed, and the lowest: tells two sides apart. */
export interface Side {
  readonly openMembers: number;
  readonly lowestOrigin: number;
}

/** What the sender holds of the receiver's incarnation. */
export type Verdict = "open" | "closed" | "superseded";

/** What both ends say about themselves. */
export interface Introduction extends MemberIdentity {
  readonly protocols: ProtocolRange;
  readonly cluster: string;
  readonly features: readonly string[];
  readonly nonce: Uint8Array;
  /** Wall clock, ms since the epoch, when the frame was made. */
  readonly wall: number;
  readonly side: Side;
}

export interface HelloFrame extends Introduction {
  readonly kind: "hello";
}

export interface WelcomeFrame extends Introduction {
  readonly kind: "welcome";
  /** The version that both ends use from now on. */
  readonly protocol: number;
  /** What the acceptor holds of the dialler's incarnation. */
  readonly verdict: Verdict;
  readonly proof: Uint8Array;
}

export interface ProofFrame {
  readonly kind: "proof";
  /** What the dialler holds of the acceptor's incarnation. */
  readonly verdict: Verdict;
  readonly proof: Uint8Array;
}

export interface RefuseFrame {
  readonly kind: "refuse";
  readonly reason: RefusalReason;
  readonly message: string;
}

/** A member as its peers tell of it. */
export interface PingMember extends MemberIdentity {
  readonly beat: number;
  /** Whether the sender has a link to it. Of the sender itself: always false. */
  readonly linked: boolean;
}

export interface PingFrame {
  readonly kind: "ping";
  /** The sender's clock; comes back in the pong. */
  readonly stamp: number;
  /** The sender itself first. */
  readonly members: readonly PingMember[];
  /** Origins that the sender has seen down for `forgetAfterMs`. */
  readonly absent: readonly number[];
}

export interface PongFrame {
  readonly kind: "pong";
  readonly stamp: number;
}

export interface GoodbyeFrame {
  readonly kind: "goodbye";
}

/** The sender's link to somebody was lost, or came up again; only to those that know it. */
export interface LinkFrame {
  readonly kind: "link";
  readonly origin: number;
  readonly linked: boolean;
}

export type ClusterFrame =
  | HelloFrame
  | WelcomeFrame
  | ProofFrame
  | RefuseFrame
  | PingFrame
  | PongFrame
  | GoodbyeFrame
  | LinkFrame;

const MAGIC = new Uint8Array([0x53, 0x4b, 0x45, 0x49, 0x4e]); // "SKEIN"
const VERDICTS: readonly Verdict[] = ["open", "closed", "superseded"];
/** Codes on the wire are places in this list plus one: only append to it. */
const REASONS: readonly RefusalReason[] = [
  "protocol",
  "cluster",
  "secret",
  "name",
  "self",
  "fenced",
  "clock",
  "busy",
  "malformed",
  "timeout",
];
const PROTOCOL_MAX = 65_535;
const LINKED = 1;

/** The bytes of a frame. A welcome or a proof without its last 32 bytes is what gets signed. */
export function encodeClusterFrame(frame: ClusterFrame): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(FRAME_KIND[frame.kind]);
  switch (frame.kind) {
    case "hello":
      writer.raw(MAGIC);
      writeIntroduction(writer, frame);
      break;
    case "welcome":
      writer.varint(frame.protocol);
      writeIntroduction(writer, frame);
      writer.u8(VERDICTS.indexOf(frame.verdict));
      writer.raw(frame.proof);
      break;
    case "proof":
      writer.u8(VERDICTS.indexOf(frame.verdict));
      writer.raw(frame.proof);
      break;
    case "refuse":
      writer.u8(REASONS.indexOf(frame.reason) + 1);
      writer.utf8(frame.message);
      break;
    case "ping":
      writePing(writer, frame);
      break;
    case "pong":
      writer.f64(frame.stamp);
      break;
    case "goodbye":
      break;
    case "link":
      writer.u8(frame.linked ? LINKED : 0);
      writer.varint(frame.origin);
      break;
    default:
      frame satisfies never;
  }
  return writer.take();
}

/** A member that is known by that origin already. */
export type KnownIdentity = (origin: number) => MemberIdentity | undefined;

const NOBODY: KnownIdentity = () => undefined;

/**
 * The frame in those bytes. Throws ProtocolError when they are anything else. Members of a ping
 * that `known` gives as they are in the bytes need not be decoded: a ping of eight members takes
 * 1.5 µs instead of 23.
 */
export function decodeClusterFrame(bytes: Uint8Array, known = NOBODY): ClusterFrame {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  const frame = readBody(kind, reader, known);
  // A hello must be readable by every older version, so a newer one may have more in it.
  if (frame.kind !== "hello") reader.end();
  return frame;
}

function readBody(kind: number, reader: ByteReader, known: KnownIdentity): ClusterFrame {
  switch (kind) {
    case FRAME_KIND.hello: {
      for (const byte of MAGIC) {
        if (reader.u8() !== byte) throw new ProtocolError("hello without the magic word");
      }
      return { kind: "hello", ...readIntroduction(reader) };
    }
    case FRAME_KIND.welcome: {
      const protocol = reader.varint(PROTOCOL_MAX);
      const introduction = readIntroduction(reader);
      return { kind: "welcome", protocol, ...introduction, ...readVerdict(reader) };
    }
    case FRAME_KIND.proof:
      return { kind: "proof", ...readVerdict(reader) };
    case FRAME_KIND.refuse:
      return readRefuse(reader);
    case FRAME_KIND.ping:
      return readPing(reader, known);
    case FRAME_KIND.pong:
      return { kind: "pong", stamp: readStamp(reader) };
    case FRAME_KIND.goodbye:
      return { kind: "goodbye" };
    case FRAME_KIND.link: {
      const linked = readLinked(reader);
      return { kind: "link", origin: readOrigin(reader), linked };
    }
    default:
      throw new ProtocolError(`frame of unknown kind ${kind}`);
  }
}

function writeIntroduction(writer: ByteWriter, frame: Introduction): void {
  writer.varint(frame.protocols.min);
  writer.varint(frame.protocols.max);
  writer.utf8(frame.cluster);
  writeIdentity(writer, frame);
  writer.varint(frame.features.length);
  for (const feature of frame.features) writer.utf8(feature);
  writer.raw(frame.nonce);
  writer.varint(Math.max(0, Math.floor(frame.wall)));
  writer.varint(frame.side.openMembers);
  writer.varint(frame.side.lowestOrigin);
}

function readIntroduction(reader: ByteReader): Introduction {
  const protocols = { min: reader.varint(PROTOCOL_MAX), max: reader.varint(PROTOCOL_MAX) };
  const cluster = readText(reader, { what: "cluster", maxBytes: NAME_BYTES_MAX });
  const identity = readIdentity(reader);
  const features: string[] = [];
  for (let rest = reader.varint(FEATURES_MAX); rest > 0; rest--) {
    features.push(readText(reader, { what: "feature", maxBytes: FEATURE_BYTES_MAX }));
  }
  const nonce = new Uint8Array(reader.raw(NONCE_BYTES));
  const wall = reader.varint();
  const side = { openMembers: reader.varint(), lowestOrigin: reader.varint() };
  return { protocols, cluster, ...identity, features, nonce, wall, side };
}

function writeIdentity(writer: ByteWriter, identity: MemberIdentity): void {
  writer.varint(identity.origin);
  writeRest(writer, identity);
}

/** All but the origin. */
function writeRest(writer: ByteWriter, identity: MemberIdentity): void {
  writer.utf8(identity.name);
  writer.varint(identity.nodeNumber);
  writer.utf8(identity.address);
}

function readIdentity(reader: ByteReader): MemberIdentity {
  return readRest(reader, readOrigin(reader));
}

function readRest(reader: ByteReader, origin: number): MemberIdentity {
  return {
    origin,
    name: readText(reader, { what: "name", maxBytes: NAME_BYTES_MAX }),
    nodeNumber: reader.varint(NODE_NUMBER_END - 1),
    address: readText(reader, { what: "address", maxBytes: ADDRESS_BYTES_MAX }),
  };
}

/** What `writeRest` makes of a known member, for as long as it is known. */
const restBytes = new WeakMap<MemberIdentity, Uint8Array>();

function restOf(identity: MemberIdentity): Uint8Array {
  let bytes = restBytes.get(identity);
  if (bytes === undefined) {
    const writer = new ByteWriter(64);
    writeRest(writer, identity);
    bytes = writer.take();
    restBytes.set(identity, bytes);
  }
  return bytes;
}

function readVerdict(reader: ByteReader): { verdict: Verdict; proof: Uint8Array } {
  const code = reader.u8();
  const verdict = VERDICTS[code];
  if (verdict === undefined) throw new ProtocolError(`verdict ${code} in a handshake`);
  return { verdict, proof: new Uint8Array(reader.raw(PROOF_BYTES)) };
}

function readRefuse(reader: ByteReader): RefuseFrame {
  const code = reader.u8();
  // A newer version may know more reasons; the message says what they mean.
  const reason = REASONS[code - 1] ?? "protocol";
  return { kind: "refuse", reason, message: reader.utf8(MESSAGE_BYTES_MAX) };
}

function writePing(writer: ByteWriter, ping: PingFrame): void {
  writer.f64(ping.stamp);
  writer.varint(ping.members.length);
  for (const member of ping.members) {
    writer.u8(member.linked ? LINKED : 0);
    writeIdentity(writer, member);
    writer.varint(member.beat);
  }
  writer.varint(ping.absent.length);
  for (const origin of ping.absent) writer.varint(origin);
}

function readPing(reader: ByteReader, known: KnownIdentity): PingFrame {
  const stamp = readStamp(reader);
  const members: PingMember[] = [];
  for (let rest = reader.varint(PING_MEMBERS_MAX); rest > 0; rest--) {
    const linked = readLinked(reader);
    const origin = readOrigin(reader);
    const member = known(origin);
    const isSame = member !== undefined && reader.skipIf(restOf(member));
    const { name, nodeNumber, address } = isSame ? member : readRest(reader, origin);
    const beat = reader.varint();
    members.push({ origin, name, nodeNumber, address, beat, linked });
  }
  const absent: number[] = [];
  for (let rest = reader.varint(PING_MEMBERS_MAX); rest > 0; rest--) {
    absent.push(readOrigin(reader));
  }
  return { kind: "ping", stamp, members, absent };
}

function readLinked(reader: ByteReader): boolean {
  const flags = reader.u8();
  if (flags > LINKED) throw new ProtocolError(`flags ${flags} of a member in a frame`);
  return flags === LINKED;
}

function readOrigin(reader: ByteReader): number {
  const origin = reader.varint();
  if (origin === 0) throw new ProtocolError("origin 0 in a frame, the first one is 1");
  return origin;
}

function readStamp(reader: ByteReader): number {
  const stamp = reader.f64();
  if (!Number.isFinite(stamp)) throw new ProtocolError(`stamp ${stamp} in a frame`);
  return stamp;
}

function readText(reader: ByteReader, limit: { what: string; maxBytes: number }): string {
  const text = reader.utf8(limit.maxBytes);
  const fault = faultOfText(text, limit.maxBytes);
  if (fault !== undefined) throw new ProtocolError(`${limit.what} in a frame ${fault}`);
  return text;
}
