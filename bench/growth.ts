/**
 * One table of one node grows to 20 million rows by single sets: memory per row, the longest
 * `set` on the way, and the pauses of the garbage collector. Takes minutes and 10 GB: by name.
 */
import { Figures } from "./figure.ts";
import { bytes, millis, perSecond, type Sheet } from "./format.ts";
import type { Growth, GrowthCalls, GrowthMemory } from "./growth-process.ts";
import type { Progress, Settings } from "./progress.ts";
import { Remote } from "./remote.ts";
import type { Report } from "./report.ts";

/** What it took to come from the size before to this one. */
interface Stage {
  readonly memory: GrowthMemory;
  readonly growths: readonly Growth[];
}

const SIZES = [1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000];
const QUICK_SIZES = [50_000, 100_000];
const ROWS_PER_CALL = 500_000;
const HEAP_MIB = 12 * 1024;
const SET_MOST_MS = 10;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchGrowth(settings: Settings, progress: Progress): Promise<Report> {
  const sizes = settings.quick ? QUICK_SIZES : SIZES;
  const flags = ["--expose-gc", `--max-old-space-size=${HEAP_MIB}`];
  const process = new Remote<GrowthCalls>("./growth-process.js", flags);
  try {
    const heapLimit = await process.call("start", null);
    const empty = await process.call("memory", null);
    const stages: Stage[] = [];
    let rows = 0;
    for (const size of sizes) {
      const growths: Growth[] = [];
      while (rows < size) {
        progress(`${rows.toLocaleString("en")} rows`, rows / (sizes.at(-1) ?? rows));
        const count = Math.min(ROWS_PER_CALL, size - rows);
        growths.push(await process.call("grow", { from: rows, count }));
        rows += count;
      }
      stages.push({ memory: await process.call("memory", null), growths });
    }
    await process.call("check", rows);
    return report(stages, empty, heapLimit);
  } finally {
    await process.stop();
  }
}

function report(stages: readonly Stage[], empty: GrowthMemory, heapLimit: number): Report {
  return {
    name: "growth",
    notes: [
      "One node, one ordered table of lifetime `node`, rows by single `set`, 1,000 in a turn, of " +
        "which each is timed on its own; memory after a full collection, the empty process taken " +
        "off. A `set` is outside a major collection if none fell into it. At the end the size was " +
        "right, and so were the values of rows all over the table.",
      `Limit of the heap: ${bytes(heapLimit)} (\`--max-old-space-size=${HEAP_MIB}\`).`,
    ],
    sheets: [sheet(stages, empty)],
    behind: stages.flatMap(({ memory, growths }) => {
      const longest = Math.max(...growths.map((growth) => growth.longestOutsideMs));
      if (longest <= SET_MOST_MS) return [];
      const set = `a set outside a major collection took ${millis(longest)}`;
      return [`up to ${memory.rows.toLocaleString("en")} rows: ${set}, target ${SET_MOST_MS} ms`];
    }),
    figures: figureList(stages, empty),
  };
}

function figureList(stages: readonly Stage[], empty: GrowthMemory) {
  const figures = new Figures("growth");
  for (const { memory, growths } of stages) {
    const of = (pick: (growth: Growth) => number) => growths.map(pick);
    figures.add(
      { case: `rows${memory.rows}`, side: "Skein" },
      {
        rowBytes: [(memory.live - empty.live) / memory.rows],
        maxMicros: of((growth) => growth.longestOutsideMs * 1000),
        pauseMs: of((growth) => growth.majorLongestMs),
        delayP99Ms: of((growth) => growth.delay.p99Ms),
        delayMaxMs: of((growth) => growth.delay.maxMs),
      },
    );
  }
  return figures.list;
}

function sheet(stages: readonly Stage[], empty: GrowthMemory): Sheet {
  let before = 0;
  return {
    caption: "On the way to each size",
    head: [
      "rows",
      "memory per row, live",
      "RSS per row",
      "sets per second",
      "longest set outside a major collection",
      "longest set",
      "major collections and steps of marking",
      "their longest pause",
      "all of them",
      "longest pause for the young generation",
      "loop delay p99",
      "longest",
    ],
    rows: stages.map(({ memory, growths }) => {
      const longest = (pick: (growth: Growth) => number) => millis(Math.max(...growths.map(pick)));
      const sum = (pick: (growth: Growth) => number) =>
        growths.reduce((all, growth) => all + pick(growth), 0);
      const added = memory.rows - before;
      before = memory.rows;
      return [
        memory.rows.toLocaleString("en"),
        bytes((memory.live - empty.live) / memory.rows),
        bytes((memory.resident - empty.resident) / memory.rows),
        perSecond(added / sum((growth) => growth.seconds)),
        longest((growth) => growth.longestOutsideMs),
        longest((growth) => growth.longestMs),
        `${sum((growth) => growth.majors)}`,
        longest((growth) => growth.majorLongestMs),
        millis(sum((growth) => growth.majorMs)),
        longest((growth) => growth.minorLongestMs),
        longest((growth) => growth.delay.p99Ms),
        longest((growth) => growth.delay.maxMs),
      ];
    }),
  };
}
