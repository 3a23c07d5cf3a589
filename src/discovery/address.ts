/** What every backend asks of an address. Its form is the transport's business. */

/** Longest address, in UTF-16 units. */
export const ADDRESS_LENGTH_MAX = 1024;
/** Most addresses in one answer. */
export const ADDRESSES_MAX = 10_000;

/** Says what is wrong with an address; undefined if it may be dialled. */
export function addressFault(address: unknown): string | undefined {
  if (typeof address !== "string") return `is of type ${typeof address}, allowed is a string`;
  if (address.length === 0) return "is empty";
  if (address.length > ADDRESS_LENGTH_MAX) {
    return `has ${address.length} characters, at most ${ADDRESS_LENGTH_MAX}`;
  }
  if (/[\s\p{Cc}\p{Cs}]/u.test(address)) {
    return "has white space, a control character or half a surrogate pair in it";
  }
  return undefined;
}
