/**
 * The frame of ops: a contiguous piece of one origin's log, whole batches only.
 *
 * Sketch for a session row of 190 bytes: flags 1, table 0 (as before), key 1 + 1 + 40, one kill
 * 1 + 1 + 3, stamp 4, value 2 + 190: about 245 bytes; no allocation per op while encoding.
 */
import { ByteReader } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { DictionaryReader, type DictionaryWriter, readSeq } from "./frame-dictionary.ts";
import { FRAME_OPS, KEY_BYTES_MAX, KILLS_MAX, VALUE_BYTES_MAX } from "./frame-kinds.ts";
import { STAMP_HI_MAX, STAMP_LO_MAX } from "./hybrid-clock.ts";
import { checkEncodedKey } from "./key.ts";
import { type Dot, NO_KILLS, type Op, type OpKind, opBytes } from "./op.ts";
import type { OpRing } from "./op-ring.ts";
import type { Replica } from "./replica.ts";
import { checkEncodedValue } from "./value.ts";

const KINDS: readonly OpKind[] = ["set", "patch", "delete"];
const KIND_MASK = 3;
const BATCH_GOES_ON = 4;
const HAS_KILLS = 8;
const STAMP_FOLLOWS = 16;
const SAME_TABLE = 32;
const FLAGS_MAX = 63;

/** A piece of a log as one frame. */
export interface OpsFrame {
  readonly frame: Uint8Array;
  /** Last seq in it. */
  readonly lastSeq: number;
}

/** Encodes ops from `firstSeq` on, at most up to `lastSeq`, within the limits of one frame. */
export function encodeOps(
  writer: DictionaryWriter,
  ring: OpRing,
  range: { readonly firstSeq: number; readonly lastSeq: number },
  limits: { readonly frameOps: number; readonly frameBytes: number },
): OpsFrame {
  const { firstSeq } = range;
  const lastSeq = frameEnd(ring, range, limits);
  const { body } = writer;
  writer.begin();
  writer.origin(ring.get(firstSeq).origin);
  body.varint(firstSeq);
  body.varint(lastSeq - firstSeq + 1);
  let before: Op | null = null;
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    const op = ring.get(seq);
    encodeOp(writer, op, before);
    before = op;
  }
  return { frame: writer.finish(FRAME_OPS), lastSeq };
}

/** The last seq that fits; batches are never split. */
function frameEnd(
  ring: OpRing,
  range: { readonly firstSeq: number; readonly lastSeq: number },
  limits: { readonly frameOps: number; readonly frameBytes: number },
): number {
  let bytes = 0;
  let whole = 0;
  for (let seq = range.firstSeq; seq <= range.lastSeq; seq++) {
    const op = ring.get(seq);
    bytes += opBytes(op);
    const full = bytes > limits.frameBytes || seq - range.firstSeq >= limits.frameOps;
    if (full && whole > 0) return whole;
    if (op.batchEnd) whole = seq;
  }
  return whole;
}

function encodeOp(writer: DictionaryWriter, op: Op, before: Op | null): void {
  const { body } = writer;
  const follows = before !== null && before.hi === op.hi && before.lo <= op.lo;
  const sameTable = before !== null && before.table === op.table;
  let flags = KINDS.indexOf(op.kind);
  if (!op.batchEnd) flags |= BATCH_GOES_ON;
  if (op.kills.length > 0) flags |= HAS_KILLS;
  if (follows) flags |= STAMP_FOLLOWS;
  if (sameTable) flags |= SAME_TABLE;
  body.u8(flags);
  if (!sameTable) writer.table(op.table);
  body.text(op.key);
  if (op.kind === "patch") {
    writer.origin(op.birthOrigin);
    body.varint(op.birthSeq);
  }
  if (op.kills.length > 0) {
    body.varint(op.kills.length);
    for (const kill of op.kills) {
      writer.origin(kill.origin);
      body.varint(kill.seq);
    }
  }
  if (follows) body.varint(op.lo - (before as Op).lo);
  else {
    body.varint(op.hi);
    body.varint(op.lo);
  }
  if (op.kind !== "delete") body.latin1(op.value);
}

