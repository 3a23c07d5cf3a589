/** What a store can hold. */

/**
 * A value that comes back as it was: JSON's types, and bigints, bytes and dates anywhere inside.
 * Refused: undefined inside, NaN and infinities, strings with U+0000 or lone surrogates, functions,
 * class instances, holes, cycles. A Buffer comes back as a plain Uint8Array.
 */
export type StoreValue =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | Date
  | readonly StoreValue[]
  | { readonly [name: string]: StoreValue };

/** How deep a value may be nested; scalars have depth 0. */
export const STORE_VALUE_DEPTH_MAX = 64;

/** The most bytes of a value as it is stored (JSON in UTF-8), unless told otherwise: 16 MiB. */
export const STORE_VALUE_BYTES_MAX = 16 * 1024 * 1024;
