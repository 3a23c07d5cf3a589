/** What is done to values after they are decoded: checked, frozen, or spelled for comparison. */
import { bytesToLatin1 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { VALUE_DEPTH_MAX } from "./value-check.ts";

/**
 * Freezes decoded plain data in depth.
 * @throws ProtocolError if there is other data in it
 */
export function freezePlain(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  checkDepth(depth);
  if (Array.isArray(value)) {
    for (const element of value) {
      if (typeof element === "object" && element !== null) freezePlain(element, depth + 1);
    }
  } else {
    if (Object.getPrototypeOf(value) !== Object.prototype) throw unexpected(value);
    for (const element of Object.values(value)) {
      if (typeof element === "object" && element !== null) freezePlain(element, depth + 1);
    }
  }
  Object.freeze(value);
}

/**
 * Checks decoded data of all kinds.
 * @throws ProtocolError if it is nested too deep or of a type that is never encoded
 */
export function checkDecoded(value: unknown, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  checkDepth(depth);
  if (Array.isArray(value) || value instanceof Set) {
    for (const element of value) checkDecoded(element, depth + 1);
  } else if (value instanceof Map) {
    for (const [key, element] of value) {
      checkDecoded(key, depth + 1);
      checkDecoded(element, depth + 1);
    }
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const element of Object.values(value)) checkDecoded(element, depth + 1);
  } else if (
    !(value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value))
  ) {
    throw unexpected(value);
  }
}

/** Whether two decoded values have the same structure, in whatever order. */
export function sameStructure(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return Number.isNaN(a) && Number.isNaN(b);
  }
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((element, index) => sameStructure(element, b[index]));
  }
  // The order of Maps and Sets is open, so that their parts have no partner to be compared with.
  if (prototype !== Object.prototype) return canonicalForm(a) === canonicalForm(b);
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  for (const name of names) {
    if (!Object.hasOwn(b, name)) return false;
    if (!sameStructure(Reflect.get(a, name), Reflect.get(b, name))) return false;
  }
  return true;
}

/**
 * The same string for values of the same structure, whatever the order of properties, entries and
 * elements of Sets; different strings for others.
 */
function canonicalForm(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalForm).join()}]`;
  if (value instanceof Set) return `Set(${Array.from(value, canonicalForm).sort().join()})`;
  if (value instanceof Map) {
    const entries = Array.from(value, ([k, v]) => `${canonicalForm(k)}:${canonicalForm(v)}`);
    return `Map(${entries.sort().join()})`;
  }
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `${value.constructor.name}(${JSON.stringify(bytesToLatin1(bytes))})`;
  }
  if (value instanceof ArrayBuffer) {
    return `ArrayBuffer(${JSON.stringify(bytesToLatin1(new Uint8Array(value)))})`;
  }
  const properties = Object.entries(value).map(
    ([k, v]) => `${JSON.stringify(k)}:${canonicalForm(v)}`,
  );
  return `{${properties.sort().join()}}`;
}

function checkDepth(depth: number): void {
  if (depth >= VALUE_DEPTH_MAX) throw new ProtocolError("ill-formed value: nested too deep");
}

function unexpected(value: object): ProtocolError {
  return new ProtocolError(`ill-formed value: holds ${Object.prototype.toString.call(value)}`);
}
