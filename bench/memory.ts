/**
 * Memory per row on the node that wrote the rows and on a replica, after garbage collection; on
 * the replica also once each row was read, for values stay encoded until then.
 */
import { residentBytes } from "./cpu.ts";
import { Figures } from "./figure.ts";
import { bytes, type Sheet, times } from "./format.ts";
import type { MemoryUse } from "./memory-use.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { memoryPublished } from "./published.ts";
import type { Report } from "./report.ts";
import { type NodeRemote, SkeinCluster } from "./skein-cluster.ts";

/** Bytes per row, the empty process taken off. */
interface PerRow {
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
}

interface Outcome {
  readonly rows: number;
  readonly writer: PerRow;
  readonly replica: PerRow;
  readonly replicaRead: PerRow;
  /** By Mnesia's own count, and what its process grew by; NaN without Mnesia. */
  readonly mnesiaTable: number;
  readonly mnesiaResident: number;
}

const SIZES = [100_000, 1_000_000];
const TARGET_BYTES = 350;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchMemory(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const sizes = settings.quick ? SIZES.slice(0, 1) : SIZES;
  const outcomes: Outcome[] = [];
  for (const [index, rows] of sizes.entries()) {
    progress(`${rows.toLocaleString("en")} rows`, index / sizes.length);
    const skein = await skeinUse(rows);
    const mnesia = missing ? { table: Number.NaN, resident: Number.NaN } : await mnesiaUse(rows);
    outcomes.push({
      rows,
      ...skein,
      mnesiaTable: mnesia.table,
      mnesiaResident: mnesia.resident,
    });
  }
  return {
    name: "memory",
    notes: [
      "Bytes per row over those of the empty node, after full garbage collections. Heap and " +
        "external are what is alive; RSS also holds what the runtime has not given back. The " +
        "rows came by `setMany` of 1,000. Counted once: it does not vary as times do.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia: its own count of the table's words, and the growth of its process.",
    ],
    sheets: [ratios(outcomes), figures(outcomes)],
    behind: outcomes.flatMap(behind),
    figures: figureList(outcomes),
  };
}

function figureList(outcomes: readonly Outcome[]) {
  const figures = new Figures("memory");
  for (const { rows, mnesiaTable, ...skein } of outcomes) {
    const at = (side: string) => ({ case: `rows${rows}`, side });
    figures.add(at("Skein"), { rowBytes: [live(skein.writer)] });
    figures.add(at("Skein, replica"), { rowBytes: [live(skein.replica)] });
    figures.add(at("Skein, replica read"), { rowBytes: [live(skein.replicaRead)] });
    figures.add(at("Mnesia"), { rowBytes: [mnesiaTable] });
  }
  return figures.list;
}

async function skeinUse(rows: number) {
  const cluster = await SkeinCluster.start(2, { flags: ["--expose-gc"] });
  try {
    const [writer, replica] = cluster.nodes;
    if (!writer || !replica) throw new Error("there are no two nodes");
    const before = await both(writer, replica);
    await cluster.load(0, rows);
    const after = await both(writer, replica);
    await replica.call("readAll", null);
    const read = await replica.call("memory", null);
    return {
      writer: perRow(before[0], after[0], rows),
      replica: perRow(before[1], after[1], rows),
      replicaRead: perRow(before[1], read, rows),
    };
  } finally {
    await cluster.stop();
  }
}

function both(writer: NodeRemote, replica: NodeRemote): Promise<[MemoryUse, MemoryUse]> {
  return Promise.all([writer.call("memory", null), replica.call("memory", null)]);
}

function perRow(before: MemoryUse, after: MemoryUse, rows: number): PerRow {
  return {
    heap: (after.heap - before.heap) / rows,
    external: (after.external - before.external) / rows,
    resident: (after.resident - before.resident) / rows,
  };
}

async function mnesiaUse(rows: number): Promise<{ table: number; resident: number }> {
  const mnesia = await Mnesia.start(1);
  try {
    const [pid = 0] = mnesia.pids;
    const tableBefore = await mnesia.tableBytes();
    const residentBefore = residentBytes(pid);
    await mnesia.load(0, rows);
    const table = (await mnesia.tableBytes()) - tableBefore;
    return { table: table / rows, resident: (residentBytes(pid) - residentBefore) / rows };
  } finally {
    await mnesia.stop();
  }
}

/** What is alive, inside the heap and outside. */
function live(use: PerRow): number {
  return use.heap + use.external;
}

function ratios(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "Ratios of this run (bytes per row, live: heap and external)",
    head: [
      "rows",
      "Skein, writer",
      "Skein, replica",
      "replica, rows read",
      "Mnesia's table",
      "writer ÷ Mnesia",
      "replica ÷ Mnesia",
      "CETS (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map((outcome) => [
      outcome.rows.toLocaleString("en"),
      bytes(live(outcome.writer)),
      bytes(live(outcome.replica)),
      bytes(live(outcome.replicaRead)),
      bytes(outcome.mnesiaTable),
      times(live(outcome.writer) / outcome.mnesiaTable),
      times(live(outcome.replica) / outcome.mnesiaTable),
      memoryPublished.row.cets,
      memoryPublished.row.target,
    ]),
  };
}

function figures(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "All figures (bytes per row)",
    head: ["rows", "node", "heap", "external", "RSS"],
    rows: outcomes.flatMap((outcome) => {
      const rows = outcome.rows.toLocaleString("en");
      const row = (node: string, use: PerRow) => {
        return [rows, node, bytes(use.heap), bytes(use.external), bytes(use.resident)];
      };
      return [
        row("Skein, writer", outcome.writer),
        row("Skein, replica", outcome.replica),
        row("Skein, replica, each row read", outcome.replicaRead),
        [rows, "Mnesia", bytes(outcome.mnesiaTable), "–", bytes(outcome.mnesiaResident)],
      ];
    }),
  };
}

function behind(outcome: Outcome): string[] {
  const lines: string[] = [];
  const rows = `${outcome.rows.toLocaleString("en")} rows`;
  const sides: [string, PerRow][] = [
    ["the writer", outcome.writer],
    ["a replica", outcome.replica],
    ["a replica whose rows were read", outcome.replicaRead],
  ];
  for (const [node, use] of sides) {
    const size = bytes(live(use));
    if (live(use) > TARGET_BYTES) lines.push(`${rows}: ${node} holds ${size} a row, ${target()}`);
    if (live(use) > outcome.mnesiaTable) {
      lines.push(
        `${rows}: ${node} holds ${times(live(use) / outcome.mnesiaTable)} of Mnesia's table`,
      );
    }
  }
  return lines;
}

function target(): string {
  return `target ${memoryPublished.row.target}`;
}
