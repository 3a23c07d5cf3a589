/**
 * What stores are given, checked before anything is asked of a back end. Sizes are in bytes of
 * UTF-8; messages say what was given, shortened, and what is allowed.
 */
import { InvalidArgumentError, InvalidKeyError, TooLargeError } from "../../errors.ts";
import {
  ARCHIVE_BATCH_MAX,
  ARCHIVE_LIMIT_MAX,
  type ArchiveFilter,
  type ArchiveQuery,
  WHEN_MAX,
} from "./archive-query.ts";

/** The most bytes of a host's name. */
export const HOST_BYTES_MAX = 255;
/** The most bytes of a user's name, of a key and of `with`. */
export const KEY_BYTES_MAX = 1023;
/** The most keys of one `setKeys` or of one `set` of all values. */
export const CHANGES_MAX = 10_000;
/** The longest time for one call, ms: a day. */
const TIMEOUT_MS_MAX = 86_400_000;

const STORE_NAME = /^[a-z][a-z0-9_.:-]{0,99}$/;
const SHOWN_MAX = 40;
const FILTERS = ["key", "keys", "with", "start", "end", "before", "after"];
const QUERIES = [...FILTERS, "limit", "reverse", "total"];

/** @throws InvalidArgumentError, TooLargeError */
export function checkHost(host: unknown): asserts host is string {
  checkText("host", host, { min: 1, max: HOST_BYTES_MAX, Fault: InvalidArgumentError });
}

/** @throws InvalidArgumentError */
export function checkStoreName(name: unknown): asserts name is string {
  if (typeof name === "string" && STORE_NAME.test(name)) return;
  throw new InvalidArgumentError(
    `name of a store is ${shown(name)}; allowed are 1 to 100 of a-z, 0-9, "_", ".", ":" and "-", ` +
      "a letter first",
  );
}

/**
 * The user as drivers know it: "" for null.
 * @throws InvalidArgumentError, TooLargeError
 */
export function checkUser(user: unknown): string {
  if (user === null) return "";
  checkText("user", user, { min: 1, max: KEY_BYTES_MAX, Fault: InvalidArgumentError, or: "null" });
  return user;
}

/** @throws InvalidKeyError, TooLargeError */
export function checkKey(key: unknown): asserts key is string {
  checkText("key", key, { min: 1, max: KEY_BYTES_MAX, Fault: InvalidKeyError });
}

/** @throws InvalidArgumentError, TooLargeError */
export function checkWith(peer: unknown): asserts peer is string {
  checkText("with", peer, { min: 0, max: KEY_BYTES_MAX, Fault: InvalidArgumentError });
}

/** @throws InvalidArgumentError */
export function checkWhen(name: string, when: unknown): asserts when is bigint {
  if (typeof when === "bigint" && when >= 0n && when <= WHEN_MAX) return;
  throw new InvalidArgumentError(
    `${name} is ${shown(when)}; allowed is a bigint, µs since 1970, from 0 to ${WHEN_MAX}`,
  );
}

/** @throws InvalidArgumentError */
export function checkCount(name: string, count: unknown, max: number): asserts count is number {
  if (Number.isInteger(count) && Number(count) >= 0 && Number(count) <= max) return;
  throw new InvalidArgumentError(
    `${name} is ${shown(count)}; allowed are integers from 0 to ${max}`,
  );
}

/** @throws InvalidArgumentError */
export function checkTimeout(timeoutMs: unknown): asserts timeoutMs is number {
  const given = typeof timeoutMs === "number" ? timeoutMs : Number.NaN;
  if (given > 0 && given <= TIMEOUT_MS_MAX) return;
  throw new InvalidArgumentError(
    `timeoutMs is ${shown(timeoutMs)}; allowed are numbers above 0, up to ${TIMEOUT_MS_MAX}`,
  );
}

/** @throws InvalidArgumentError, InvalidKeyError, TooLargeError */
export function checkFilter(given: unknown): asserts given is ArchiveFilter {
  checkParts("filter", given, FILTERS);
}

/** @throws InvalidArgumentError, InvalidKeyError, TooLargeError */
export function checkQuery(given: unknown): asserts given is ArchiveQuery {
  checkParts("query", given, QUERIES);
}

function checkParts(what: string, given: unknown, allowed: readonly string[]): void {
  if (typeof given !== "object" || given === null) {
    throw new InvalidArgumentError(`${what} is ${shown(given)}; allowed is an object`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (!allowed.includes(name)) {
      throw new InvalidArgumentError(
        `${what} has the unknown member "${name}"; known are ${allowed.join(", ")}`,
      );
    }
    if (value !== undefined) checkPart(name, value);
  }
}

function checkPart(name: string, value: unknown): void {
  switch (name) {
    case "keys":
      return checkKeys(value);
    case "with":
      return checkWith(value);
    case "start":
    case "end":
      return checkWhen(name, value);
    case "limit":
      return checkCount(name, value, ARCHIVE_LIMIT_MAX);
    case "reverse":
    case "total":
      if (typeof value === "boolean") return;
      throw new InvalidArgumentError(`${name} is ${shown(value)}; allowed are true and false`);
    default:
      return checkKey(value);
  }
}

function checkKeys(keys: unknown): void {
  if (!Array.isArray(keys)) {
    throw new InvalidArgumentError(`keys is ${shown(keys)}; allowed is an array of keys`);
  }
  if (keys.length > ARCHIVE_BATCH_MAX) {
    throw new TooLargeError(`${keys.length} keys in a filter; at most ${ARCHIVE_BATCH_MAX}`);
  }
  for (const key of keys) checkKey(key);
}

interface TextRule {
  readonly min: number;
  readonly max: number;
  readonly Fault: new (message: string) => Error;
  readonly or?: string;
}

function checkText(name: string, text: unknown, rule: TextRule): asserts text is string {
  // Nearly all of them: a unit of UTF-16 takes three bytes at most.
  if (typeof text === "string" && text.length >= rule.min && text.length * 3 <= rule.max) {
    if (!text.includes("\0") && text.isWellFormed()) return;
  }
  const allowed =
    `allowed is a string of ${rule.min} to ${rule.max} bytes of UTF-8 without U+0000` +
    (rule.or === undefined ? "" : ` or ${rule.or}`);
  if (typeof text !== "string" || text.includes("\0") || !text.isWellFormed()) {
    throw new rule.Fault(`${name} is ${shown(text)}; ${allowed}`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > rule.max) {
    throw new TooLargeError(`${name} ${shown(text)} has ${bytes} bytes; ${allowed}`);
  }
  if (bytes < rule.min) throw new rule.Fault(`${name} is empty; ${allowed}`);
}

/** What was given, short enough for a message. */
function shown(given: unknown): string {
  if (typeof given === "string") {
    const cut = given.length > SHOWN_MAX ? `${given.slice(0, SHOWN_MAX)}…` : given;
    return JSON.stringify(cut);
  }
  if (typeof given === "object" && given !== null)
    return Array.isArray(given) ? "an array" : "an object";
  if (typeof given === "function") return "a function";
  return typeof given === "bigint" ? `${given}n` : String(given);
}
