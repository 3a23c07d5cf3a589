/**
 * The form of an archive's file: frames, each of them all or nothing. A frame is a line with its
 * checksum (CRC-32, eight hexadecimal digits) and its length in bytes, then that many bytes, which
 * are lines of JSON:
 *
 *   ["user","romeo",7]                    the first of a file: whose it is, the next position
 *   ["append","key","when","with",7]      and the value on the next line
 *   ["set","key","when","with"]           and the value on the next line
 *   ["delete","key","key",…]
 *
 * JSON has no line breaks of its own, so that no value can look like the line of a frame.
 */
import { crc32 } from "node:zlib";
import { ProtocolError } from "../../../errors.ts";

/** A line that a frame begins with. */
const HEAD = /^([0-9a-f]{8}) (\d{1,10})$/;
const HEAD_BYTES_MAX = 20;
const LINE_BREAK = 0x0a;

/** What one frame does. */
export type LogOp =
  | { readonly kind: "user"; readonly user: string; readonly next: bigint }
  | (ValueOp & { readonly kind: "append"; readonly position: bigint })
  | (ValueOp & { readonly kind: "set" })
  | { readonly kind: "delete"; readonly keys: readonly string[] };

interface ValueOp {
  readonly key: string;
  readonly when: bigint;
  readonly with: string;
  /** The value's text in UTF-8. */
  readonly value: Uint8Array;
}

/** A frame, and where in it the values are, in the order of the ops that have one. */
export interface EncodedFrame {
  readonly bytes: Uint8Array;
  readonly valueOffsets: readonly number[];
}

/** An op that was read; `valueOffset` is from the start of the file. */
export interface ReadOp {
  readonly op: LogOp;
  readonly valueOffset: number;
}

/** The frame of these ops. */
export function encodeFrame(ops: readonly LogOp[]): EncodedFrame {
  const parts: Uint8Array[] = [];
  const offsets: number[] = [];
  let length = 0;
  const push = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
  };
  for (const op of ops) {
    push(Buffer.from(`${JSON.stringify(fieldsOf(op))}\n`));
    if (op.kind !== "append" && op.kind !== "set") continue;
    offsets.push(length);
    push(op.value);
    push(Buffer.of(LINE_BREAK));
  }
  const body = Buffer.concat(parts, length);
  const head = Buffer.from(`${sumOf(body)} ${length}\n`);
  return {
    bytes: Buffer.concat([head, body]),
    valueOffsets: offsets.map((offset) => offset + head.length),
  };
}

function fieldsOf(op: LogOp): unknown[] {
  switch (op.kind) {
    case "user":
      return [op.kind, op.user, String(op.next)];
    case "append":
      return [op.kind, op.key, String(op.when), op.with, String(op.position)];
    case "set":
      return [op.kind, op.key, String(op.when), op.with];
    case "delete":
      return [op.kind, ...op.keys];
  }
}

/** The frames of a file and where the last whole one ends. */
export interface ReadLog {
  readonly ops: readonly ReadOp[];
  /** Less than the file's length if its end is torn. */
  readonly end: number;
}

/**
 * Reads all whole frames. Bytes behind the last one are a torn end, if no whole frame follows.
 * @throws ProtocolError if one does: then the file is damaged in its middle
 */
export function readLog(path: string, bytes: Buffer): ReadLog {
  const ops: ReadOp[] = [];
  let at = 0;
  while (at < bytes.length) {
    const body = bodyAt(bytes, at);
    if (body === undefined) {
      if (hasFrameBehind(bytes, at)) throw damaged(path, at);
      break;
    }
    readBody(path, bytes, body, ops);
    at = body.end;
  }
  return { ops, end: at };
}

interface Body {
  readonly start: number;
  readonly end: number;
}

/** The body of the frame that begins here; undefined if there is no whole one. */
function bodyAt(bytes: Buffer, at: number): Body | undefined {
  const lineEnd = bytes.subarray(at, at + HEAD_BYTES_MAX).indexOf(LINE_BREAK);
  if (lineEnd < 0) return undefined;
  const head = HEAD.exec(bytes.toString("latin1", at, at + lineEnd));
  if (head === null) return undefined;
  const start = at + lineEnd + 1;
  const end = start + Number(head[2]);
  if (end > bytes.length) return undefined;
  return sumOf(bytes.subarray(start, end)) === head[1] ? { start, end } : undefined;
}

/** Looks at every line for the beginning of a whole frame. */
function hasFrameBehind(bytes: Buffer, at: number): boolean {
  for (
    let line = bytes.indexOf(LINE_BREAK, at);
    line >= 0;
    line = bytes.indexOf(LINE_BREAK, line)
  ) {
    line++;
    if (bodyAt(bytes, line) !== undefined) return true;
  }
  return false;
}

function readBody(path: string, bytes: Buffer, body: Body, ops: ReadOp[]): void {
  for (let at = body.start; at < body.end; ) {
    const line = lineAt(path, bytes, at, body.end);
    at = line.next;
    const fields: unknown = JSON.parse(line.bytes.toString());
    if (!Array.isArray(fields) || !fields.every((field) => typeof field === "string")) {
      throw damaged(path, at);
    }
    const [kind, ...rest] = fields;
    if (kind === "delete") {
      ops.push({ op: { kind, keys: rest }, valueOffset: 0 });
    } else if (kind === "user" && rest[0] !== undefined && rest[1] !== undefined) {
      ops.push({ op: { kind, user: rest[0], next: BigInt(rest[1]) }, valueOffset: 0 });
    } else {
      const value = lineAt(path, bytes, at, body.end);
      ops.push({ op: valueOp(path, at, fields, value.bytes), valueOffset: at });
      at = value.next;
    }
  }
}

function valueOp(path: string, at: number, fields: readonly string[], value: Uint8Array): LogOp {
  const [kind, key, when, peer, position] = fields;
  if (key !== undefined && when !== undefined && peer !== undefined) {
    const all = { key, when: BigInt(when), with: peer, value };
    if (kind === "set") return { kind, ...all };
    if (kind === "append" && position !== undefined) {
      return { kind, ...all, position: BigInt(position) };
    }
  }
  throw damaged(path, at);
}

function lineAt(
  path: string,
  bytes: Buffer,
  at: number,
  end: number,
): { bytes: Buffer; next: number } {
  const stop = bytes.indexOf(LINE_BREAK, at);
  if (stop < 0 || stop >= end) throw damaged(path, at);
  return { bytes: bytes.subarray(at, stop), next: stop + 1 };
}

function sumOf(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

function damaged(path: string, at: number): ProtocolError {
  return new ProtocolError(`the file ${path} is damaged at byte ${at}, or of a newer version`);
}
