/** The frames by which two replicas are compared. All of them need the feature "digest". */
import { ByteReader, ByteWriter } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";
import { readBuckets } from "../control-frames.ts";
import { DictionaryReader, type DictionaryWriter } from "../frame-dictionary.ts";
import {
  FRAME_COMPARE,
  FRAME_COMPARED,
  FRAME_DIGEST,
  FRAME_KEYS,
  FRAME_SHOW,
} from "../frame-kinds.ts";
import { readKey } from "../ops-frame.ts";
import type { Replica } from "../replica.ts";
import { readBits, writeBits } from "../session-frames.ts";
import type { TableState } from "../table-state.ts";
import { readView, type View, writeView } from "../view.ts";
import type { Print } from "./print.ts";

/** "List the keys of those buckets whose sums of prints are not these." */
export interface CompareFrame {
  readonly id: number;
  /** The receiver is to repair itself as well, by a comparison of its own. */
  readonly mutual: boolean;
  /** Words 2i and 2i+1 belong to bucket i. */
  readonly sums: Int32Array;
}

/** A key as the sender holds it. */
export interface PrintedKey {
  readonly table: TableState;
  readonly key: string;
  readonly print: Print;
}

/** "That was all, and this is what I cover." */
export interface ComparedFrame {
  readonly id: number;
  readonly view: View;
  /** One byte a bucket, 1 where the sums differed; empty after keys that were shown. */
  readonly differs: Uint8Array;
}

export function encodeDigest(print: Print): Uint8Array {
  const writer = new ByteWriter(9);
  writer.u8(FRAME_DIGEST);
  writer.u32(print.a);
  writer.u32(print.b);
  return writer.take();
}

export function decodeDigest(bytes: Uint8Array): Print {
  const reader = new ByteReader(bytes);
  reader.u8();
  const print = { a: reader.u32() | 0, b: reader.u32() | 0 };
  reader.end();
  return print;
}

export function encodeCompare(frame: CompareFrame): Uint8Array {
  const writer = new ByteWriter(16 + frame.sums.length * 4);
  writer.u8(FRAME_COMPARE);
  writer.varint(frame.id);
  writer.u8(frame.mutual ? 1 : 0);
  writer.varint(frame.sums.length / 2);
  writer.words(frame.sums);
  return writer.take();
}

export function decodeCompare(bytes: Uint8Array): CompareFrame {
  const reader = new ByteReader(bytes);
  reader.u8();
  const id = reader.varint();
  const flags = reader.u8();
  if (flags > 1) throw new ProtocolError(`comparison with flags ${flags}, known are 0 and 1`);
  const buckets = readBuckets(reader);
  if (buckets === 0) throw new ProtocolError("comparison of no buckets");
  const sums = reader.words(buckets * 2);
  reader.end();
  return { id, mutual: flags === 1, sums };
}

/** Begins a frame of keys, with or without prints. */
export function beginKeys(writer: DictionaryWriter, id: number): void {
  writer.begin();
  writer.body.varint(id);
}

export function writePrintedKey(writer: DictionaryWriter, item: PrintedKey): void {
  writer.table(item.table);
  writer.body.text(item.key);
  writer.body.u32(item.print.a);
  writer.body.u32(item.print.b);
}

export function finishKeys(writer: DictionaryWriter): Uint8Array {
  return writer.finish(FRAME_KEYS);
}

export function decodeKeys(
  frame: Uint8Array,
  replica: Replica,
): { id: number; keys: PrintedKey[] } {
  const reader = new ByteReader(frame);
  reader.u8();
  const dictionary = new DictionaryReader(reader, replica);
  const id = reader.varint();
  const keys: PrintedKey[] = [];
  while (reader.remaining > 0) {
    const table = dictionary.table();
    const key = readKey(reader);
    keys.push({ table, key, print: { a: reader.u32() | 0, b: reader.u32() | 0 } });
  }
  return { id, keys };
}

/** "Show me these keys, with all that you hold under them." */
export function encodeShow(
  writer: DictionaryWriter,
  frame: {
    readonly id: number;
    readonly keys: Iterable<{ readonly table: TableState; readonly key: string }>;
  },
): Uint8Array {
  beginKeys(writer, frame.id);
  for (const { table, key } of frame.keys) {
    writer.table(table);
    writer.body.text(key);
  }
  return writer.finish(FRAME_SHOW);
}

export function decodeShow(
  frame: Uint8Array,
  replica: Replica,
): { id: number; keys: { table: TableState; key: string }[] } {
  const reader = new ByteReader(frame);
  reader.u8();
  const dictionary = new DictionaryReader(reader, replica);
  const id = reader.varint();
  const keys: { table: TableState; key: string }[] = [];
  while (reader.remaining > 0) keys.push({ table: dictionary.table(), key: readKey(reader) });
  return { id, keys };
}

export function encodeCompared(frame: ComparedFrame): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(FRAME_COMPARED);
  writer.varint(frame.id);
  writeView(writer, frame.view);
  writer.varint(frame.differs.length);
  writeBits(writer, frame.differs);
  return writer.take();
}

export function decodeCompared(bytes: Uint8Array): ComparedFrame {
  const reader = new ByteReader(bytes);
  reader.u8();
  const id = reader.varint();
  const view = readView(reader);
  const differs = readBits(reader, readBuckets(reader));
  reader.end();
  return { id, view, differs };
}
