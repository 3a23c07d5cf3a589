/** The benchmarks by name, in the order in which a run of all takes them. */
import { benchArchive } from "./archive.ts";
import { benchDown } from "./down.ts";
import { benchForm } from "./form.ts";
import { benchGrowth } from "./growth.ts";
import { benchHeal } from "./heal.ts";
import { benchIdle } from "./idle.ts";
import { benchInsert } from "./insert.ts";
import { benchInsertNew } from "./insert-new.ts";
import { benchJoin } from "./join.ts";
import { benchMemory } from "./memory.ts";
import { benchNodes } from "./nodes.ts";
import type { Progress, Settings } from "./progress.ts";
import { benchRead } from "./read.ts";
import { benchRedis } from "./redis.ts";
import type { Report } from "./report.ts";
import { benchScale } from "./scale.ts";
import { benchStores } from "./stores.ts";

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
  "insert-new": { title: "insertNew on the leader and off it, beside Mnesia", run: benchInsertNew },
  nodes: { title: "acknowledged writes on 3, 5 and 9 nodes, beside Mnesia", run: benchNodes },
  redis: { title: "a session store's work, beside Redis", run: benchRedis },
  join: { title: "an empty node joins a full one, beside Mnesia", run: benchJoin },
  heal: { title: "two nodes that were apart find each other", run: benchHeal },
  down: { title: "a node that owns rows is killed, or hangs", run: benchDown },
  read: { title: "reads by key, prefix and index, beside ETS and Mnesia", run: benchRead },
  memory: { title: "memory per row, beside Mnesia", run: benchMemory },
  form: { title: "3 and 8 nodes with 10 tables start at once", run: benchForm },
  scale: { title: "3 to 100 nodes in one process, and a cost model", run: benchScale },
  growth: {
    title: "one table grows to 20 million rows",
    run: benchGrowth,
    isExtra: true,
  },
  stores: {
    title: "persistent stores, those in SQL beside the bare drivers",
    run: benchStores,
    isExtra: true,
  },
  archive: {
    title: "message archives of a million messages, beside SQL by hand",
    run: benchArchive,
    isExtra: true,
  },
  idle: { title: "what links carry when nobody writes, beside Mnesia", run: benchIdle },
};

/** Those of a run without names. */
export function defaultNames(): string[] {
  return Object.keys(BENCHMARKS).filter((name) => !BENCHMARKS[name]?.isExtra);
}
