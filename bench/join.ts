/**
 * An empty node joins a full one, while a writer and a reader go on at both ends. Mnesia copies
 * a table of as many rows to an empty node, while a writer goes on at the full one.
 */
import { residentPeakBytes } from "./cpu.ts";
import { joinFindings, type Outcome, type Size, type SkeinJoin } from "./join-report.ts";
import { Mnesia, type MnesiaJoin, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import type { Report } from "./report.ts";
import { SkeinCluster } from "./skein-cluster.ts";

const SIZES: readonly Size[] = [
  { id: "rows100k", label: "100 k rows", rows: 100_000 },
  { id: "rows1m", label: "1 M rows", rows: 1_000_000 },
];
/** Larger tables are compared by the engine's own digests only. */
const CONTENTS_ROWS_MAX = 100_000;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchJoin(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const sizes = settings.quick ? SIZES.slice(0, 1) : SIZES;
  const outcomes: Outcome[] = [];
  for (const [index, size] of sizes.entries()) {
    const at = (done: number) => (index + done) / sizes.length;
    outcomes.push(await joins(size, settings, missing, (doing, done) => progress(doing, at(done))));
  }
  return {
    name: "join",
    notes: [
      "An empty node starts and joins one that is full. Time to fill: from the first link to the " +
        "end of `ready()`; time in all: from the call of `startNode`, discovery included. At both " +
        "nodes a writer and a reader go on with pauses of 1 ms; a stall is the time from when " +
        "such a call was due to its end. At the joiner they start before its first link. After " +
        "each join the digests of both were compared and were equal.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia: `add_table_copy` to a node that runs already, with a `sync_dirty` writer.",
    ],
    ...joinFindings(outcomes),
  };
}

/** One join of each side in turns. */
async function joins(
  size: Size,
  settings: Settings,
  missing: string,
  progress: Progress,
): Promise<Outcome> {
  const cluster = await SkeinCluster.start(1, { profiles: settings.profiles });
  try {
    await cluster.load(0, size.rows);
    const skein: SkeinJoin[] = [];
    const mnesia: MnesiaJoin[] = [];
    for (let round = 1; round <= settings.rounds; round++) {
      progress(`round ${round}: ${size.label}`, (round - 1) / settings.rounds);
      skein.push(await skeinJoin(cluster, size, round, round === settings.rounds));
      if (missing === "") mnesia.push(await mnesiaJoin(size));
    }
    return { size, skein, mnesia };
  } finally {
    await cluster.stop();
  }
}

async function skeinJoin(
  cluster: SkeinCluster,
  size: Size,
  round: number,
  isLast: boolean,
): Promise<SkeinJoin> {
  await cluster.first.call("probe", size.rows);
  await cluster.profileStart();
  const { node, started } = await cluster.add(size.rows);
  if (started.size < size.rows) {
    throw new Error(`ready() ended with ${started.size} of ${size.rows} rows`);
  }
  await cluster.joined();
  await cluster.profileEnd(`join-${size.rows}-${round}`);
  const joiner = await node.call("probed", null);
  const full = await cluster.first.call("probed", null);
  const [fullPid = 0] = cluster.pids;
  const fullPeak = residentPeakBytes(fullPid);
  const joinerPeak = residentPeakBytes(node.pid);
  await cluster.compareDigests();
  // Reading everything takes long and decodes every value: not before the last figure.
  if (isLast && size.rows <= CONTENTS_ROWS_MAX) await cluster.compareContents();
  await cluster.remove(node);
  await cluster.joined();
  return { started, full, joiner, fullPeak, joinerPeak };
}

async function mnesiaJoin(size: Size): Promise<MnesiaJoin> {
  const mnesia = await Mnesia.start(1, 1);
  try {
    await mnesia.load(0, size.rows);
    return await mnesia.join();
  } finally {
    await mnesia.stop();
  }
}
