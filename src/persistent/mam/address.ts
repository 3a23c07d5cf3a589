/**
 * Addresses: bare ("ann@example.com") or full ("ann@example.com/phone"). They are compared byte
 * by byte: whoever hands one in has prepared it (nodeprep and the like).
 */
import { InvalidArgumentError, TooLargeError } from "../../errors.ts";

/** The most bytes of a bare address: two parts of 1,023 and the sign between them. */
export const BARE_BYTES_MAX = 2047;
/** The most bytes of a resource. */
export const RESOURCE_BYTES_MAX = 1023;

/** An address in its parts. */
export interface Address {
  readonly bare: string;
  /** "" if the address is bare. */
  readonly resource: string;
}

/**
 * Splits at the first slash, as a resource may have more of them.
 * @throws InvalidArgumentError, TooLargeError
 */
export function parseAddress(name: string, given: unknown): Address {
  if (typeof given !== "string" || given.includes("\0") || !given.isWellFormed()) {
    throw refusal(name, given);
  }
  const slash = given.indexOf("/");
  const bare = slash < 0 ? given : given.slice(0, slash);
  const resource = slash < 0 ? "" : given.slice(slash + 1);
  const isEmpty = bare === "" || bare.startsWith("@") || bare.endsWith("@");
  if (isEmpty || (slash >= 0 && resource === "")) throw refusal(name, given);
  const isLong =
    Buffer.byteLength(bare) > BARE_BYTES_MAX || Buffer.byteLength(resource) > RESOURCE_BYTES_MAX;
  if (isLong) {
    throw new TooLargeError(
      `${name} ${shown(given)} has ${Buffer.byteLength(given)} bytes; allowed are ` +
        `${BARE_BYTES_MAX} in front of the slash and ${RESOURCE_BYTES_MAX} behind it`,
    );
  }
  return { bare, resource };
}

/** The reverse of `parseAddress`. */
export function formatAddress({ bare, resource }: Address): string {
  return resource === "" ? bare : `${bare}/${resource}`;
}

function refusal(name: string, given: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `${name} is ${shown(given)}; allowed is an address such as "ann@example.com" or ` +
      '"ann@example.com/phone", without U+0000',
  );
}

function shown(given: unknown): string {
  return typeof given === "string" ? JSON.stringify(given.slice(0, 40)) : `a ${typeof given}`;
}
