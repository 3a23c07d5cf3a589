/**
 * What each more node costs the engine: 3, 10, 30 and 100 nodes in one process with links in
 * memory, one writer or all of them writers; a curve through the costs says what to expect.
 */
import { Figures } from "./figure.ts";
import { fitCurve } from "./fit.ts";
import { bytes, digits, micros, millis, type Sheet } from "./format.ts";
import { median } from "./latency.ts";
import type { Progress, Settings } from "./progress.ts";
import { Remote } from "./remote.ts";
import type { Report } from "./report.ts";
import type { ScaleCalls, ScaleWindow } from "./scale-process.ts";

type Writers = "one" | "all";

interface Size {
  readonly nodes: number;
  readonly process: Remote<ScaleCalls>;
  readonly joinMs: number;
  readonly rests: ScaleWindow[];
  readonly windows: Readonly<Record<Writers, ScaleWindow[]>>;
}

/** Costs of one write, what pings cost taken off; medians of the windows. */
interface Cost {
  readonly cpuMicros: number;
  readonly frames: number;
  readonly bytes: number;
}

const SIZES = [3, 10, 30, 100];
const QUICK_SIZES = [3, 10];
const CALLERS = 300;
/** Applied by all nodes together in one window; a warm-up of as many comes before. */
const APPLIED = 60_000;
const QUICK_APPLIED = 9000;
const REST_MS = 1000;
const START_LIMIT_MS = 125_000;
const WRITERS: readonly Writers[] = ["one", "all"];
const DEGREES: Readonly<Record<Writers, number>> = { one: 1, all: 2 };
const TITLES: Readonly<Record<Writers, string>> = { one: "one writer", all: "all write" };

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchScale(settings: Settings, progress: Progress): Promise<Report> {
  const counts = settings.quick ? QUICK_SIZES : SIZES;
  const started = counts.map((nodes) => ({
    nodes,
    process: new Remote<ScaleCalls>("./scale-process.js"),
  }));
  try {
    progress(`starting ${counts.join(", ")} nodes`, 0);
    const formed = await Promise.all(started.map(startSize));
    const sizes = formed.filter((size) => size !== null);
    if (sizes.length < 2)
      throw new Error(`fewer than two of ${counts.join(", ")} nodes have joined`);
    for (let round = 0; round <= settings.rounds; round++) {
      for (const size of sizes) {
        progress(`round ${round}: ${size.nodes} nodes`, round / (settings.rounds + 1));
        await writesOf(size, settings, round === 0);
      }
      // CPU time of a process is its own, so all of them can rest at the same time.
      const restMs = settings.quick ? REST_MS / 4 : REST_MS;
      const rests = await Promise.all(sizes.map(({ process }) => process.call("rest", restMs)));
      if (round === 0) continue;
      for (const [index, rest] of rests.entries()) sizes[index]?.rests.push(rest);
    }
    const left = counts.filter((nodes) => !sizes.some((size) => size.nodes === nodes));
    return report(sizes, left);
  } finally {
    await Promise.all(started.map(({ process }) => process.stop()));
  }
}

/** Null if they did not find each other in time: the other sizes still say what a node costs. */
async function startSize(size: Pick<Size, "nodes" | "process">): Promise<Size | null> {
  const { nodes, process } = size;
  try {
    const joinMs = await process.call("start", nodes, START_LIMIT_MS);
    return { nodes, process, joinMs, rests: [], windows: { one: [], all: [] } };
  } catch {
    await process.stop();
    return null;
  }
}

/** One window of each kind; those of a warm-up are dropped. */
async function writesOf(size: Size, settings: Settings, isWarmUp: boolean): Promise<void> {
  const { nodes, process } = size;
  const ops = Math.ceil((settings.quick ? QUICK_APPLIED : APPLIED) / nodes);
  for (const writers of WRITERS) {
    const load = { writers: writers === "one" ? 1 : nodes, callers: CALLERS, ops };
    const window = await process.call("write", load);
    if (!isWarmUp) size.windows[writers].push(window);
  }
  await process.call("compare", null);
}

/** For each window: what a write costs beyond the pings of that time. */
function costsOf({ rests, windows }: Size, writers: Writers): Cost[] {
  const perSecond = (pick: (rest: ScaleWindow) => number) =>
    median(rests.map((rest) => pick(rest) / rest.seconds));
  const cpu = perSecond((rest) => rest.cpuMicros);
  const frames = perSecond((rest) => rest.frames);
  const sent = perSecond((rest) => rest.bytes);
  return windows[writers].map((window) => {
    const each = (total: number, idle: number) => (total - idle * window.seconds) / window.ops;
    return {
      cpuMicros: each(window.cpuMicros, cpu),
      frames: each(window.frames, frames),
      bytes: each(window.bytes, sent),
    };
  });
}

