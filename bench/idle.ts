/**
 * What links carry while nobody writes: three nodes behind proxies that count bytes and frames,
 * beside the sockets between three Mnesia nodes.
 */
import { Figures } from "./figure.ts";
import { digits, type Sheet } from "./format.ts";
import { FrameCount } from "./frame-count.ts";
import { freePort, Gate } from "./gate.ts";
import { median } from "./latency.ts";
import { Mnesia, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import type { Report } from "./report.ts";
import { pause } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

/** One window, both directions of a link together. */
interface Traffic {
  readonly bytesPerSecond: number;
  readonly framesPerSecond: number;
}

const NODES = 3;
const LINKS = (NODES * (NODES - 1)) / 2;
const ROWS = 10_000;
const WINDOW_MS = 2000;
const QUICK_MS = 1500;
/** Until sessions and first comparisons are over. */
const SETTLE_MS = 2000;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchIdle(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  const windowMs = settings.quick ? QUICK_MS : WINDOW_MS;
  const counts = new Set<FrameCount>();
  const gates: Gate[] = [];
  const cluster = await SkeinCluster.start(0);
  let mnesia: Mnesia | null = null;
  try {
    for (let at = 0; at < NODES; at++) {
      const port = await freePort();
      const gate = new Gate(port, (inner, outer) => {
        for (const socket of [inner, outer]) {
          const count = new FrameCount();
          counts.add(count);
          socket.on("data", (chunk) => count.take(chunk));
        }
      });
      gates.push(gate);
      await cluster.add(null, { port, advertise: `ws://127.0.0.1:${await gate.start()}` });
    }
    await cluster.joined();
    await cluster.load(0, ROWS);
    if (missing === "") {
      mnesia = await Mnesia.start(NODES);
      await mnesia.load(0, ROWS);
    }
    await cluster.compareDigests();
    await pause(SETTLE_MS);
    const skein: Traffic[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      progress(`round ${round + 1}`, round / settings.rounds);
      const mnesiaBefore = (await mnesia?.traffic()) ?? Number.NaN;
      skein.push(await traffic(counts, windowMs));
      const moved = ((await mnesia?.traffic()) ?? Number.NaN) - mnesiaBefore;
      // The first node's links to the others.
      if (mnesia) theirs.push((moved * 1000) / windowMs / (NODES - 1));
    }
    await cluster.compareDigests();
    return report(skein, theirs, missing);
  } finally {
    await Promise.all([cluster.stop(), mnesia?.stop()]);
    await Promise.all(gates.map((gate) => gate.close()));
  }
}

async function traffic(counts: ReadonlySet<FrameCount>, windowMs: number): Promise<Traffic> {
  const sum = () => {
    let bytes = 0;
    let frames = 0;
    for (const count of counts) {
      bytes += count.bytes;
      frames += count.frames;
    }
    return { bytes, frames };
  };
  const before = sum();
  const start = performance.now();
  await pause(windowMs);
  const after = sum();
  const seconds = (performance.now() - start) / 1000;
  return {
    bytesPerSecond: (after.bytes - before.bytes) / seconds / LINKS,
    framesPerSecond: (after.frames - before.frames) / seconds / LINKS,
  };
}

function report(skein: readonly Traffic[], mnesia: readonly number[], missing: string): Report {
  const figures = new Figures("idle");
  const bytes = skein.map((each) => each.bytesPerSecond);
  const frames = skein.map((each) => each.framesPerSecond);
  figures.add({ case: "link", side: "Skein" }, { bytesPerSecond: bytes, framesPerSecond: frames });
  figures.add({ case: "link", side: "Mnesia" }, { bytesPerSecond: mnesia });
  const row = (side: string, sizes: readonly number[], counts: readonly number[]) => [
    side,
    `${digits(median(sizes))} B/s`,
    counts.length > 0 ? digits(median(counts)) : "–",
    `${sizes.length}`,
  ];
  const sheet: Sheet = {
    caption: "Each link, both directions together (medians)",
    head: ["side", "bytes per second", "WebSocket frames per second", "windows"],
    rows: [row("Skein", bytes, frames), ...(mnesia.length > 0 ? [row("Mnesia", mnesia, [])] : [])],
  };
  return {
    name: "idle",
    notes: [
      `${NODES} nodes, each a process, ${ROWS.toLocaleString("en")} rows, nobody writes or asks; ` +
        "all links go through proxies that count. Afterwards the digests were compared and were " +
        "equal.",
      missing
        ? `Mnesia was skipped: ${missing}.`
        : "Mnesia: what the first node's sockets to the others have carried; by default they tell " +
          "each other that they live four times a minute, so that a dead host is noticed late.",
    ],
    sheets: [sheet],
    behind: [],
    figures: figures.list,
  };
}
