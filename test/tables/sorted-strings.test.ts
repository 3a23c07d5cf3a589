/** The sorted set that ordered tables stand on, against an array that is sorted afresh. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Place, SortedStrings } from "../../src/tables/sorted-strings.ts";

const name = (at: number): string => `k${String(at).padStart(5, "0")}`;

/** All strings by walking forward, and the same walked back. */
function walked(sorted: SortedStrings): [string[], string[]] {
  const place: Place = { block: 0, index: 0 };
  const up: string[] = [];
  sorted.seek("", place);
  for (let text = sorted.at(place); text !== undefined; text = sorted.at(place)) {
    up.push(text);
    sorted.forward(place);
  }
  const down: string[] = [];
  sorted.end(place);
  sorted.backward(place);
  for (let text = sorted.at(place); text !== undefined; text = sorted.at(place)) {
    down.push(text);
    sorted.backward(place);
  }
  return [up, down];
}

function check(sorted: SortedStrings, oracle: ReadonlySet<string>): void {
  const expected = [...oracle].sort();
  expect(walked(sorted)).toEqual([expected, expected.toReversed()]);
  expect(sorted.size).toBe(oracle.size);
}

describe("SortedStrings", () => {
  test("is what a sorted array is, while thousands come and go in runs", () => {
    const run = fc.record({
      adds: fc.boolean(),
      from: fc.nat({ max: 3000 }),
      count: fc.nat({ max: 700 }),
      step: fc.constantFrom(1, -1, 7),
    });
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 14 }), (runs) => {
        const sorted = new SortedStrings();
        const oracle = new Set<string>();
        const faults: string[] = [];
        for (const { adds, from, count, step } of runs) {
          for (let turn = 0; turn < count; turn++) {
            const text = name(from + 5000 + turn * step);
            const changes = adds ? !oracle.has(text) : oracle.delete(text);
            if (adds) oracle.add(text);
            if ((adds ? sorted.add(text) : sorted.delete(text)) !== changes) faults.push(text);
          }
          expect(faults).toEqual([]);
          check(sorted, oracle);
          const probe = name(from + 5000);
          expect(sorted.has(probe)).toBe(oracle.has(probe));
          const place: Place = { block: 0, index: 0 };
          sorted.seek(probe, place);
          expect(sorted.at(place)).toBe([...oracle].sort().find((text) => text >= probe));
        }
      }),
      { numRuns: 40 },
    );
  });

  test("is empty again after everything was deleted, and can be filled anew", () => {
    const sorted = new SortedStrings();
    for (let at = 0; at < 2000; at++) sorted.add(name((at * 7919) % 2000));
    for (let at = 0; at < 2000; at++) expect(sorted.delete(name(at))).toBe(true);
    check(sorted, new Set());
    sorted.add("x");
    check(sorted, new Set(["x"]));
  });
});
