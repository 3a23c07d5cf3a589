/**
 * Keys from their encodings. Encodings come from peers, so each is checked to be the one that
 * `encodeKey` makes: a second spelling of a key would be a second row under the same key.
 */
import { ProtocolError } from "../errors.ts";
import { exceedsKeyBytes, KEY_BYTES_MAX, KEY_DEPTH_MAX, type Key } from "./key-format.ts";

const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const BIGINT = 5;
const STRING = 6;
const TUPLE = 7;
const ESCAPE = "\x01";

/**
 * Throws unless some key has this encoding. Of a plain string only the size is looked at.
 * @throws ProtocolError
 */
export function checkEncodedKey(encoded: string): void {
  if (exceedsKeyBytes(encoded)) throw illFormed(`over ${KEY_BYTES_MAX} bytes`);
  if (encoded.charCodeAt(0) > 0 || isPlainTuple(encoded)) return;
  new KeyReader(encoded, false).key();
}

/**
 * The key that has this encoding; tuples are frozen.
 * @throws ProtocolError if none has
 */
export function decodeKey(encoded: string): Key {
  if (exceedsKeyBytes(encoded)) throw illFormed(`over ${KEY_BYTES_MAX} bytes`);
  if (encoded.charCodeAt(0) > 0) return encoded;
  return plainTuple(encoded) ?? new KeyReader(encoded, true).key();
}

/** A tuple of strings without escapes, as most keys are; undefined if it is anything else. */
function plainTuple(encoded: string): Key | undefined {
  if (encoded.charCodeAt(1) !== TUPLE || encoded.indexOf(ESCAPE) >= 0) return undefined;
  const elements: string[] = [];
  let at = 2;
  while (at < encoded.length) {
    const end = encoded.indexOf("\0", at);
    if (end < 0 || encoded.charCodeAt(at) !== STRING) return undefined;
    elements.push(encoded.slice(at + 1, end));
    at = end + 1;
  }
  return Object.freeze(elements);
}

/** Whether `plainTuple` would return one. */
function isPlainTuple(encoded: string): boolean {
  if (encoded.charCodeAt(1) !== TUPLE || encoded.indexOf(ESCAPE) >= 0) return false;
  for (let at = 2; at < encoded.length; ) {
    const end = encoded.indexOf("\0", at);
    if (end < 0 || encoded.charCodeAt(at) !== STRING) return false;
    at = end + 1;
  }
  return true;
}

/** Goes over an encoding once; where nothing is to be built, every key it returns is null. */
class KeyReader {
  readonly #encoded: string;
  readonly #build: boolean;
  #at = 1;

  constructor(encoded: string, build: boolean) {
    this.#encoded = encoded;
    this.#build = build;
  }

  key(): Key {
    const encoded = this.#encoded;
    const tag = encoded.charCodeAt(1);
    if (tag === STRING) {
      if (encoded.charCodeAt(2) > 0) throw illFormed("string escaped without need");
      return encoded.slice(2);
    }
    this.#at = 2;
    const key = tag === TUPLE ? this.#tuple(1) : this.#scalar(tag);
    if (this.#at < encoded.length) throw illFormed("units after its end");
    return key;
  }

  /** Ends at the end of the encoding if at depth 1, else at its "\0". */
  #tuple(depth: number): Key {
    if (depth > KEY_DEPTH_MAX) throw illFormed("nested too deep");
    const elements: Key[] = [];
    while (depth > 1 || this.#at < this.#encoded.length) {
      const tag = this.#encoded.charCodeAt(this.#at++);
      if (tag === 0 && depth > 1) break;
      const element = this.#element(tag, depth);
      if (this.#build) elements.push(element);
    }
    return this.#build ? Object.freeze(elements) : null;
  }

  #element(tag: number, depth: number): Key {
    if (tag === STRING) return this.#string();
    return tag === TUPLE ? this.#tuple(depth + 1) : this.#scalar(tag);
  }

  #scalar(tag: number): Key {
    switch (tag) {
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NUMBER:
        return this.#number();
      case BIGINT:
        return this.#bigint();
      default:
        throw illFormed("unknown tag");
    }
  }

  #string(): string {
    const end = this.#encoded.indexOf("\0", this.#at);
    if (end < 0) throw illFormed("string without end");
    const escapeAt = this.#encoded.indexOf("\x01", this.#at);
    if (!this.#build && (escapeAt < 0 || escapeAt > end)) {
      this.#at = end + 1;
      return "";
    }
    const text = this.#encoded.slice(this.#at, end);
    this.#at = end + 1;
    for (let at = text.indexOf("\x01"); at >= 0; at = text.indexOf("\x01", at + 2)) {
      const next = text.charCodeAt(at + 1);
      if (next !== 1 && next !== 2) throw illFormed("unknown escape");
    }
    return unescapeUnits(text);
  }

  /** Eight units; see `encodeNumber`. */
  #number(): number {
    const flip = this.#encoded.charCodeAt(this.#at) < 0x80 ? 0xff : 0;
    numberView.setUint8(0, this.#byte() ^ (flip || 0x80));
    for (let index = 1; index < 8; index++) numberView.setUint8(index, this.#byte() ^ flip);
    const value = numberView.getFloat64(0);
    if (Number.isNaN(value) || Object.is(value, -0)) throw illFormed("NaN or -0");
    return value;
  }

  #bigint(): bigint {
    const size = this.#byte() * 0x100 + this.#byte() - 0x8000;
    const flip = size < 0 ? 0xff : 0;
    const bytes = Math.abs(size);
    let hex = "0x0";
    for (let index = 0; index < bytes; index++) {
      const byte = this.#byte() ^ flip;
      if (index === 0 && byte === 0) throw illFormed("bigint with a leading zero");
      hex += byte.toString(16).padStart(2, "0");
    }
    const magnitude = this.#build ? BigInt(hex) : 0n;
    return size < 0 ? -magnitude : magnitude;
  }

  #byte(): number {
    const unit = this.#encoded.charCodeAt(this.#at++);
    if (!(unit <= 0xff)) throw illFormed("ends too early or has a unit over 255");
    return unit;
  }
}

const numberView = new DataView(new ArrayBuffer(8));

function unescapeUnits(text: string): string {
  if (text.indexOf("\x01") < 0) return text;
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    plain += unit === 1 ? String.fromCharCode(text.charCodeAt(++at) - 1) : text.charAt(at);
  }
  return plain;
}

function illFormed(why: string): ProtocolError {
  return new ProtocolError(`ill-formed key: ${why}`);
}
