/** Some seeds of splits in each test run; `npm run sim -- --split` looks for more. */
import { describe, expect, it } from "vitest";
import { runSeeds } from "./seed-run.ts";
import { LEAST_PER_SPLIT_SEED, shortfalls } from "./totals.ts";

const SEEDS = Array.from({ length: 20 }, (_, at) => at + 1);

describe("tables that pause, in the simulated cluster", () => {
  it("are written on one side only over 20 seeds, none of them tame", { timeout: 240_000 }, () => {
    const { totals, failures } = runSeeds(SEEDS, () => true, { split: true });
    expect(failures).toEqual([]);
    expect(shortfalls(totals, LEAST_PER_SPLIT_SEED)).toEqual([]);
  });
});
