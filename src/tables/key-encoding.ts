/** From keys to their encodings; key-format.ts says how these look. */
import { InvalidKeyError, TooLargeError } from "../errors.ts";
import {
  describeNonKey,
  exceedsKeyBytes,
  KEY_BYTES_MAX,
  KEY_DEPTH_MAX,
  KEY_TAGS,
  STRING_HEAD,
  TUPLE_HEAD,
} from "./key-format.ts";

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
  throw new InvalidKeyError(`${where} is ${describeNonKey(value)}; ${ALLOWED}`);
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

function tooLarge(): TooLargeError {
  return new TooLargeError(`key is over ${KEY_BYTES_MAX} bytes as it is stored`);
}
