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

/** How the encodings of escaped strings begin. */
export const STRING_HEAD = `\0${KEY_TAGS.string}`;
/** How the encodings of tuples begin. */
export const TUPLE_HEAD = `\0${KEY_TAGS.tuple}`;

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

/** A value that is no key, in a few words for an error. */
export function describeNonKey(value: unknown): string {
  if (typeof value === "number" || value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "Object" ? `an object (${name})` : "an object";
}
