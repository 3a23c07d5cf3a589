import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeKey } from "../../src/tables/key.ts";
import { RowMap, SHARDS } from "../../src/tables/row-map.ts";

interface Entry {
  readonly key: string;
  readonly count: number;
}

const SEED = 7;

type Step = readonly ["set" | "delete" | "take" | "clear" | "adopt", number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 60, arbitrary: fc.constant("set" as const) },
    { weight: 25, arbitrary: fc.constant("delete" as const) },
    { weight: 15, arbitrary: fc.constant("take" as const) },
    { weight: 1, arbitrary: fc.constant("clear" as const) },
    { weight: 2, arbitrary: fc.constant("adopt" as const) },
  ),
  fc.nat({ max: 60 }),
);

/** Keys of one shard, so that few of them come in each other's way already. */
const CLOSE_KEYS = keysOfOneShard(64, SEED);

function keysOfOneShard(count: number, seed: number): readonly string[] {
  const map = new RowMap(seed);
  const keys: string[] = [];
  for (let at = 0; keys.length < count; at++) {
    const key = encodeKey(at % 2 === 0 ? at : `row-${at}`);
    if (map.shardOf(key) === 3) keys.push(key);
  }
  return keys;
}

const entry = (index: number, count = 0): Entry => ({ key: CLOSE_KEYS[index] as string, count });
const listOf = (entries: Iterable<Entry>) =>
  [...entries].map(({ key, count }) => `${count} ${key}`).sort();

