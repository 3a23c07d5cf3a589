/** The small frames: acknowledgement, pull, and the two short answers to a pull. */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { DIGEST_BUCKETS } from "./digest.ts";
import { FRAME_ACK, FRAME_CAUGHT, FRAME_FAR, FRAME_PULL } from "./frame-kinds.ts";
import { readView, type View, writeView } from "./view.ts";

/** "I have applied your log up to `seq`, and taken `bytes` of data on this link in all." */
export interface AckFrame {
  readonly seq: number;
  readonly bytes: number;
}

/** What a pull says of the puller's rows. */
export type PullRows =
  /** Nothing yet: ask again with a digest if ops do not reach. */
  | { readonly kind: "unsaid" }
  /** It holds no row at all. */
  | { readonly kind: "none" }
  /** Sums by bucket, see digest.ts. */
  | { readonly kind: "digest"; readonly words: Int32Array };

/** "Send me what I lack, then stream your log." */
export interface PullFrame {
  readonly id: number;
  readonly view: View;
  readonly rows: PullRows;
}

const ROWS_UNSAID = 0;
const ROWS_NONE = 1;
const ROWS_DIGEST = 2;

export function encodeAck(ack: AckFrame): Uint8Array {
  const writer = new ByteWriter(20);
  writer.u8(FRAME_ACK);
  writer.varint(ack.seq);
  writer.varint(ack.bytes);
  return writer.take();
}

export function decodeAck(bytes: Uint8Array): AckFrame {
  const reader = new ByteReader(bytes);
  reader.u8();
  const ack = { seq: reader.varint(), bytes: reader.varint() };
  reader.end();
  return ack;
}

export function encodePull(pull: PullFrame): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(FRAME_PULL);
  writer.varint(pull.id);
  writeView(writer, pull.view);
  switch (pull.rows.kind) {
    case "unsaid":
      writer.u8(ROWS_UNSAID);
      break;
    case "none":
      writer.u8(ROWS_NONE);
      break;
    case "digest":
      writer.u8(ROWS_DIGEST);
      writer.varint(pull.rows.words.length / 2);
      writer.words(pull.rows.words);
  }
  return writer.take();
}

export function decodePull(bytes: Uint8Array): PullFrame {
  const reader = new ByteReader(bytes);
  reader.u8();
  const id = reader.varint();
  const view = readView(reader);
  const rows = readRows(reader);
  reader.end();
  return { id, view, rows };
}

function readRows(reader: ByteReader): PullRows {
  const form = reader.u8();
  if (form === ROWS_UNSAID) return { kind: "unsaid" };
  if (form === ROWS_NONE) return { kind: "none" };
  if (form !== ROWS_DIGEST) throw new ProtocolError(`pull of form ${form}, known are 0 to 2`);
  const buckets = readBuckets(reader);
  if (buckets === 0) throw new ProtocolError("digest of no buckets");
  return { kind: "digest", words: reader.words(buckets * 2) };
}

/** A bucket count: zero or a power of two up to the finest digest. */
export function readBuckets(reader: ByteReader): number {
  const buckets = reader.varint(DIGEST_BUCKETS);
  if ((buckets & (buckets - 1)) !== 0) throw new ProtocolError(`digest of ${buckets} buckets`);
  return buckets;
}

/** "You have all that I had when you asked; from here on you get my log as I write it." */
export function encodeCaught(pullId: number): Uint8Array {
  const writer = new ByteWriter(10);
  writer.u8(FRAME_CAUGHT);
  writer.varint(pullId);
  return writer.take();
}

export function decodeCaught(bytes: Uint8Array): number {
  return decodeId(bytes);
}

/** "Ops do not reach back to you: pull again, and say what rows you hold." */
export function encodeFar(pullId: number): Uint8Array {
  const writer = new ByteWriter(10);
  writer.u8(FRAME_FAR);
  writer.varint(pullId);
  return writer.take();
}

export function decodeFar(bytes: Uint8Array): number {
  return decodeId(bytes);
}

function decodeId(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes);
  reader.u8();
  const id = reader.varint();
  reader.end();
  return id;
}
