/** Keys for the tests, and their order written down a second time, without any encoding. */
import * as fc from "fast-check";
import type { Key } from "../../src/tables/key.ts";

/** Any string of UTF-16 units, rich in the units that the encoding treats specially. */
export const anyText = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 6, 7, 8, 0x61, 0x62) },
      { weight: 1, arbitrary: fc.constantFrom(0x7f, 0x80, 0xff, 0x100, 0xd800, 0xdfff, 0xffff) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
    ),
    { maxLength: 12 },
  )
  .map((units) => String.fromCharCode(...units));

const anyNumber = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, -0.5, 2 ** 53, -(2 ** 53), 2 ** -1074, -(2 ** -1074)),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE),
  fc.integer(),
  fc.double({ noNaN: true }).map((value) => value + 0),
);

const anyBigint = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc.bigInt({ min: -(1n << 70n), max: 1n << 70n }),
  fc
    .tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -1, max: 1 }), fc.boolean())
    .map(([bits, by, negative]) => ((1n << BigInt(bits)) + BigInt(by)) * (negative ? -1n : 1n)),
);

const anyScalar: fc.Arbitrary<Key> = fc.oneof(
  anyText,
  anyNumber,
  anyBigint,
  fc.boolean(),
  fc.constant(null),
);

/** Any key within the limits of size and depth; never -0. */
export const anyKey: fc.Arbitrary<Key> = fc.oneof(
  { weight: 2, arbitrary: anyScalar },
  {
    weight: 3,
    arbitrary: fc
      .letrec<{ key: Key }>((tie) => ({
        key: fc.oneof(
          { depthSize: "small", maxDepth: 3, withCrossShrink: true },
          anyScalar,
          fc.array(tie("key"), { maxLength: 3 }),
        ),
      }))
      .key.chain((key) => fc.array(anyScalar, { maxLength: 3 }).map((more) => [...more, key])),
  },
);

function rank(key: Key): number {
  if (key === null) return 0;
  if (Array.isArray(key)) return 5;
  return ["boolean", "number", "bigint", "string"].indexOf(typeof key) + 1;
}

/** The promised order: null < boolean < number < bigint < string (UTF-16 units) < tuple. */
export function compareKeys(a: Key, b: Key): number {
  if (rank(a) !== rank(b)) return Math.sign(rank(a) - rank(b));
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const order = compareKeys(a[index], b[index]);
      if (order !== 0) return order;
    }
    return Math.sign(a.length - b.length);
  }
  if (typeof a === "string" && typeof b === "string") {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const order = a.charCodeAt(index) - b.charCodeAt(index);
      if (order !== 0) return Math.sign(order);
    }
    return Math.sign(a.length - b.length);
  }
  if (a === null || b === null) return 0;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a prefix leads a key, by the words of the documentation. */
export function leads(prefix: Key, key: Key): boolean {
  if (typeof prefix === "string") return typeof key === "string" && key.startsWith(prefix);
  if (!Array.isArray(prefix) || !Array.isArray(key) || key.length < prefix.length) return false;
  return compareKeys(prefix, key.slice(0, prefix.length)) === 0;
}
