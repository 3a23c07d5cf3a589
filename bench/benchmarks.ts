/** The benchmarks by name, in the order in which a run of all takes them. */
import { benchHeal } from "./heal.ts";
import { benchInsert } from "./insert.ts";
import { benchJoin } from "./join.ts";
import { benchMemory } from "./memory.ts";
import type { Progress, Settings } from "./progress.ts";
import { benchRead } from "./read.ts";
import { benchRedis } from "./redis.ts";
import type { Report } from "./report.ts";

/** One benchmark. Stops all that it has started, whatever happens. */
export interface Benchmark {
  /** One line for the list of the command line. */
  readonly title: string;
  run(settings: Settings, progress: Progress): Promise<Report>;
  /** Takes too long for a run of all; it is run by name. */
  readonly isExtra?: boolean;
}

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  insert: { title: "acknowledged writes on three nodes, beside Mnesia", run: benchInsert },
  redis: { title: "a session store's work, beside Redis", run: benchRedis },
  join: { title: "an empty node joins a full one, beside Mnesia", run: benchJoin },
  heal: { title: "two nodes that were apart find each other", run: benchHeal },
  read: { title: "reads by key, prefix and index, beside ETS and Mnesia", run: benchRead },
  memory: { title: "memory per row, beside Mnesia", run: benchMemory },
};

/** Those of a run without names. */
export function defaultNames(): string[] {
  return Object.keys(BENCHMARKS).filter((name) => !BENCHMARKS[name]?.isExtra);
}
