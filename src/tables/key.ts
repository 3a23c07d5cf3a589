/**
 * Keys and the strings that stand for them. A key's encoding is the identity of its row on
 * every node: equal keys have equal encodings, different keys different ones. A string stands
 * for itself unless it is empty or starts with "\0"; all else starts with "\0" and a tag:
 *
 *     "\0" null | false | true | number(8) | bigint(size, bytes) | escaped string | tuple(elements)
 *
 * The tags rise in the order of the types, and all that follows a tag keeps the order of the
 * values, so that `<` on encodings is the order of keys, but for one thing: tuples sort after
 * all strings although they start with "\0" (see `compareEncodedKeys`). Elements of tuples have
 * the same tags and end themselves. Everything but a string's own units is one byte wide, so
 * that V8 keeps the encodings in one byte per unit.
 */
import { InvalidKeyError, TooLargeError } from "../errors.ts";

/** What a row can be stored under. */
export type Key = string | number | bigint | boolean | null | readonly Key[];

/** The most UTF-8 bytes that an encoding may have. */
export const KEY_BYTES_MAX = 1024;

/** How deep tuples may be nested; a tuple of scalars has depth 1. */
export const KEY_DEPTH_MAX = 8;

/** The unit after "\0" in encodings, and before each element in tuples. */
export const KEY_TAGS = {
  null: "\x01",
  false: "\x02",
  true: "\x03",
  number: "\x04",
  bigint: "\x05",
  string: "\x06",
  tuple: "\x07",
} as const;

/** Sorts after every encoding; itself not one. */
export const AFTER_ALL_KEYS = "\0\x08";

const STRING_HEAD = `\0${KEY_TAGS.string}`;
const TUPLE_HEAD = `\0${KEY_TAGS.tuple}`;
const TUPLE_TAG_UNIT = 7;
const LAST_UNIT = 0xffff;
const ALLOWED =
  "allowed are strings, numbers but NaN, bigints, booleans, null and arrays of those, " +
  `${KEY_DEPTH_MAX} deep at most`;

/**
 * The identity of a key.
 * @throws InvalidKeyError for what is no key, TooLargeError over 1 KiB
 */
export function encodeKey(key: unknown): string {
  // Three bytes are the most that UTF-8 needs for a unit. The unit of "" is NaN.
  if (typeof key === "string" && key.charCodeAt(0) > 0 && key.length * 3 <= KEY_BYTES_MAX) {
    return key;
  }
  const encoded = encodeOther(key);
  if (exceedsKeyBytes(encoded)) throw tooLarge();
  return encoded;
}

function encodeOther(key: unknown): string {
  if (typeof key === "string") {
    if (key.length > KEY_BYTES_MAX) throw tooLarge();
    return key.charCodeAt(0) > 0 ? key : STRING_HEAD + key;
  }
  if (Array.isArray(key)) return encodeElements(key, TUPLE_HEAD, 1, "key");
  return `\0${encodeScalar(key, "key")}`;
}

/** Appends to `head`, which tells when the whole is over the limit, however wide the arrays. */
function encodeElements(
  tuple: readonly unknown[],
  head: string,
  depth: number,
  path: string,
): string {
  if (depth > KEY_DEPTH_MAX) throw new InvalidKeyError(`key is nested too deep; ${ALLOWED}`);
  let encoded = head;
  for (let index = 0; index < tuple.length; index++) {
    const element = tuple[index];
    if (typeof element === "string") {
      if (element.length > KEY_BYTES_MAX) throw tooLarge();
      encoded += `${KEY_TAGS.string}${escapeUnits(element)}\0`;
    } else if (Array.isArray(element)) {
      const nested = encoded + KEY_TAGS.tuple;
      encoded = `${encodeElements(element, nested, depth + 1, `${path}[${index}]`)}\0`;
    } else {
      if (element === undefined && !(index in tuple)) {
        throw new InvalidKeyError(`${path}[${index}] is a hole in a sparse array; ${ALLOWED}`);
      }
      encoded += encodeScalar(element, path, index);
    }
    if (encoded.length > KEY_BYTES_MAX) throw tooLarge();
  }
  return encoded;
}

/** With "\0" out of the way it can end the string, below every unit that could follow. */
function escapeUnits(text: string): string {
  if (text.indexOf("\0") < 0 && text.indexOf("\x01") < 0) return text;
  return text.replaceAll("\x01", "\x01\x02").replaceAll("\0", "\x01\x01");
}

function encodeScalar(value: unknown, path: string, index?: number): string {
  switch (typeof value) {
    case "number":
      if (!Number.isNaN(value)) return encodeNumber(value);
      break;
    case "boolean":
      return value ? KEY_TAGS.true : KEY_TAGS.false;
    case "bigint":
      return encodeBigint(value);
    case "object":
      if (value === null) return KEY_TAGS.null;
      break;
  }
  const where = index === undefined ? path : `${path}[${index}]`;
  throw new InvalidKeyError(`${where} is ${describe(value)}; ${ALLOWED}`);
}

const numberView = new DataView(new ArrayBuffer(8));

/** The bits of the number, turned so that their order as bytes is the order of numbers. */
function encodeNumber(value: number): string {
  const view = numberView;
  view.setFloat64(0, value === 0 ? 0 : value);
  const high = view.getUint32(0);
  const flip = high >>> 31 === 1 ? 0xff : 0;
  return (
    KEY_TAGS.number +
    String.fromCharCode(
      (high >>> 24) ^ (flip || 0x80),
      ((high >>> 16) & 0xff) ^ flip,
      ((high >>> 8) & 0xff) ^ flip,
      (high & 0xff) ^ flip,
      view.getUint8(4) ^ flip,
      view.getUint8(5) ^ flip,
      view.getUint8(6) ^ flip,
      view.getUint8(7) ^ flip,
    )
  );
}

