/**
 * What the rest needs of keys: encoding and decoding, order, prefixes and a hash. How encodings
 * look, and why, is in key-format.ts.
 */
import { InvalidKeyError } from "../errors.ts";
import { encodeKey } from "./key-encoding.ts";
import { AFTER_ALL_KEYS, describeNonKey, STRING_HEAD, TUPLE_HEAD } from "./key-format.ts";

export { checkEncodedKey, decodeKey } from "./key-decoding.ts";
export { encodeKey } from "./key-encoding.ts";
export { AFTER_ALL_KEYS, KEY_BYTES_MAX, KEY_DEPTH_MAX, type Key } from "./key-format.ts";

const TUPLE_TAG_UNIT = 7;
const LAST_UNIT = 0xffff;

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
export function sortsLate(encoded: string): boolean {
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
    throw new InvalidKeyError(
      `prefix is ${describeNonKey(prefix)}; allowed are strings and arrays`,
    );
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
    hash = (Math.imul(hash, 0x9e3779b1) + encoded.charCodeAt(index)) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
