import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeKey } from "../../src/tables/key.ts";
import { SHARDS, ShardedMap, shardOf } from "../../src/tables/sharded-map.ts";

type Step = readonly ["set" | "delete" | "get" | "clear", number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 50, arbitrary: fc.constant("set" as const) },
    { weight: 30, arbitrary: fc.constant("delete" as const) },
    { weight: 20, arbitrary: fc.constant("get" as const) },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
  ),
  fc.nat({ max: 60 }),
);

const keyOf = (index: number) => encodeKey(index % 2 === 0 ? index : `row-${index}`);

describe("ShardedMap", () => {
  test("does what a Map does", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const rows = new ShardedMap<number>();
        const oracle = new Map<string, number>();
        let count = 0;
        for (const [what, index] of steps) {
          const key = keyOf(index);
          if (what === "set") {
            rows.set(key, ++count);
            oracle.set(key, count);
          } else if (what === "delete") {
            expect(rows.delete(key)).toBe(oracle.delete(key));
          } else if (what === "clear") {
            rows.clear();
            oracle.clear();
          }
          expect(rows.get(key)).toBe(oracle.get(key));
          expect(rows.has(key)).toBe(oracle.has(key));
          expect(rows.size).toBe(oracle.size);
        }
        expect(new Map(rows.entries())).toEqual(oracle);
        expect([...rows.keys()].sort()).toEqual([...oracle.keys()].sort());
        expect([...rows.values()].sort()).toEqual([...oracle.values()].sort());
      }),
      { numRuns: 300 },
    );
  });

  test("spreads keys that differ in few units evenly over its shards", () => {
    const user = (at: number): string => `user${String(at).padStart(8, "0")}`;
    const kinds: readonly ((at: number) => string)[] = [
      (at) => encodeKey(at),
      (at) => `${user(at)}@example.com/phone0`,
      (at) => encodeKey(["example.com", user(at), "phone0"]),
      (at) => encodeKey(["a-domain-of-some-length.example.com", user(at), "a-resource-of-length"]),
    ];
    const count = 100_000;
    for (const kind of kinds) {
      const filled = new Array<number>(SHARDS).fill(0);
      for (let at = 0; at < count; at++) {
        const shard = shardOf(kind(at));
        filled[shard] = (filled[shard] ?? 0) + 1;
      }
      expect(Math.max(...filled), kind(0)).toBeLessThan((2 * count) / SHARDS);
    }
  });

  test("iterates exactly once over what stays, while all else changes", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1, maxLength: 120 }),
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 150 }),
        (initial, changes) => {
          const rows = new ShardedMap<string>();
          for (const index of initial) rows.set(keyOf(index), keyOf(index));
          const staying = new Set(initial.map(keyOf));
          const iterator = rows.values();
          const seen: string[] = [];
          for (let turn = 0; ; turn++) {
            const result = iterator.next();
            if (result.done) break;
            expect(rows.has(result.value)).toBe(true);
            seen.push(result.value);
            for (const [what, index] of changes[turn] ?? []) {
              const key = keyOf(index);
              if (what === "set") rows.set(key, key);
              if (what === "delete" && rows.delete(key)) staying.delete(key);
              if (what === "clear") {
                rows.clear();
                staying.clear();
              }
            }
          }
          const counts = new Map<string, number>();
          for (const key of seen) counts.set(key, (counts.get(key) ?? 0) + 1);
          for (const key of staying) expect(counts.get(key)).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an iterator ends when the map is cleared", () => {
    const rows = new ShardedMap<number>();
    for (let index = 0; index < 5000; index++) rows.set(keyOf(index), index);
    const iterators = [rows.keys(), rows.values(), rows.entries()];
    for (const iterator of iterators) expect(iterator.next().done).toBe(false);
    rows.clear();
    for (const iterator of iterators) expect(iterator.next().done).toBe(true);
  });

  test("an iterator that ends stays at its end", () => {
    const rows = new ShardedMap<number>();
    rows.set("a", 1);
    const iterator = rows.values();
    expect([...iterator]).toEqual([1]);
    rows.set("b", 2);
    expect(iterator.next().done).toBe(true);
  });

  test("a loop that breaks off ends its iterator", () => {
    const rows = new ShardedMap<number>();
    for (let index = 0; index < 10; index++) rows.set(keyOf(index), index);
    const iterator = rows.keys();
    for (const _key of iterator) break;
    expect(iterator.next().done).toBe(true);
  });

  test.each<[string, (index: number) => unknown]>([
    ["numbered strings", (index) => `user-${index}@example.com`],
    ["numbers", (index) => index],
    ["bigints", (index) => BigInt(index) * 1_000_000_007n],
    ["tuples that differ in the middle", (index) => ["example.com", `user${index}`, "phone"]],
    [
      "long keys with a number in the middle",
      (i) => `${"a".repeat(40)}${1e6 + i}${"b".repeat(40)}`,
    ],
    ["hexadecimal ids", (index) => (index * 2_654_435_761).toString(16).padStart(36, "0")],
  ])("no shard gets more than an eighth of %s", (_name, keyFor) => {
    // How the rows fall into shards shows in the order of iteration: shard by shard, each in the
    // order of insertion, so that a descent starts another shard.
    const rows = new ShardedMap<number>();
    const total = 20_000;
    for (let index = 0; index < total; index++) rows.set(encodeKey(keyFor(index)), index);
    let longest = 0;
    let length = 0;
    let last = Number.POSITIVE_INFINITY;
    for (const index of rows.values()) {
      length = index > last ? length + 1 : 1;
      longest = Math.max(longest, length);
      last = index;
    }
    expect(rows.size).toBe(total);
    expect(longest).toBeLessThan(total / 8);
  });
});
