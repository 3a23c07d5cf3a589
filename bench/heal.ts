/**
 * Two nodes that hold the same rows lose sight of one another, write, and find each other again,
 * while a writer and a reader go on at both. Once what they missed is still in the op rings, once
 * it is not and buckets of rows are compared.
 */
import { bytes, millis, type Report, type Sheet } from "./format.ts";
import { freePort, Gate } from "./gate.ts";
import { median } from "./latency.ts";
import type { Healed } from "./node-process.ts";
import type { Progress, Settings } from "./progress.ts";
import { healPublished } from "./published.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Way {
  readonly label: string;
  readonly limits: Readonly<Record<string, number>>;
}

interface Outcome {
  readonly way: Way;
  readonly heals: readonly (readonly Healed[])[];
}

const WAYS: readonly Way[] = [
  { label: "by ops from the rings", limits: {} },
  { label: "by buckets of rows", limits: { opRingOps: 128 } },
];
const ROWS = 100_000;
const QUICK_ROWS = 10_000;
/** Written on each side while they are apart. */
const DIFFERING_PER_SIDE = 500;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchHeal(settings: Settings, progress: Progress): Promise<Report> {
  const rows = settings.quick ? QUICK_ROWS : ROWS;
  const outcomes: Outcome[] = [];
  for (const [index, way] of WAYS.entries()) {
    progress(way.label, index / WAYS.length);
    outcomes.push({ way, heals: await healsOf(way, rows, settings) });
  }
  return {
    name: "heal",
    notes: [
      `Two nodes of ${rows} rows; while their link is cut each writes ${DIFFERING_PER_SIDE} of them ` +
        "anew. Time: from the link to the moment when both have what they missed. Bytes: all that " +
        "both have read meanwhile. From the link on a writer and a reader go on at both, with " +
        "pauses of 1 ms; a stall is the time from when such a call was due to its end.",
    ],
    sheets: [sheet(outcomes)],
    behind: outcomes.flatMap(behind),
    data: outcomes,
  };
}

async function healsOf(way: Way, rows: number, settings: Settings): Promise<Healed[][]> {
  const cluster = await SkeinCluster.start(0);
  const gates: Gate[] = [];
  try {
    for (let at = 0; at < 2; at++) {
      const port = await freePort();
      const gate = new Gate(port);
      gates.push(gate);
      const advertise = `ws://127.0.0.1:${await gate.start()}`;
      await cluster.add(null, { port, advertise, limits: way.limits });
    }
    await cluster.joined();
    await cluster.load(0, rows);
    const heals: Healed[][] = [];
    for (let round = 0; round < settings.rounds; round++) {
      await cluster.compareDigests();
      for (const gate of gates) gate.shut();
      await cluster.joined(1);
      const count = DIFFERING_PER_SIDE;
      await Promise.all(
        cluster.nodes.map((node, at) => {
          const from = (2 * round + at) * count;
          return node.call("load", { from, count });
        }),
      );
      const healing = Promise.all(cluster.nodes.map((node) => node.call("heal", rows)));
      for (const gate of gates) gate.open();
      heals.push(await healing);
    }
    await cluster.compareDigests();
    await cluster.compareContents();
    return heals;
  } finally {
    await cluster.stop();
    await Promise.all(gates.map((gate) => gate.close()));
  }
}

/** The middle of the heals, and of stalls the longest. */
function figuresOf(heals: Outcome["heals"]) {
  const worst = (pick: (heal: Healed) => number) =>
    heals.map((both) => Math.max(...both.map(pick)));
  const sums = heals.map((both) => both.reduce((sum, heal) => sum + heal.bytes, 0));
  return {
    ms: median(worst((heal) => heal.ms)),
    bytes: median(sums),
    writeMs: Math.max(...worst((heal) => heal.probe.writeStallMs)),
    readMs: Math.max(...worst((heal) => heal.probe.readStallMs)),
    delayMs: Math.max(...worst((heal) => heal.probe.delay.p99Ms)),
  };
}

function sheet(outcomes: readonly Outcome[]): Sheet {
  const { cets, target } = healPublished.heal;
  return {
    caption: "Medians of time and bytes; stalls and delays are the greatest",
    head: [
      "way",
      "time",
      "bytes",
      "writer's stall",
      "reader's stall",
      "loop delay p99",
      "heals",
      "CETS (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map(({ way, heals }) => {
      const ours = figuresOf(heals);
      return [
        way.label,
        millis(ours.ms),
        bytes(ours.bytes),
        millis(ours.writeMs),
        millis(ours.readMs),
        millis(ours.delayMs),
        `${heals.length}`,
        cets,
        target,
      ];
    }),
  };
}

function behind({ way, heals }: Outcome): string[] {
  const ours = figuresOf(heals);
  const { value, bytesMost, stallMs, target } = healPublished.heal;
  const isBehind = ours.ms > value || ours.bytes > bytesMost || ours.writeMs > stallMs;
  if (!isBehind) return [];
  const said = `${millis(ours.ms)}, ${bytes(ours.bytes)}, stall ${millis(ours.writeMs)}`;
  return [`${way.label}: ${said}; target ${target}`];
}
