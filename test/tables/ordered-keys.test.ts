import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError, InvalidKeyError } from "../../src/errors.ts";
import { decodeKey, encodeKey, type Key } from "../../src/tables/key.ts";
import { OrderedKeys, type ScanRange } from "../../src/tables/ordered-keys.ts";
import { anyKey, compareKeys, leads } from "./keys.ts";

const smallKey: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom<Key[]>("", "a", "a\0", "aa", "ab", "b", "\0", "\uffff", 0, 1, 2n, true, null),
  fc.array(fc.constantFrom<Key[]>("a", "b", "a\0", 1, null, ["a"]), { maxLength: 3 }),
  anyKey,
);

const range: fc.Arbitrary<ScanRange> = fc.oneof(
  fc.record(
    { from: smallKey, to: smallKey, limit: fc.nat({ max: 12 }), reverse: fc.boolean() },
    { requiredKeys: [] },
  ),
  fc.record(
    {
      prefix: smallKey.filter((key) => typeof key === "string" || Array.isArray(key)),
      limit: fc.nat({ max: 12 }),
      reverse: fc.boolean(),
    },
    { requiredKeys: ["prefix"] },
  ),
);

function inRange(key: Key, { prefix, from, to }: ScanRange): boolean {
  if (prefix !== undefined) return leads(prefix, key);
  if (from !== undefined && compareKeys(key, from) < 0) return false;
  return to === undefined || compareKeys(key, to) < 0;
}

function holding(keys: readonly Key[]): OrderedKeys {
  const ordered = new OrderedKeys();
  for (const key of keys) ordered.add(encodeKey(key));
  return ordered;
}

const scanned = (ordered: OrderedKeys, where?: ScanRange) =>
  Array.from(ordered.scan(where), decodeKey);

describe("OrderedKeys", () => {
  test("scans what sorting and filtering an array gives", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(smallKey, { maxLength: 40, size: "max" }), range, (keys, where) => {
        const ordered = holding(keys);
        const distinct = new Map(keys.map((key) => [encodeKey(key), key]));
        const expected = [...distinct.values()].sort(compareKeys).filter((k) => inRange(k, where));
        if (where.reverse) expected.reverse();
        expect(scanned(ordered, where)).toStrictEqual(expected.slice(0, where.limit));
        expect(ordered.size).toBe(distinct.size);
        found += expected.length;
      }),
      { numRuns: 600 },
    );
    expect(found).toBeGreaterThan(1000);
  });

  test("add and delete say whether they changed something", () => {
    const ordered = new OrderedKeys();
    expect([ordered.add("a"), ordered.add("a"), ordered.has("a")]).toEqual([true, false, true]);
    expect([ordered.delete("a"), ordered.delete("a"), ordered.has("a")]).toEqual([
      true,
      false,
      false,
    ]);
    expect(scanned(ordered, { reverse: true })).toEqual([]);
    ordered.add("b");
    ordered.clear();
    expect(ordered.size).toBe(0);
  });

  test("from is inclusive and to is not, in both directions", () => {
    const ordered = holding(["a", "b", "c", "d"]);
    expect(scanned(ordered, { from: "b", to: "d" })).toEqual(["b", "c"]);
    expect(scanned(ordered, { from: "b", to: "d", reverse: true })).toEqual(["c", "b"]);
    expect(scanned(ordered, { from: "d", to: "b" })).toEqual([]);
    expect(scanned(ordered, { from: "aa", to: "cc", limit: 1, reverse: true })).toEqual(["c"]);
  });

  test("null is a key to start from, not the absence of one", () => {
    const ordered = holding([null, 1]);
    expect(scanned(ordered, { to: null })).toEqual([]);
    expect(scanned(ordered, { from: null })).toEqual([null, 1]);
  });

  test("a scan meets all that stays, in order and once, while keys come and go", () => {
    const change = fc.tuple(fc.boolean(), fc.nat({ max: 400 }));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 400 }), { minLength: 80, maxLength: 300 }),
        fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 300 }),
        fc.boolean(),
        (initial, changes, reverse) => {
          const ordered = holding(initial);
          const staying = new Set(initial);
          const seen: number[] = [];
          for (const encoded of ordered.scan({ from: 10, to: 390, reverse })) {
            expect(ordered.has(encoded)).toBe(true);
            seen.push(decodeKey(encoded) as number);
            for (const [adds, key] of changes[seen.length] ?? []) {
              if (adds) ordered.add(encodeKey(key));
              else if (ordered.delete(encodeKey(key))) staying.delete(key);
            }
          }
          const sign = reverse ? -1 : 1;
          for (let at = 1; at < seen.length; at++) {
            expect(sign * ((seen[at] ?? 0) - (seen[at - 1] ?? 0))).toBeGreaterThan(0);
          }
          for (const key of staying) {
            if (key >= 10 && key < 390) expect(seen).toContain(key);
          }
          for (const key of seen) expect(key >= 10 && key < 390).toBe(true);
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test.each([false, true])("a scan ends when the tree is emptied (reverse %s)", (reverse) => {
    const ordered = holding(Array.from({ length: 100 }, (_, index) => index));
    const scan = ordered.scan({ reverse });
    expect(scan.next().done).toBe(false);
    ordered.clear();
    expect(scan.next().done).toBe(true);
  });

  test("a scan goes on after the tree was emptied and filled again", () => {
    const ordered = holding([1, 2, 3]);
    const scan = ordered.scan();
    expect(scan.next().value).toBe(encodeKey(1));
    ordered.clear();
    for (const key of [1, 2, 5]) ordered.add(encodeKey(key));
    expect(Array.from(scan, decodeKey)).toEqual([2, 5]);
    ordered.add(encodeKey(9));
    expect(scan.next().done).toBe(true);
  });

  test.each([false, true])(
    "adding keys that are there does not disturb a scan (reverse %s)",
    (reverse) => {
      // Eighty keys, so that the nodes of the tree are full and adding moves keys between them.
      const keys = Array.from({ length: 80 }, (_, index) => (index * 37) % 80);
      const ordered = holding(keys);
      const seen: Key[] = [];
      for (const encoded of ordered.scan({ reverse })) {
        seen.push(decodeKey(encoded));
        for (const key of keys) ordered.add(encodeKey(key));
      }
      const sorted = keys.toSorted(compareKeys);
      expect(seen).toEqual(reverse ? sorted.reverse() : sorted);
    },
  );

  test("keys added behind a scan's place do not come, those ahead of it do", () => {
    const ordered = holding(["b", "d"]);
    const scan = ordered.scan({ limit: 3 });
    scan.next();
    ordered.add("a");
    ordered.add("c");
    expect(Array.from(scan)).toEqual(["c", "d"]);
  });

  test("what is wrong with a range is said before the scan", () => {
    const ordered = holding(["a"]);
    for (const limit of [-1, 1.5, Number.NaN]) {
      expect(() => ordered.scan({ limit })).toThrow(InvalidArgumentError);
    }
    expect(() => ordered.scan({ prefix: "a", from: "b" })).toThrow(InvalidArgumentError);
    expect(() => ordered.scan({ prefix: "a", to: "b" })).toThrow(InvalidArgumentError);
    expect(() => ordered.scan({ prefix: 1 })).toThrow(InvalidKeyError);
    expect(() => ordered.scan({ from: Number.NaN })).toThrow(InvalidKeyError);
    expect(() => ordered.scan({ to: {} as never })).toThrow(InvalidKeyError);
    expect(scanned(ordered, { limit: Number.POSITIVE_INFINITY })).toEqual(["a"]);
  });
});
