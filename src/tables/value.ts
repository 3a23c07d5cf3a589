/**
 * Values as they are stored and sent: a string with a code unit for each byte, which is compact
 * on the heap and cannot change. Its first unit says the form, the rest is MessagePack.
 *
 * "p": plain data (null, booleans, numbers, strings, bigints, undefined, objects, arrays), which
 * is frozen when it is decoded, so that readers can share it. "r": holds a Map, Set, Date
 * or binary data somewhere; these cannot be frozen, so that each reader gets its own. Its
 * objects are MessagePack records, to be told from Maps. All other forms are reserved.
 */
import { InvalidValueError, ProtocolError, SkeinError } from "../errors.ts";
import { tooLarge, VALUE_BYTES_MAX, ValueCheck } from "./value-check.ts";
import { pack, unpack } from "./value-codec.ts";
import { checkDecoded, freezePlain, sameStructure } from "./value-form.ts";
import { scanPlain } from "./value-scan.ts";

export { VALUE_BYTES_MAX, VALUE_DEPTH_MAX } from "./value-check.ts";

const PLAIN_UNIT = "p".charCodeAt(0);
const RICH_UNIT = "r".charCodeAt(0);

/**
 * Checks a value and encodes it. Prototypes of null become `Object.prototype`, -0 becomes 0,
 * accessors become what they return, and what is shared within the value comes apart.
 * @throws InvalidValueError for what would be altered, TooLargeError over 1 MiB
 */
export function encodeValue(value: unknown): string {
  try {
    const check = new ValueCheck();
    check.run(value);
    const encoded = pack(check.rich ? RICH_UNIT : PLAIN_UNIT, check.rich, value);
    if (encoded.length > VALUE_BYTES_MAX + 1) throw tooLarge();
    return encoded;
  } catch (error) {
    if (error instanceof SkeinError) throw error;
    throw new InvalidValueError("value could not be read; see the cause", { cause: error });
  }
}

/**
 * Checks what came from a peer: what passes here decodes.
 * @throws ProtocolError
 */
export function checkEncodedValue(encoded: string): void {
  checkForm(encoded);
  if (isShareable(encoded)) scanPlain(encoded);
  else decodeValue(encoded);
}

/**
 * The value: plain data frozen in depth, other data made anew by each call.
 * @throws ProtocolError for bytes that `encodeValue` does not make
 */
export function decodeValue(encoded: string): unknown {
  checkForm(encoded);
  const plain = isShareable(encoded);
  try {
    const value = unpack(!plain, encoded);
    if (plain) freezePlain(value);
    else checkDecoded(value);
    return value;
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError("ill-formed value", { cause: error });
  }
}

/** Whether readers may share the decoded value, since it is frozen. */
export function isShareable(encoded: string): boolean {
  return encoded.charCodeAt(0) === PLAIN_UNIT;
}

/**
 * Whether two encoded values have the same structure; the order of properties, of Map entries
 * and of Set elements does not matter.
 * @throws ProtocolError
 */
export function valuesEqual(a: string, b: string): boolean {
  return a === b || sameStructure(decodeValue(a), decodeValue(b));
}

function checkForm(encoded: string): void {
  const form = encoded.charCodeAt(0);
  if (form !== PLAIN_UNIT && form !== RICH_UNIT) throw illFormed("unknown form");
  if (encoded.length > VALUE_BYTES_MAX + 1) throw illFormed(`over ${VALUE_BYTES_MAX} bytes`);
}

function illFormed(why: string): ProtocolError {
  return new ProtocolError(`ill-formed value: ${why}`);
}