/** Decodes a frame of ops whole. */
export function decodeOps(frame: Uint8Array, replica: Replica): readonly Op[] {
  const decoding = new OpsDecoding(frame, replica);
  decoding.step(Number.POSITIVE_INFINITY);
  return decoding.ops;
}

/** Decodes a frame of ops piece by piece; none of it may be applied before it was read whole. */
export class OpsDecoding {
  /** Those that were read. */
  readonly ops: Op[] = [];
  /** How many there are in all, if the frame says the truth. */
  readonly count: number;
  /** All are read, and the frame is in order. */
  isRead = false;
  readonly #reader: ByteReader;
  readonly #dictionary: DictionaryReader;
  readonly #origin: number;
  readonly #firstSeq: number;

  constructor(frame: Uint8Array, replica: Replica) {
    this.#reader = new ByteReader(frame);
    this.#reader.u8();
    this.#dictionary = new DictionaryReader(this.#reader, replica);
    this.#origin = this.#dictionary.origin();
    this.#firstSeq = readSeq(this.#reader);
    this.count = this.#reader.varint(this.#reader.remaining);
  }

  /** Reads up to so many. */
  step(most: number): void {
    const { ops } = this;
    const end = Math.min(this.count, ops.length + most);
    let before = ops[ops.length - 1] ?? null;
    for (let at = ops.length; at < end; at++) {
      const place = { origin: this.#origin, seq: this.#firstSeq + at, before };
      before = decodeOp(this.#reader, this.#dictionary, place);
      ops.push(before);
    }
    if (end < this.count) return;
    this.#reader.end();
    if (before?.batchEnd !== true) throw new ProtocolError("frame of ops that splits a batch");
    this.isRead = true;
  }
}

function decodeOp(
  reader: ByteReader,
  dictionary: DictionaryReader,
  place: { readonly origin: number; readonly seq: number; readonly before: Op | null },
): Op {
  const { origin, seq, before } = place;
  const flags = reader.u8();
  const kind = KINDS[flags & KIND_MASK];
  if (kind === undefined || flags > FLAGS_MAX) throw new ProtocolError(`op flags ${flags}`);
  if (before === null && (flags & (SAME_TABLE | STAMP_FOLLOWS)) !== 0) {
    throw new ProtocolError("first op of a frame refers to one before it");
  }
  const table = (flags & SAME_TABLE) !== 0 ? (before as Op).table : dictionary.table();
  if (kind === "patch" && table.type === "bag") throw new ProtocolError("patch in a bag");
  const key = readKey(reader);
  let birthOrigin = origin;
  let birthSeq = seq;
  if (kind === "patch") {
    birthOrigin = dictionary.origin();
    birthSeq = readSeq(reader);
  }
  const kills = (flags & HAS_KILLS) !== 0 ? decodeKills(reader, dictionary) : NO_KILLS;
  let hi: number;
  let lo: number;
  if ((flags & STAMP_FOLLOWS) !== 0) {
    hi = (before as Op).hi;
    lo = (before as Op).lo + reader.varint(STAMP_LO_MAX);
    if (lo > STAMP_LO_MAX) throw new ProtocolError(`stamp ${lo} is over ${STAMP_LO_MAX}`);
  } else {
    hi = reader.varint(STAMP_HI_MAX);
    lo = reader.varint(STAMP_LO_MAX);
  }
  const value = kind === "delete" ? "" : readValue(reader);
  const batchEnd = (flags & BATCH_GOES_ON) === 0;
  return { origin, seq, kind, table, key, birthOrigin, birthSeq, kills, hi, lo, value, batchEnd };
}

function decodeKills(reader: ByteReader, dictionary: DictionaryReader): Dot[] {
  const count = reader.varint(KILLS_MAX);
  const kills: Dot[] = [];
  for (let at = 0; at < count; at++) {
    kills.push({ origin: dictionary.origin(), seq: readSeq(reader) });
  }
  return kills;
}

/** Reads and checks an encoded key. */
export function readKey(reader: ByteReader): string {
  const key = reader.text(2 * KEY_BYTES_MAX);
  checkEncodedKey(key);
  return key;
}

/** Reads an encoded value and checks its form, not its content: it is decoded when it is read. */
export function readValue(reader: ByteReader): string {
  const value = reader.latin1(VALUE_BYTES_MAX);
  checkEncodedValue(value);
  return value;
}