function costOf(size: Size, writers: Writers): Cost {
  const costs = costsOf(size, writers);
  return {
    cpuMicros: median(costs.map((cost) => cost.cpuMicros)),
    frames: median(costs.map((cost) => cost.frames)),
    bytes: median(costs.map((cost) => cost.bytes)),
  };
}

function report(sizes: readonly Size[], left: readonly number[]): Report {
  const figures = new Figures("scale");
  for (const size of sizes) {
    for (const writers of WRITERS) {
      const costs = costsOf(size, writers);
      figures.add(
        { case: `${writers} of ${size.nodes}`, side: "Skein" },
        {
          cpuMicros: costs.map((cost) => cost.cpuMicros),
          framesPerOp: costs.map((cost) => cost.frames),
          bytesPerOp: costs.map((cost) => cost.bytes),
          delayP99Ms: size.windows[writers].map((window) => window.delayP99Ms),
          delayMaxMs: size.windows[writers].map((window) => window.delayMaxMs),
        },
      );
    }
  }
  return {
    name: "scale",
    notes: [
      `All nodes of a size are in one process, with links in memory: no socket is paid for. ${CALLERS} ` +
        "callers in all, of one node or spread over all nodes; each write is acknowledged by all " +
        "nodes. Pings go out each 20 s, because all nodes share a processor; what they cost in that time, which was measured without writes, is taken off. " +
        "After each round the sizes and digests of all nodes were compared and were equal.",
      ...left.map((nodes) => `${nodes} nodes did not find each other in time: left out.`),
    ],
    sheets: [costSheet(sizes), modelSheet(sizes), restSheet(sizes)],
    behind: [],
    figures: figures.list,
  };
}

function costSheet(sizes: readonly Size[]): Sheet {
  return {
    caption: "Costs of one write, all nodes together (medians)",
    head: ["nodes", "writers", "CPU", "CPU per applied op", "frames", "bytes", "loop delay p99"],
    rows: sizes.flatMap((size) =>
      WRITERS.map((writers) => {
        const cost = costOf(size, writers);
        const delays = size.windows[writers].map((window) => window.delayP99Ms);
        return [
          `${size.nodes}`,
          TITLES[writers],
          micros(cost.cpuMicros),
          micros(cost.cpuMicros / size.nodes),
          digits(cost.frames),
          bytes(cost.bytes),
          millis(median(delays)),
        ];
      }),
    ),
  };
}

/**
 * Fitted to the medians above. Where all write, each node answers each other one in each turn, and
 * with the callers shared by all, fewer writes come with it: hence a term that grows by the square.
 */
function modelSheet(sizes: readonly Size[]): Sheet {
  const kinds: readonly [string, (cost: Cost) => number, (value: number) => string][] = [
    ["CPU", (cost) => cost.cpuMicros, micros],
    ["frames", (cost) => cost.frames, digits],
    ["bytes", (cost) => cost.bytes, bytes],
  ];
  return {
    caption:
      "Cost model: a write costs a + b × nodes, where all write + c × nodes² " +
      "(least squares of the relative error)",
    head: ["writers", "of", "a", "b", "c", "farthest point"],
    rows: WRITERS.flatMap((writers) =>
      kinds.map(([title, pick, show]) => {
        const points = sizes.map((size) => ({ x: size.nodes, y: pick(costOf(size, writers)) }));
        const { terms, worst } = fitCurve(points, DEGREES[writers]);
        const [a, b, c] = terms.map((term) => (term < 0 ? `−${show(-term)}` : show(term)));
        const off = `${digits(worst * 100)} %`;
        return [TITLES[writers], title, a ?? "–", b ?? "–", c ?? "–", off];
      }),
    ),
  };
}

function restSheet(sizes: readonly Size[]): Sheet {
  const perSecond = (size: Size, pick: (rest: ScaleWindow) => number) =>
    median(size.rests.map((rest) => pick(rest) / rest.seconds));
  return {
    caption: "Without writes, all nodes together, per second (medians)",
    head: ["nodes", "CPU", "frames", "bytes", "from first start to all joined"],
    rows: sizes.map((size) => [
      `${size.nodes}`,
      micros(perSecond(size, (rest) => rest.cpuMicros)),
      digits(perSecond(size, (rest) => rest.frames)),
      bytes(perSecond(size, (rest) => rest.bytes)),
      millis(size.joinMs),
    ]),
  };
}
