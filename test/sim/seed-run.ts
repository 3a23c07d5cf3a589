/** Runs seeds one after the other and adds up what they did. */
import type { Trace } from "./fleet.ts";
import { type ScenarioOptions, scenarioOf } from "./scenario.ts";
import { serialScenarioOf } from "./serial-scenario.ts";
import { SerialWorld } from "./serial-world.ts";
import { splitScenarioOf } from "./split-scenario.ts";
import { addTotals, newTotals, type Totals } from "./totals.ts";
import type { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** A seed that failed. */
export interface FailedSeed {
  readonly seed: number;
  readonly violation: Violation;
}

/** What some seeds came to. */
export interface SeedRun {
  readonly totals: Totals;
  readonly failures: FailedSeed[];
}

/** Runs one. */
export function runSeed(seed: number, options: ScenarioOptions, trace: Trace | null = null) {
  if (options.serial === true) return new SerialWorld(serialScenarioOf(seed), trace).run();
  if (options.split === true) return new World(splitScenarioOf(seed), trace).run();
  return new World(scenarioOf(seed, options), trace).run();
}

/** Runs them all. `each` is called after each seed and may end the run by returning false. */
export function runSeeds(
  seeds: Iterable<number>,
  each: (run: SeedRun) => boolean,
  options: ScenarioOptions = {},
): SeedRun {
  const run: SeedRun = { totals: newTotals(), failures: [] };
  for (const seed of seeds) {
    const { violation, totals } = runSeed(seed, options);
    addTotals(run.totals, totals);
    if (violation !== null) run.failures.push({ seed, violation });
    if (!each(run)) break;
  }
  return run;
}
