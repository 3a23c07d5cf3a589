/**
 * Reads on a replica, of 100 k and of 1 M rows, in a process that does nothing else, beside a
 * bare Map in the same process and ETS (by which CETS reads) and Mnesia in Erlang processes.
 */
import { Mnesia, type MnesiaRead, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { mnesiaKinds, type Outcome, SIZES, type Size, skeinKinds } from "./read-cases.ts";
import type { ReadKind, ReadResult } from "./read-loop.ts";
import { readReport } from "./read-report.ts";
import type { Report } from "./report.ts";
import { type NodeRemote, SkeinCluster } from "./skein-cluster.ts";

/** Two tables are read in turns, so there is room for decoded values of two: twice the default. */
const LIMITS = { decodedBytes: 512 * 1024 * 1024 };

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchRead(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const sizes = settings.quick ? SIZES.slice(0, 1) : SIZES;
  const outcomes: Outcome[] = [];
  for (const [index, size] of sizes.entries()) {
    const at = (done: number) => (index + done) / sizes.length;
    outcomes.push(
      await readSize(size, settings, missing, (doing, done) => progress(doing, at(done))),
    );
  }
  return readReport(outcomes, missing);
}

async function readSize(
  size: Size,
  settings: Settings,
  missing: string,
  progress: Progress,
): Promise<Outcome> {
  progress(`filling ${size.label}`, 0);
  const cluster = await SkeinCluster.start(1, { profiles: settings.profiles });
  let mnesia: Mnesia | null = null;
  try {
    mnesia = missing ? null : await Mnesia.start(1);
    await mnesia?.load(0, size.rows);
    await cluster.load(0, size.rows);
    await cluster.load(0, size.rows, "loadTexts");
    if (size.id === "rows100k") await cluster.load(0, size.rows, "loadIndexed");
    // The replica comes last: one join is quicker than as many acknowledged writes.
    const { node: replica } = await cluster.add(null, { limits: LIMITS });
    await cluster.joined();
    await cluster.compareDigests();
    await replica.call("prepareReads", size.rows);
    await replica.call("readAll", null);
    return await run({ size, replica, mnesia }, settings, progress);
  } finally {
    await Promise.all([cluster.stop(), mnesia?.stop()]);
  }
}

async function run(
  { size, replica, mnesia }: { size: Size; replica: NodeRemote; mnesia: Mnesia | null },
  settings: Settings,
  progress: Progress,
): Promise<Outcome> {
  const measuredMs = settings.quick ? 100 : 250;
  const ours = new Map<ReadKind, ReadResult[]>();
  const theirs = new Map<MnesiaRead, number[]>();
  const rounds = settings.rounds + 1;
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round}: ${size.label}`, round / rounds);
    for (const kind of skeinKinds(size)) {
      const result = await replica.call("read", { kind, measuredMs });
      // The first round warms the compiler up and is dropped.
      if (round > 0) ours.set(kind, [...(ours.get(kind) ?? []), result]);
    }
    for (const kind of mnesia ? mnesiaKinds() : []) {
      const rate = (await mnesia?.read(kind, size.rows, measuredMs)) ?? Number.NaN;
      if (round > 0) theirs.set(kind, [...(theirs.get(kind) ?? []), rate]);
    }
  }
  return { size, skein: ours, mnesia: theirs };
}
