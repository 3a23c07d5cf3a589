/** Some seeds of serial calls in each test run; `npm run sim -- --serial` looks for more. */
import { describe, expect, it } from "vitest";
import { runSeeds } from "./seed-run.ts";
import { RECORDED_SERIAL_SEEDS } from "./seeds.ts";
import { LEAST_PER_SERIAL_SEED, shortfalls } from "./totals.ts";

const SEEDS = Array.from({ length: 20 }, (_, at) => at + 1);

describe("serial calls in the simulated cluster", () => {
  it("are linearizable over 20 seeds, none of them tame", { timeout: 240_000 }, () => {
    const { totals, failures } = runSeeds(SEEDS, () => true, { serial: true });
    expect(failures).toEqual([]);
    expect(shortfalls(totals, LEAST_PER_SERIAL_SEED)).toEqual([]);
    expect(totals.searchesGivenUp).toBe(0);
  });

  it("are linearizable over the seeds that failed once", () => {
    expect(runSeeds(RECORDED_SERIAL_SEEDS, () => true, { serial: true }).failures).toEqual([]);
  });
});
