import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeKey, encodeKey, type Key } from "../../src/tables/key.ts";
import { SecondaryIndex } from "../../src/tables/secondary-index.ts";

const itself = (value: unknown) => value as Key | undefined;

function found(index: SecondaryIndex, indexValue: Key): string[] {
  return [...index.find(encodeKey(indexValue))].sort();
}

describe("SecondaryIndex", () => {
  test("finds and counts what a plain list of pairs has", () => {
    const change = fc.tuple(
      fc.boolean(),
      fc.constantFrom("a", "b", "c", "d", "e"),
      fc.constantFrom<(Key | undefined)[]>("x", "y", 1, 1n, null, ["x", 1], undefined),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const index = new SecondaryIndex("user", itself);
        const pairs = new Map<string, { key: string; value: Key }>();
        for (const [adds, key, value] of changes) {
          const pair = `${key}/${value === undefined ? "" : encodeKey(value)}`;
          if (adds) {
            index.add(key, value);
            if (value !== undefined) pairs.set(pair, { key, value });
          } else if (value === undefined || pairs.delete(pair)) {
            index.remove(key, value);
          }
        }
        const counts = new Map<string, number>();
        for (const { value } of pairs.values()) {
          const encoded = encodeKey(value);
          counts.set(encoded, (counts.get(encoded) ?? 0) + 1);
        }
        for (const value of ["x", "y", 1, 1n, null, ["x", 1], "z"]) {
          const keys = [...pairs.values()].filter((p) => encodeKey(p.value) === encodeKey(value));
          expect(found(index, value)).toEqual(keys.map((p) => p.key).sort());
          expect(index.count(encodeKey(value))).toBe(keys.length);
        }
        expect(new Map(index.countBy())).toEqual(counts);
        expect(index.size).toBe(counts.size);
        expect(index.errors).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("a function that throws or returns no key is counted, and its rows are left out", () => {
    const index = new SecondaryIndex(
      "user",
      (value) => (value as { user: { name: Key } }).user.name,
    );
    index.add("a", { user: { name: "alice" } });
    index.add("b", {});
    index.add("c", null);
    index.add("d", { user: { name: Number.NaN } });
    index.add("e", { user: { name: Promise.resolve() as never } });
    index.add("f", { user: { name: undefined } });
    expect(index.errors).toBe(4);
    expect(found(index, "alice")).toEqual(["a"]);
    expect(index.size).toBe(1);
    index.remove("b", {});
    expect(index.errors).toBe(5);
  });

  test("a function that changes its answer is counted and breaks nothing", () => {
    let answer = "x";
    const index = new SecondaryIndex("moody", () => answer);
    for (const key of ["a", "b", "c"]) index.add(key, 0);
    answer = "y";
    index.remove("a", 0);
    index.add("a", 0);
    index.remove("b", 0);
    answer = "x";
    index.remove("d", 0);
    expect(index.errors).toBe(3);
    expect(found(index, "y")).toEqual(["a"]);
  });

  test("tens of thousands of keys under one value are found, counted and removed", () => {
    const index = new SecondaryIndex("active", itself);
    const total = 30_000;
    for (let key = 0; key < total; key++) index.add(encodeKey(key), true);
    expect(index.count(encodeKey(true))).toBe(total);
    const keys = new Set(index.find(encodeKey(true)));
    expect(keys.size).toBe(total);
    for (let key = 0; key < total; key++) index.remove(encodeKey(key), true);
    expect([index.count(encodeKey(true)), index.size, index.errors]).toEqual([0, 0, 0]);
  });

  test.each([2, 100, 4096, 4097, 5000])(
    "a search under way over %i keys meets all that stays once, and nothing removed",
    (total) => {
      const index = new SecondaryIndex("active", itself);
      for (let key = 0; key < total; key++) index.add(encodeKey(key), true);
      const seen = new Set<Key>();
      const removed = new Set<Key>();
      let next = total;
      for (const encoded of index.find(encodeKey(true))) {
        const key = decodeKey(encoded);
        expect(removed.has(key)).toBe(false);
        expect(seen.has(key)).toBe(false);
        seen.add(key);
        const gone = total - 1 - seen.size * 2;
        if (gone >= 0 && !seen.has(gone)) {
          index.remove(encodeKey(gone), true);
          removed.add(gone);
        }
        // Up to here keys are added faster than they go, so that small sets grow large meanwhile.
        if (next < total + 6000) index.add(encodeKey(next++), true);
        if (next < total + 6000) index.add(encodeKey(next++), true);
      }
      for (let key = 0; key < total; key++) expect(seen.has(key) || removed.has(key)).toBe(true);
      expect(index.errors).toBe(0);
    },
  );

  test("a search that began before a set grew large goes on over the same keys", () => {
    const index = new SecondaryIndex("active", itself);
    for (let key = 0; key < 4000; key++) index.add(encodeKey(key), true);
    const search = index.find(encodeKey(true));
    const seen = [search.next().value, search.next().value];
    for (let key = 4000; key < 5000; key++) index.add(encodeKey(key), true);
    index.remove(encodeKey(2000), true);
    index.remove(encodeKey(4500), true);
    const all = [...seen, ...search];
    expect(all).toHaveLength(4998);
    expect(new Set(all).size).toBe(4998);
    expect(all).not.toContain(encodeKey(2000));
    expect(all).not.toContain(encodeKey(4500));
  });

  test("clear leaves nothing", () => {
    const index = new SecondaryIndex("user", itself);
    index.add("a", 1);
    index.clear();
    expect([index.size, ...index.find(encodeKey(1))]).toEqual([0]);
    expect(index.name).toBe("user");
  });
});
