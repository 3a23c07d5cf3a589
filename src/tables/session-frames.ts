/** The frames of a state session: chunks of keys with all their births, and the end. */
import { ByteReader, type ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { readBuckets } from "./control-frames.ts";
import { DictionaryReader, type DictionaryWriter, readSeq } from "./frame-dictionary.ts";
import { FRAME_CHUNK, FRAME_END, KILLS_MAX } from "./frame-kinds.ts";
import { STAMP_HI_MAX, STAMP_LO_MAX } from "./hybrid-clock.ts";
import { readKey, readValue } from "./ops-frame.ts";
import type { Replica } from "./replica.ts";
import { Row } from "./row.ts";
import type { TableState } from "./table-state.ts";
import { readView, type View, writeView } from "./view.ts";

const FULL = 1;
const DOT_IS_BIRTH = 2;

/** Told of what is read of a chunk, key by key. */
export interface ChunkSink {
  /**
   * All births that the sender holds under one key, chained, with the key in each. What was sent
   * without a value (the puller covers it) has the value "", which no encoding is; so has the
   * row of no birth that stands for a key without any.
   */
  take(table: TableState, first: Row): void;
}

/** A birth that the sender knows to be dead before it arrives. */
export interface AheadItem {
  readonly table: TableState;
  readonly key: string;
  readonly origin: number;
  readonly seq: number;
}

/** What the puller covers once it has merged the session. */
export interface EndFrame {
  readonly pullId: number;
  readonly view: View;
  /** Number of buckets; 0 means that every key held was sent. */
  readonly buckets: number;
  /** One byte a bucket, 1 where the two sides differed. */
  readonly differs: Uint8Array;
  readonly ahead: readonly AheadItem[];
}

/** Begins a chunk. Items follow by `writeItemHead` and `writeSibling`. */
export function beginChunk(writer: DictionaryWriter, pullId: number): void {
  writer.begin();
  writer.body.varint(pullId);
}

export function finishChunk(writer: DictionaryWriter): Uint8Array {
  return writer.finish(FRAME_CHUNK);
}

export function writeItemHead(
  writer: DictionaryWriter,
  item: { readonly table: TableState; readonly key: string; readonly siblings: number },
): void {
  writer.table(item.table);
  writer.body.text(item.key);
  writer.body.varint(item.siblings);
}

/** Writes one birth, with its value unless the puller covers it. */
export function writeSibling(writer: DictionaryWriter, row: Row, full: boolean): void {
  const { body } = writer;
  const dotIsBirth = row.dotOrigin === row.birthOrigin && row.dotSeq === row.birthSeq;
  body.u8(full ? FULL | (dotIsBirth ? DOT_IS_BIRTH : 0) : 0);
  writer.origin(row.birthOrigin);
  body.varint(row.birthSeq);
  if (!full) return;
  if (!dotIsBirth) {
    writer.origin(row.dotOrigin);
    body.varint(row.dotSeq);
  }
  body.varint(row.hi);
  body.varint(row.lo);
  body.latin1(row.value);
}

/** Reads a chunk into what `wanted` returns; what is not wanted is only checked. */
export function decodeChunk(
  frame: Uint8Array,
  replica: Replica,
  wanted: (pullId: number) => ChunkSink | null,
): void {
  const reader = new ByteReader(frame);
  reader.u8();
  const dictionary = new DictionaryReader(reader, replica);
  const sink = wanted(reader.varint());
  while (reader.remaining > 0) {
    const table = dictionary.table();
    const key = readKey(reader);
    const count = reader.varint(reader.remaining);
    const first = count === 0 ? noBirth(key) : readSibling(reader, dictionary, key);
    let last = first;
    for (let at = 1; at < count; at++) {
      last.next = readSibling(reader, dictionary, key);
      last = last.next;
    }
    sink?.take(table, first);
  }
}

/** Stands for a key under which the sender holds nothing; no birth has the seq 0. */
function noBirth(key: string): Row {
  return new Row(key, "", 0, 0, 0, 0, 0, 0);
}

function readSibling(reader: ByteReader, dictionary: DictionaryReader, key: string): Row {
  const flags = reader.u8();
  if (flags === DOT_IS_BIRTH || flags > (FULL | DOT_IS_BIRTH)) {
    throw new ProtocolError(`row flags ${flags}`);
  }
  const origin = dictionary.origin();
  const seq = readSeq(reader);
  if ((flags & FULL) === 0) return new Row(key, "", origin, seq, origin, seq, 0, 0);
  const dotIsBirth = (flags & DOT_IS_BIRTH) !== 0;
  const dotOrigin = dotIsBirth ? origin : dictionary.origin();
  const dotSeq = dotIsBirth ? seq : readSeq(reader);
  const hi = reader.varint(STAMP_HI_MAX);
  const lo = reader.varint(STAMP_LO_MAX);
  return new Row(key, readValue(reader), origin, seq, dotOrigin, dotSeq, hi, lo);
}

export function encodeEnd(writer: DictionaryWriter, end: EndFrame): Uint8Array {
  writer.begin();
  const { body } = writer;
  body.varint(end.pullId);
  writeView(body, end.view);
  body.varint(end.buckets);
  writeBits(body, end.differs);
  body.varint(end.ahead.length);
  for (const item of end.ahead) {
    writer.table(item.table);
    body.text(item.key);
    writer.origin(item.origin);
    body.varint(item.seq);
  }
  return writer.finish(FRAME_END);
}

export function decodeEnd(frame: Uint8Array, replica: Replica): EndFrame {
  const reader = new ByteReader(frame);
  reader.u8();
  const dictionary = new DictionaryReader(reader, replica);
  const pullId = reader.varint();
  const view = readView(reader);
  const buckets = readBuckets(reader);
  const differs = readBits(reader, buckets);
  const count = reader.varint(KILLS_MAX * 16);
  const ahead: AheadItem[] = [];
  for (let at = 0; at < count; at++) {
    const table = dictionary.table();
    const key = readKey(reader);
    ahead.push({ table, key, origin: dictionary.origin(), seq: readSeq(reader) });
  }
  reader.end();
  return { pullId, view, buckets, differs, ahead };
}

/** Flags as bits, low ones first. */
export function writeBits(writer: ByteWriter, flags: Uint8Array): void {
  for (let at = 0; at < flags.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte |= (flags[at + bit] ?? 0) << bit;
    writer.u8(byte);
  }
}

/** Reads `count` of them. */
export function readBits(reader: ByteReader, count: number): Uint8Array {
  const flags = new Uint8Array(count);
  for (let at = 0; at < count; at += 8) {
    const byte = reader.u8();
    for (let bit = 0; bit < 8 && at + bit < count; bit++) flags[at + bit] = (byte >> bit) & 1;
  }
  return flags;
}
