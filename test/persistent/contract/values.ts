/** Values of every sort that a store can hold, for fast-check. */
import fc from "fast-check";
import type { StoreValue } from "../../../src/persistent.ts";

/** Text that stores take: whole code points of every plane, without U+0000. */
export const storeText: fc.Arbitrary<string> = fc
  .string({ unit: "binary", maxLength: 12 })
  .map((text) => text.replaceAll("\0", "").toWellFormed());

const scalar: fc.Arbitrary<StoreValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(-0),
  storeText,
  fc.constantFrom("$bigint", "$", "\r\n", "\u{1F600}", "e\u0301", "\uFFFF"),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
  fc.uint8Array({ maxLength: 40 }),
  fc.date({ noInvalidDate: true }),
);

const name = fc.oneof(
  storeText,
  fc.constantFrom("$", "$bigint", "$bytes", "$date", "$number", "$other", "__proto__", "0", ""),
);

/** Any value that a store takes. */
export const storeValue: fc.Arbitrary<StoreValue> = fc.letrec<{ value: StoreValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map(plainObject),
  ),
})).value;

/** Members by definition: an assignment would lose "__proto__". */
function plainObject(members: readonly (readonly [string, StoreValue])[]): StoreValue {
  const made: Record<string, StoreValue> = {};
  for (const [name, value] of members) {
    Object.defineProperty(made, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}
