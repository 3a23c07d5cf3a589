/**
 * Writing and reading the bytes of frames. A leaf: no IO, and no type of Node's, so that the
 * pure folders may use it. The reader trusts nothing: it throws ProtocolError at the first
 * byte that is missing or out of range.
 */
import { ProtocolError } from "./errors.ts";

/** The few members of Node's Buffer that are used here. */
interface NodeBuffer extends Uint8Array {
  copy(target: Uint8Array, targetStart: number, start: number, end: number): number;
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number): number;
  writeDoubleBE(value: number, offset: number): number;
  readDoubleBE(offset: number): number;
}
declare const Buffer: {
  allocUnsafe(size: number): NodeBuffer;
  from(buffer: ArrayBufferLike, offset: number, length: number): NodeBuffer;
  from(text: string, encoding: "latin1"): NodeBuffer;
};

const TWO_32 = 4294967296;

/** Bytes as a string of one code unit each: compact on the heap and immutable. */
export function bytesToLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice(0, bytes.length);
}

/** The reverse of {@link bytesToLatin1}. */
export function latin1ToBytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Grows as it is written to; `take` hands the bytes out and starts afresh. */
export class ByteWriter {
  #buffer: NodeBuffer;
  #length = 0;

  constructor(initialBytes = 1024) {
    // Small ones come out of Node's pool: a fifth of the time of memory of their own.
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** An integer from 0 to 2^53 - 1 in seven-bit groups, low ones first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < TWO_32 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** Four bytes, big endian. */
  u32(value: number): void {
    this.#reserve(4);
    const buffer = this.#buffer;
    buffer[this.#length++] = value >>> 24;
    buffer[this.#length++] = value >>> 16;
    buffer[this.#length++] = value >>> 8;
    buffer[this.#length++] = value;
  }

  /** Four bytes each, big endian: a digest has thousands, which is no time for a call each. */
  words(words: Int32Array): void {
    this.#reserve(words.length * 4);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as number;
      buffer[at++] = word >>> 24;
      buffer[at++] = word >>> 16;
      buffer[at++] = word >>> 8;
      buffer[at++] = word;
    }
    this.#length = at;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#buffer.writeDoubleBE(value, this.#length);
    this.#length += 8;
  }

  /** Raw bytes, without a length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A length and bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A length and bytes, given as a string of one code unit each. */
  latin1(text: string): void {
    this.varint(text.length);
    this.#reserve(text.length);
    this.#length += this.#buffer.latin1Write(text, this.#length);
  }

  /** A length and UTF-8. The text must be well-formed; see `text` for any string. */
  utf8(text: string): void {
    const most = text.length * 3;
    this.#reserve(most + 8);
    // The length is not known before it is written: guess that it is ASCII and move if not.
    const headBytes = varintBytes(text.length);
    let written = this.#buffer.utf8Write(text, this.#length + headBytes);
    const realHead = varintBytes(written);
    if (realHead !== headBytes) {
      written = this.#buffer.utf8Write(text, this.#length + realHead);
    }
    this.varint(written);
    this.#length += written;
  }

  /** Any string of UTF-16 units, lone surrogates too: a form byte, then its bytes. */
  text(text: string): void {
    if (text.isWellFormed()) {
      this.u8(0);
      this.utf8(text);
      return;
    }
    this.u8(1);
    this.varint(text.length * 2);
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      this.u8(unit >>> 8);
      this.u8(unit & 0xff);
    }
  }

  /** A copy of what was written; the writer starts again at zero. */
  take(): Uint8Array {
    const out = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(out, 0, 0, this.#length);
    this.#length = 0;
    return out;
  }

  /** What was written here, followed by what was written to `tail`, in one copy. */
  concat(tail: ByteWriter): Uint8Array {
    const out = Buffer.allocUnsafe(this.#length + tail.#length);
    this.#buffer.copy(out, 0, 0, this.#length);
    tail.#buffer.copy(out, this.#length, 0, tail.#length);
    return out;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** Reads one frame from front to back. */
export class ByteReader {
  readonly #buffer: NodeBuffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = isNodeBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#buffer.length - this.#offset;
  }

  u8(): number {
    if (this.#offset >= this.#buffer.length) throw truncated();
    return this.#buffer[this.#offset++] as number;
  }

  /** Throws unless the value is at most `max`. */
  varint(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 8; index++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > max) throw new ProtocolError(`number ${value} in a frame, at most ${max}`);
        return value;
      }
      scale *= 0x80;
    }
    throw new ProtocolError("number of more than eight bytes in a frame");
  }

  u32(): number {
    return ((this.u8() << 24) | (this.u8() << 16) | (this.u8() << 8) | this.u8()) >>> 0;
  }

  /** The reverse of `ByteWriter.words`. */
  words(count: number): Int32Array {
    let at = this.#skip(count * 4);
    const { buffer, byteOffset, length } = this.#buffer;
    const bytes = new DataView(buffer, byteOffset, length);
    const words = new Int32Array(count);
    for (let index = 0; index < count; index++, at += 4) words[index] = bytes.getInt32(at);
    return words;
  }

  f64(): number {
    const at = this.#skip(8);
    return this.#buffer.readDoubleBE(at);
  }

  raw(size: number): Uint8Array {
    const at = this.#skip(size);
    return this.#buffer.subarray(at, at + size);
  }

  bytes(maxBytes: number): Uint8Array {
    return this.raw(this.varint(maxBytes));
  }

  latin1(maxBytes: number): string {
    const size = this.varint(maxBytes);
    const at = this.#skip(size);
    return this.#buffer.latin1Slice(at, at + size);
  }

  utf8(maxBytes: number): string {
    const size = this.varint(maxBytes);
    const at = this.#skip(size);
    return this.#buffer.utf8Slice(at, at + size);
  }

  /** The reverse of `ByteWriter.text`. */
  text(maxBytes: number): string {
    const form = this.u8();
    if (form === 0) return this.utf8(maxBytes);
    if (form !== 1) throw new ProtocolError(`string of form ${form} in a frame, known are 0 and 1`);
    const bytes = this.bytes(maxBytes);
    if (bytes.length % 2 !== 0) throw new ProtocolError("string with half a code unit in a frame");
    let text = "";
    for (let index = 0; index < bytes.length; index += 2) {
      text += String.fromCharCode(((bytes[index] as number) << 8) | (bytes[index + 1] as number));
    }
    return text;
  }

  /** Passes over exactly these bytes if they come next. */
  skipIf(bytes: Uint8Array): boolean {
    const from = this.#offset;
    if (bytes.length > this.#buffer.length - from) return false;
    for (let at = 0; at < bytes.length; at++) {
      if (this.#buffer[from + at] !== bytes[at]) return false;
    }
    this.#offset = from + bytes.length;
    return true;
  }

  /** Throws if anything is left. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError(`${this.remaining} bytes too many in a frame`);
  }

  #skip(bytes: number): number {
    const at = this.#offset;
    if (bytes > this.#buffer.length - at) throw truncated();
    this.#offset = at + bytes;
    return at;
  }
}

/** Links hand in Buffers; everybody else any bytes. */
function isNodeBuffer(bytes: Uint8Array): bytes is NodeBuffer {
  return "latin1Slice" in bytes;
}

function truncated(): ProtocolError {
  return new ProtocolError("frame ends too early");
}
