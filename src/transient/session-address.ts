/** Addresses of sessions, and their check. */
import { InvalidArgumentError } from "../errors.ts";

/** One session: domain, user, resource. Compared as given: normalise before. */
export type FullAddress = readonly [domain: string, user: string, resource: string];

/** All sessions of one user: domain, user. */
export type BareAddress = readonly [domain: string, user: string];

const NAMES = ["domain", "user", "resource"];

/** @throws InvalidArgumentError unless it is domain, user and resource, none of them empty */
export function checkFullAddress(address: unknown): asserts address is FullAddress {
  checkAddress(address, 3);
}

/** @throws InvalidArgumentError unless it is domain and user, neither empty */
export function checkBareAddress(address: unknown): asserts address is BareAddress {
  checkAddress(address, 2);
}

function checkAddress(address: unknown, parts: number): void {
  const isRight =
    Array.isArray(address) &&
    address.length === parts &&
    address.every((part) => typeof part === "string" && part !== "");
  if (isRight) return;
  const given = JSON.stringify(address) ?? String(address);
  const names = NAMES.slice(0, parts).join(", ");
  throw new InvalidArgumentError(`address is ${given}, allowed is [${names}], none of them empty`);
}
