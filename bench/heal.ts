/**
 * Two nodes that hold the same rows lose sight of one another, write, and find each other again,
 * while a writer and a reader go on at both. Once what they missed is still in the op rings; else
 * buckets of rows are compared: of few rows that differ, of some, and of all.
 */
import { Figures } from "./figure.ts";
import { bytes, millis, type Sheet } from "./format.ts";
import { freePort, Gate } from "./gate.ts";
import { median } from "./latency.ts";
import type { Healed } from "./node-calls.ts";
import type { Progress, Settings } from "./progress.ts";
import { healPublished } from "./published.ts";
import type { Report } from "./report.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Way {
  readonly id: string;
  readonly label: string;
  readonly limits: Readonly<Record<string, number>>;
  /** Rows that differ, of so many. */
  readonly differing: (rows: number) => number;
  /** The target is for this one. */
  readonly isJudged: boolean;
}

/** One heal as both ends saw it. */
type Heal = readonly Healed[];

interface Outcome {
  readonly way: Way;
  /** In processes that have not healed before: what compilers do not know yet. */
  readonly cold: readonly Heal[];
  readonly heals: readonly Heal[];
}

const WAYS: readonly Way[] = [
  {
    id: "ops",
    label: "by ops from the rings",
    limits: {},
    differing: () => DIFFERING,
    isJudged: true,
  },
  {
    id: "buckets1000",
    label: "by buckets of rows",
    limits: { opRingOps: 128 },
    differing: () => DIFFERING,
    isJudged: true,
  },
  {
    id: "buckets10",
    label: "by buckets",
    limits: { opRingOps: 4 },
    differing: () => 10,
    isJudged: false,
  },
  {
    id: "bucketsAll",
    label: "by buckets",
    limits: { opRingOps: 128 },
    differing: (rows) => rows,
    isJudged: false,
  },
];
const ROWS = 100_000;
const QUICK_ROWS = 10_000;
/** Written while they are apart, half on each side. */
const DIFFERING = 1000;
/** Of a way that is judged, so many come before those that count. */
const COLD_HEALS = 3;

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchHeal(settings: Settings, progress: Progress): Promise<Report> {
  const rows = settings.quick ? QUICK_ROWS : ROWS;
  const outcomes: Outcome[] = [];
  for (const [index, way] of WAYS.entries()) {
    progress(way.label, index / WAYS.length);
    const colds = way.isJudged && !settings.quick ? COLD_HEALS : 0;
    const heals = await healsOf(way, rows, { ...settings, rounds: colds + settings.rounds });
    outcomes.push({ way, cold: heals.slice(0, colds), heals: heals.slice(colds) });
  }
  return {
    name: "heal",
    notes: [
      `Two nodes of ${rows} rows; while their link is cut each writes half of those that are to ` +
        "differ anew. Time: from the link to the moment when both have what they missed. Bytes: all that " +
        "both have read meanwhile. From the link on a writer and a reader go on at both, with " +
        "pauses of 1 ms; a stall is the time from when such a call was due to its end.",
      `Of the ways that are judged the first ${COLD_HEALS} heals do not count: code that runs for ` +
        "the first time takes several times as long. They stand beside as cold.",
    ],
    sheets: [sheet(outcomes, rows)],
    behind: outcomes.flatMap(behind),
    figures: figureList(outcomes),
  };
}

function figureList(outcomes: readonly Outcome[]) {
  const figures = new Figures("heal");
  for (const { way, heals } of outcomes) {
    const worst = (pick: (heal: Healed) => number) =>
      heals.map((both) => Math.max(...both.map(pick)));
    figures.add(
      { case: way.id, side: "Skein" },
      {
        timeMs: worst((heal) => heal.ms),
        movedBytes: heals.map((both) => both.reduce((sum, heal) => sum + heal.bytes, 0)),
        writeStallMs: worst((heal) => heal.probe.writeStallMs),
        readStallMs: worst((heal) => heal.probe.readStallMs),
        delayP99Ms: worst((heal) => heal.probe.delay.p99Ms),
        delayMaxMs: worst((heal) => heal.probe.delay.maxMs),
      },
    );
  }
  return figures.list;
}

async function healsOf(way: Way, rows: number, settings: Settings): Promise<Heal[]> {
  const cluster = await SkeinCluster.start(0, { profiles: settings.profiles });
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
    const heals: Heal[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      await cluster.compareDigests();
      for (const gate of gates) gate.shut();
      await cluster.joined(1);
      const count = way.differing(rows) / 2;
      await Promise.all(
        cluster.nodes.map((node, at) => {
          const from = ((2 * round + at) * count) % rows;
          return node.call("load", { from, count });
        }),
      );
      const healing = Promise.all(cluster.nodes.map((node) => node.call("heal", rows)));
      await cluster.profileStart();
      for (const gate of gates) gate.open();
      heals.push(await healing);
      await cluster.profileEnd(`heal-${round}`);
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
    writeMs: [0, 1].map((end) =>
      Math.max(...heals.map((both) => both[end]?.probe.writeStallMs ?? Number.NaN)),
    ),
    readMs: Math.max(...worst((heal) => heal.probe.readStallMs)),
    delayMs: Math.max(...worst((heal) => heal.probe.delay.p99Ms)),
  };
}

function sheet(outcomes: readonly Outcome[], rows: number): Sheet {
  const { cets, target } = healPublished.heal;
  return {
    caption: "Medians of time and bytes; stalls and delays are the greatest",
    head: [
      "way",
      "rows that differ",
      "time",
      "bytes",
      "bytes a row",
      "writer's stall, one end",
      "the other",
      "reader's stall",
      "loop delay p99",
      "heals",
      "cold: time, longest",
      "cold: writer's stall",
      "CETS (another machine, for orientation)",
      "target",
    ],
    rows: outcomes.map(({ way, cold, heals }) => {
      const ours = figuresOf(heals);
      const coldest = (pick: (healed: Healed) => number) =>
        cold.length === 0 ? "–" : millis(Math.max(...cold.flat().map(pick)));
      const differing = way.differing(rows);
      return [
        way.label,
        `${differing}`,
        millis(ours.ms),
        bytes(ours.bytes),
        `${Math.round(ours.bytes / differing)}`,
        ...ours.writeMs.map(millis),
        millis(ours.readMs),
        millis(ours.delayMs),
        `${heals.length}`,
        coldest(({ ms }) => ms),
        coldest(({ probe }) => probe.writeStallMs),
        way.isJudged ? cets : "",
        way.isJudged ? target : "",
      ];
    }),
  };
}

function behind({ way, heals }: Outcome): string[] {
  const ours = figuresOf(heals);
  const { value, bytesMost, stallMs, target } = healPublished.heal;
  const writeMs = Math.max(...ours.writeMs);
  const isBehind = ours.ms > value || ours.bytes > bytesMost || writeMs > stallMs;
  if (!isBehind || !way.isJudged) return [];
  const said = `${millis(ours.ms)}, ${bytes(ours.bytes)}, stall ${millis(writeMs)}`;
  return [`${way.label}: ${said}; target ${target}`];
}
