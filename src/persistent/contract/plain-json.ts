/**
 * Which values JSON keeps as they are: most of them, so that they need no walk that remembers
 * where it is, and no copy. What is not found plain here is looked at by encode-value.ts.
 */
import { STORE_VALUE_DEPTH_MAX } from "./store-value.ts";

const NOT_PLAIN = -1;

/**
 * Whether JSON.stringify and JSON.parse give it back as it was, as far as its types go: texts are
 * not looked into. False as well if its text has more than `bytesMax` bytes for certain.
 */
export function isPlainJson(value: unknown, bytesMax: number): boolean {
  return leftAfter(value, 0, bytesMax) >= 0;
}

/** What is left of the bytes after this part: a bound for parts that are shared over and over. */
function leftAfter(value: unknown, depth: number, left: number): number {
  switch (typeof value) {
    case "string":
      return left - value.length - 1;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? left - 1 : NOT_PLAIN;
    case "boolean":
      return left - 1;
    case "object":
      return value === null ? left - 1 : leftAfterObject(value, depth + 1, left - 1);
    default:
      return NOT_PLAIN;
  }
}

function leftAfterObject(value: object, depth: number, bytes: number): number {
  if (depth > STORE_VALUE_DEPTH_MAX) return NOT_PLAIN;
  const names = Object.keys(value);
  let left = bytes;
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype) return NOT_PLAIN;
    if (names.length !== value.length) return NOT_PLAIN;
    for (let index = 0; index < value.length && left >= 0; index++) {
      left = leftAfter(value[index], depth, left);
    }
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return NOT_PLAIN;
    if (names.length === 1 && names[0]?.startsWith("$")) return NOT_PLAIN;
    for (let index = 0; index < names.length && left >= 0; index++) {
      const name = names[index] ?? "";
      left = leftAfter(Reflect.get(value, name), depth, left - name.length);
    }
  }
  return Object.getOwnPropertySymbols(value).length === 0 ? left : NOT_PLAIN;
}
