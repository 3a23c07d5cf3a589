/**
 * A node that owns 100,000 rows is killed, or hangs: how long a write of the two others is held
 * up, and when the rows are gone for their readers.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Figures } from "./figure.ts";
import { millis, type Sheet } from "./format.ts";
import { freePort } from "./gate.ts";
import { median } from "./latency.ts";
import type { ProbeResult } from "./probe.ts";
import type { Progress, Settings } from "./progress.ts";
import { downPublished } from "./published.ts";
import type { Report } from "./report.ts";
import { pause } from "./side.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Way {
  readonly id: keyof typeof downPublished;
  readonly label: string;
  readonly signal: NodeJS.Signals;
}

/** One death as the survivors saw it. */
interface Death {
  /** From the signal to when no survivor shows a row of the dead any more. */
  readonly goneMs: number;
  /** From the signal to when a connection to the dead ended; NaN if it did not. */
  readonly closedMs: number;
  readonly probes: readonly ProbeResult[];
}

interface Outcome {
  readonly way: Way;
  readonly deaths: Death[];
}

const WAYS: readonly Way[] = [
  { id: "killed", label: "killed (SIGKILL)", signal: "SIGKILL" },
  { id: "hung", label: "hung (SIGSTOP)", signal: "SIGSTOP" },
];
const SURVIVORS = 2;
const ROWS = 100_000;
const QUICK_ROWS = 10_000;
/** Rows that the probes of the survivors write, at most. */
const PROBED_ROWS = 2000;
const PROBE_MS = 300;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchDown(settings: Settings, progress: Progress): Promise<Report> {
  const rows = settings.quick ? QUICK_ROWS : ROWS;
  const outcomes: Outcome[] = WAYS.map((way) => ({ way, deaths: [] }));
  const cluster = await SkeinCluster.start(SURVIVORS, { profiles: settings.profiles });
  try {
    for (let round = 0; round < settings.rounds; round++) {
      for (const [index, { way, deaths }] of outcomes.entries()) {
        const done = round + index / outcomes.length;
        progress(`round ${round + 1}: ${way.label}`, done / settings.rounds);
        deaths.push(await death(cluster, way, rows));
      }
    }
    await cluster.compareContents();
  } finally {
    await cluster.stop();
  }
  return {
    name: "down",
    notes: [
      `Three nodes, each a process; one of them owns ${rows.toLocaleString("en")} rows and gets a ` +
        "signal, while a writer and a reader go on at the two others with pauses of 1 ms. A stall " +
        "is the time from when such a call was due to its end; writes wait for all members. Then " +
        "the survivors' digests were compared and were equal.",
      "Sockets closed: from the signal to the end of a connection that has nothing to do with " +
        "Skein. The kernel gives back the memory of a killed process first, and nobody can know " +
        "of the death before its sockets close; a write that waits for it takes no less.",
    ],
    sheets: [sheet(outcomes)],
    behind: outcomes.flatMap(behind),
    figures: figureList(outcomes),
  };
}

async function death(cluster: SkeinCluster, { id, signal }: Way, rows: number): Promise<Death> {
  const survivors = cluster.nodes.slice(0, SURVIVORS);
  const port = await freePort();
  // A newer incarnation of the name closes the older one, so that its rows end for good.
  const { node: victim } = await cluster.add(null, { name: "victim", port });
  const bystander = connect(port, "127.0.0.1");
  try {
    await once(bystander, "connect");
    await cluster.joined();
    await victim.call("load", { from: 0, count: rows });
    await cluster.compareDigests();
    await Promise.all(survivors.map((node) => node.call("probe", rows)));
    await pause(PROBE_MS);
    const gone = survivors.map((node) => node.call("shrunk", PROBED_ROWS));
    await cluster.profileStart(survivors);
    const at = performance.timeOrigin + performance.now();
    const closed = closing(bystander);
    victim.signal(signal);
    const goneMs = Math.max(...(await Promise.all(gone))) - at;
    const closedMs = closed() - at;
    await pause(PROBE_MS);
    const probes = await Promise.all(survivors.map((node) => node.call("probed", null)));
    await cluster.profileEnd(`down-${id}`, survivors);
    return { goneMs, closedMs, probes };
  } finally {
    bystander.destroy();
    victim.signal("SIGKILL");
    await cluster.remove(victim);
    await cluster.joined();
    await cluster.compareDigests();
  }
}

/** Asked later, it says when the connection ended, in ms since the Unix epoch. */
function closing(socket: Socket): () => number {
  let at = Number.NaN;
  // The end of a killed process may come as an error first; nobody hears of it who does not read.
  socket.on("error", () => undefined);
  socket.resume();
  socket.once("close", () => {
    at = performance.timeOrigin + performance.now();
  });
  return () => at;
}

function longest(deaths: readonly Death[], pick: (probe: ProbeResult) => number): number[] {
  return deaths.map(({ probes }) => Math.max(...probes.map(pick)));
}

function figureList(outcomes: readonly Outcome[]) {
  const figures = new Figures("down");
  for (const { way, deaths } of outcomes) {
    figures.add(
      { case: way.id, side: "Skein" },
      {
        timeMs: deaths.map(({ goneMs }) => goneMs),
        writeStallMs: longest(deaths, (probe) => probe.writeStallMs),
        readStallMs: longest(deaths, (probe) => probe.readStallMs),
        delayP99Ms: longest(deaths, (probe) => probe.delay.p99Ms),
        delayMaxMs: longest(deaths, (probe) => probe.delay.maxMs),
      },
    );
    const closedMs = deaths.map((each) => each.closedMs);
    figures.add({ case: way.id, side: "kernel" }, { closedMs });
  }
  return figures.list;
}

/** Median and longest; none while the process lives. */
function closedAfter(deaths: readonly Death[]): string[] {
  const closed = deaths.map(({ closedMs }) => closedMs).filter((ms) => !Number.isNaN(ms));
  if (closed.length === 0) return ["–", "–"];
  return [median(closed), Math.max(...closed)].map(millis);
}

function sheet(outcomes: readonly Outcome[]): Sheet {
  return {
    caption: "The worse of the survivors (medians of time and p99; the others are the longest)",
    head: [
      "the node is",
      "rows gone after",
      "sockets closed after, median",
      "longest",
      "writer's stall",
      "reader's stall",
      "loop delay p99",
      "longest",
      "deaths",
      "CETS's stall (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map(({ way, deaths }) => [
      way.label,
      millis(median(deaths.map(({ goneMs }) => goneMs))),
      ...closedAfter(deaths),
      millis(Math.max(...longest(deaths, (probe) => probe.writeStallMs))),
      millis(Math.max(...longest(deaths, (probe) => probe.readStallMs))),
      millis(median(longest(deaths, (probe) => probe.delay.p99Ms))),
      millis(Math.max(...longest(deaths, (probe) => probe.delay.maxMs))),
      `${deaths.length}`,
      downPublished[way.id].cets,
      downPublished[way.id].target,
    ]),
  };
}

function behind({ way, deaths }: Outcome): string[] {
  const stall = Math.max(...longest(deaths, (probe) => probe.writeStallMs));
  const { mostMs, target } = downPublished[way.id];
  return stall > mostMs
    ? [`${way.label}: a writer stalled ${millis(stall)}, target ${target}`]
    : [];
}
