/** Some seeds in each test run; `npm run sim` looks for more. */
import { describe, expect, it } from "vitest";
import { scenarioOf } from "./scenario.ts";
import { runSeeds } from "./seed-run.ts";
import {
  RECORDED_FORMER_SEEDS,
  RECORDED_LARGE_SEEDS,
  RECORDED_LONG_SEEDS,
  RECORDED_SEEDS,
} from "./seeds.ts";
import { newTotals, shortfalls } from "./totals.ts";
import { World } from "./world.ts";

/** Worlds of all sizes are among them. */
const SEEDS = Array.from({ length: 150 }, (_, at) => at + 601);

describe("the simulated cluster", () => {
  it("keeps every promise over 150 seeds, none of them tame", { timeout: 240_000 }, () => {
    const { totals, failures } = runSeeds(SEEDS, () => true);
    expect(failures).toEqual([]);
    expect(shortfalls(totals)).toEqual([]);
  });

  it("keeps every promise over the seeds that failed once", () => {
    const large = runSeeds(RECORDED_LARGE_SEEDS, () => true, { size: "large" });
    const former = runSeeds(RECORDED_FORMER_SEEDS, () => true, { size: "former" });
    const long = runSeeds(RECORDED_LONG_SEEDS, () => true, { size: "long" });
    const mixed = runSeeds(RECORDED_SEEDS, () => true);
    expect([mixed, former, large, long].flatMap(({ failures }) => failures)).toEqual([]);
  });

  it("does the same twice with the same seed, and something else with another", () => {
    const run = (seed: number): object => new World(scenarioOf(seed)).run();
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
  });

  it("calls a run tame in which nothing happens", () => {
    const totals = newTotals();
    totals.seeds = 1;
    expect(shortfalls(totals)).toContain("sessions: 0.000 a seed, at least 3");
  });
});