describe("RowMap", () => {
  test("does what a Map does", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const rows = new RowMap<Entry>(SEED);
        const oracle = new Map<string, Entry>();
        for (const [at, [what, index]] of steps.entries()) {
          const row = entry(index, at);
          if (what === "set") {
            expect(rows.set(row)).toBe(oracle.get(row.key));
            oracle.set(row.key, row);
          } else if (what === "delete") {
            expect(rows.delete(row.key)).toBe(oracle.delete(row.key));
          } else if (what === "take") {
            expect(rows.take(row.key)).toBe(oracle.get(row.key));
            oracle.delete(row.key);
          } else if (what === "adopt") {
            const others = rows.alike();
            for (let other = index; other < Math.min(index + 20, CLOSE_KEYS.length); other++) {
              const theirs = entry(other, at);
              if (oracle.has(theirs.key)) continue;
              others.set(theirs);
              oracle.set(theirs.key, theirs);
            }
            rows.adopt(others);
          } else {
            rows.clear();
            oracle.clear();
          }
          const { key } = row;
          expect(rows.get(key)).toBe(oracle.get(key));
          expect(rows.has(key)).toBe(oracle.has(key));
          expect(rows.size).toBe(oracle.size);
        }
        expect(listOf(rows.values())).toEqual(listOf(oracle.values()));
        expect([...rows.keys()].sort()).toEqual([...oracle.keys()].sort());
      }),
      { numRuns: 300 },
    );
  });

  test("holds what is there while keys come and go for long", () => {
    const rows = new RowMap<Entry>(SEED);
    const keyOf = (at: number) => encodeKey(["example.com", `user${at}`]);
    let taken = 0;
    for (let at = 0; at < 200_000; at++) {
      rows.set({ key: keyOf(at), count: at });
      // The same key again and again, too, as of one whose connection breaks all the time.
      rows.set({ key: "flapping", count: at });
      if (rows.take("flapping")?.count === at) taken++;
      if (at >= 1000 && rows.take(keyOf(at - 1000))?.count === at - 1000) taken++;
    }
    expect(taken).toBe(200_000 + 199_000);
    expect(rows.size).toBe(1000);
    expect([...rows.values()].map(({ count }) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, at) => 199_000 + at),
    );
  });

  test.each<[string, (index: number) => unknown]>([
    ["numbers", (index) => index],
    ["bigints", (index) => BigInt(index) * 1_000_000_007n],
    ["numbered strings", (index) => `user-${index}@example.com`],
    ["padded numbers", (index) => `user${String(index).padStart(8, "0")}@example.com/phone0`],
    ["tuples that differ in the middle", (index) => ["example.com", `user${index}`, "phone"]],
    ["long keys that differ in the middle", (i) => `${"a".repeat(90)}${1e6 + i}${"b".repeat(90)}`],
    ["hexadecimal ids", (index) => (index * 2_654_435_761).toString(16).padStart(36, "0")],
    ["names in another alphabet", (index) => `пользователь-${index}`],
  ])("spreads %s evenly over its shards", (_name, keyFor) => {
    const count = 100_000;
    for (const seed of [0, 1, -1, 0x5bd1_e995]) {
      const map = new RowMap(seed);
      const filled = new Array<number>(SHARDS).fill(0);
      for (let at = 0; at < count; at++) {
        const shard = map.shardOf(encodeKey(keyFor(at)));
        filled[shard] = (filled[shard] ?? 0) + 1;
      }
      expect(Math.max(...filled)).toBeLessThan((1.5 * count) / SHARDS);
    }
  });

  test("tells keys apart whose hashes are equal", () => {
    // Of so many, ten pairs or so have all 32 bits in common.
    const count = 300_000;
    const rows = new RowMap<Entry>(SEED);
    const keyFor = (at: number) => `user${at}@example.com`;
    let replaced = 0;
    let wrong = 0;
    for (let at = 0; at < count; at++) {
      if (rows.set({ key: keyFor(at), count: at }) !== undefined) replaced++;
    }
    for (let at = 0; at < count; at++) if (rows.get(keyFor(at))?.count !== at) wrong++;
    expect([replaced, wrong, rows.size]).toEqual([0, 0, count]);
  });

  test("keys that share a shard under one seed do not under another", () => {
    const shards = new Set(CLOSE_KEYS.map((key) => new RowMap(SEED + 1).shardOf(key)));
    expect(shards.size).toBeGreaterThan(CLOSE_KEYS.length / 2);
  });

  test("iterates exactly once over what stays, while all else changes", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 60 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 80 }),
        (initial, changes) => {
          const rows = new RowMap<Entry>(SEED);
          for (const index of initial) rows.set(entry(index));
          const staying = new Set(initial.map((index) => entry(index).key));
          const iterator = rows.values();
          const seen: string[] = [];
          for (let turn = 0; ; turn++) {
            const result = iterator.next();
            if (result.done) break;
            expect(rows.get(result.value.key)).toBe(result.value);
            seen.push(result.value.key);
            for (const [what, index] of changes[turn] ?? []) {
              const { key } = entry(index);
              if (what === "set") rows.set(entry(index, turn));
              if ((what === "delete" || what === "take") && rows.delete(key)) staying.delete(key);
              if (what === "adopt" && !rows.has(key)) {
                const other = rows.alike();
                other.set(entry(index, turn));
                rows.adopt(other);
              }
              if (what === "clear") {
                rows.clear();
                staying.clear();
              }
            }
          }
          for (const key of staying) expect(seen.filter((each) => each === key)).toEqual([key]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an iterator ends when the map is cleared, and stays at its end", () => {
    const rows = new RowMap<Entry>();
    for (let index = 0; index < 50; index++) rows.set(entry(index));
    const iterators = [rows.keys(), rows.values(), rows.shard(rows.shardOf(entry(0).key))];
    for (const iterator of iterators) expect(iterator.next().done).toBe(false);
    rows.clear();
    for (const iterator of iterators) expect(iterator.next().done).toBe(true);
    rows.set(entry(1));
    for (const iterator of iterators) expect(iterator.next().done).toBe(true);
  });

  test("a loop that breaks off ends its iterator", () => {
    const rows = new RowMap<Entry>();
    for (let index = 0; index < 10; index++) rows.set(entry(index));
    const iterator = rows.values();
    for (const _row of iterator) break;
    expect(iterator.next().done).toBe(true);
  });
});