/** The size of the magnitude, negative with the sign, and its bytes, inverted with the sign. */
function encodeBigint(value: bigint): string {
  let hex = value === 0n ? "" : (value < 0n ? -value : value).toString(16);
  if (hex.length > KEY_BYTES_MAX * 2) throw tooLarge();
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const size = hex.length / 2;
  const flip = value < 0n ? 0xff : 0;
  const head = 0x8000 + (value < 0n ? -size : size);
  let encoded = KEY_TAGS.bigint + String.fromCharCode(head >>> 8, head & 0xff);
  for (let at = 0; at < hex.length; at += 2) {
    encoded += String.fromCharCode(Number.parseInt(hex.slice(at, at + 2), 16) ^ flip);
  }
  return encoded;
}

/** Whether an encoding has more bytes in UTF-8 than a key may have. */
export function exceedsKeyBytes(encoded: string): boolean {
  if (encoded.length * 3 <= KEY_BYTES_MAX) return false;
  if (encoded.length > KEY_BYTES_MAX) return true;
  let bytes = encoded.length;
  for (let index = 0; index < encoded.length; index++) {
    const unit = encoded.charCodeAt(index);
    // A pair of surrogates is four bytes, two for each; a lone one counts as much.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes > KEY_BYTES_MAX;
}

/**
 * The order of keys: null < booleans < numbers < bigints < strings by UTF-16 units < tuples,
 * element by element, a shorter one before those that it begins.
 */
export function compareEncodedKeys(a: string, b: string): number {
  if (!(a.charCodeAt(0) > 0 && b.charCodeAt(0) > 0)) {
    const late = sortsLate(a);
    if (late !== sortsLate(b)) return late ? 1 : -1;
  }
  return a < b ? -1 : a === b ? 0 : 1;
}

/** Tuples, and the end of all keys: what begins with "\0" but sorts after plain strings. */
function sortsLate(encoded: string): boolean {
  return encoded.charCodeAt(0) === 0 && encoded.charCodeAt(1) >= TUPLE_TAG_UNIT;
}

/** Whether the encoding stands for a tuple. */
export function isTuple(encoded: string): boolean {
  return encoded.charCodeAt(0) === 0 && encoded.charCodeAt(1) === TUPLE_TAG_UNIT;
}

/** Whether the encoding stands for a string. */
export function isStringKey(encoded: string): boolean {
  return encoded.charCodeAt(0) > 0 || encoded.startsWith(STRING_HEAD);
}

/** The keys that begin with a prefix: all from `from` to before `to`, and no others. */
export interface PrefixRange {
  /** Encoding or bound, inclusive. */
  readonly from: string;
  /** Encoding or bound, exclusive. */
  readonly to: string;
  /** For scans without an order. */
  matches(encoded: string): boolean;
}

/**
 * A tuple is a prefix of those with the same leading elements (and of itself), a string of the
 * string keys with the same leading units; "" is a prefix of all string keys, [] of all tuples.
 * @throws InvalidKeyError for prefixes of other types
 */
export function prefixRange(prefix: unknown): PrefixRange {
  if (Array.isArray(prefix)) {
    const from = encodeKey(prefix);
    return new LeadingUnits(from, from + AFTER_ALL_KEYS.charAt(1));
  }
  if (typeof prefix !== "string") {
    throw new InvalidKeyError(`prefix is ${describe(prefix)}; allowed are strings and arrays`);
  }
  const from = encodeKey(prefix);
  return prefix === "" ? new AllStrings() : new LeadingUnits(from, afterUnits(from, prefix.length));
}

class LeadingUnits implements PrefixRange {
  readonly from: string;
  readonly to: string;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  matches(encoded: string): boolean {
    return encoded.startsWith(this.from);
  }
}

class AllStrings implements PrefixRange {
  readonly from = STRING_HEAD;
  readonly to = TUPLE_HEAD;

  matches(encoded: string): boolean {
    return isStringKey(encoded);
  }
}

/** The least bound after all strings that begin so; only the last `units` may be raised. */
function afterUnits(from: string, units: number): string {
  for (let last = from.length - 1; last >= from.length - units; last--) {
    const unit = from.charCodeAt(last);
    if (unit < LAST_UNIT) return from.slice(0, last) + String.fromCharCode(unit + 1);
  }
  return TUPLE_HEAD;
}

/**
 * 32 bits, unsigned, the same on every node; all of them are well mixed. Costs about 2.3 ns a
 * unit (93 ns for 40): V8 looks up a string's shape for each `charCodeAt`, and unrolling,
 * two lanes or a copy into a buffer (115 ns) were slower. Remember it where it is used twice.
 */
export function hashKey(encoded: string): number {
  let hash = encoded.length;
  for (let index = 0; index < encoded.length; index++) {
    hash = (Math.imul(hash, 31) + encoded.charCodeAt(index)) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function tooLarge(): TooLargeError {
  return new TooLargeError(`key is over ${KEY_BYTES_MAX} bytes as it is stored`);
}

function describe(value: unknown): string {
  if (typeof value === "number" || value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "Object" ? `an object (${name})` : "an object";
}

export { checkEncodedKey, decodeKey } from "./key-decoding.ts";
