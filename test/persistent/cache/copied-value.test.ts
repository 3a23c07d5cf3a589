/** Each copy is the value, and shares nothing with any other copy. */
import { deepStrictEqual, notStrictEqual } from "node:assert";
import fc from "fast-check";
import { expect, it } from "vitest";
import { copiedValue } from "../../../src/persistent/cache/copied-value.ts";
import { decodeValue } from "../../../src/persistent/contract/decode-value.ts";
import { encodeValue } from "../../../src/persistent/contract/encode-value.ts";
import { storeValue } from "../contract/values.ts";

it("gives copies that are the value, for values of every sort", () => {
  fc.assert(
    fc.property(storeValue, (value) => {
      const text = encodeValue(value);
      const copied = copiedValue(decodeValue(text));
      const first = copied.copy();
      deepStrictEqual(first, decodeValue(text));
      spoil(first);
      deepStrictEqual(copied.copy(), decodeValue(text));
    }),
    { numRuns: 1000 },
  );
});

it("has a member __proto__ as a member, flat or not", () => {
  for (const text of ['{"__proto__":1,"a":2}', '{"__proto__":{"polluted":true},"a":{"b":1}}']) {
    const copy = copiedValue(JSON.parse(text)).copy();
    expect(JSON.stringify(copy)).toBe(text);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  }
});

it("shares bytes, dates and lists with no other copy", () => {
  const copied = copiedValue({
    bytes: new Uint8Array([1]),
    at: new Date(5),
    list: [[1], { a: 1 }],
  });
  const [one, other] = [copied.copy(), copied.copy()];
  for (const name of ["bytes", "at", "list"]) {
    notStrictEqual(Reflect.get(Object(one), name), Reflect.get(Object(other), name));
  }
});

/** Changes all that can be changed inside of a value. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Uint8Array) value.fill(7);
  else if (value instanceof Date) value.setTime(1);
  else {
    for (const name of Object.keys(value)) {
      spoil(Reflect.get(value, name));
      Reflect.set(value, name, "spoilt");
    }
    if (Array.isArray(value)) value.push("spoilt");
    else Object.defineProperty(value, "spoilt", { value: 1, enumerable: true });
  }
}
