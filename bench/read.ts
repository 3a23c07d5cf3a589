/**
 * Reads on a replica, of 100 k and of 1 M rows, in a process that does nothing else, beside a
 * bare Map in the same process and ETS (by which CETS reads) and Mnesia in Erlang processes.
 */
import { Figures } from "./figure.ts";
import { digits, perSecond, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import { Mnesia, type MnesiaRead, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { type Published, readPublished } from "./published.ts";
import type { ReadKind, ReadResult } from "./read-loop.ts";
import type { Report } from "./report.ts";
import { type NodeRemote, SkeinCluster } from "./skein-cluster.ts";

interface Case {
  readonly label: string;
  readonly skein: ReadKind;
  /** The same with a bare Map, where a Map can do it. */
  readonly map?: ReadKind;
  readonly ets?: MnesiaRead;
  readonly mnesia?: MnesiaRead;
  readonly published?: "get" | "miss" | "scan";
  /** Not in the larger table: an index would take its memory as well. */
  readonly isSmallOnly?: boolean;
}

/** Erlang's keys are always made for the call: they are data of the calling process. */
const CASES: readonly Case[] = [
  {
    label: "get, string key at hand",
    skein: "text",
    map: "map",
    ets: "ets",
    mnesia: "mnesia",
    published: "get",
  },
  {
    label: "get, string key made for the call",
    skein: "textMade",
    map: "mapMade",
    ets: "ets",
    mnesia: "mnesia",
    published: "get",
  },
  {
    label: "get, tuple key made for the call",
    skein: "tuple",
    ets: "ets",
    mnesia: "mnesia",
    published: "get",
  },
  {
    label: "get, no such string key",
    skein: "textMiss",
    map: "mapMiss",
    ets: "miss",
    published: "miss",
  },
  { label: "get, no such tuple key", skein: "tupleMiss", ets: "miss", published: "miss" },
  { label: "scan of 3 rows by prefix", skein: "scan", ets: "scan", published: "scan" },
  { label: "find of 3 rows by an index", skein: "find", isSmallOnly: true },
];

interface Size {
  readonly id: "rows100k" | "rows1m";
  readonly label: string;
  readonly rows: number;
}

const SIZES: readonly Size[] = [
  { id: "rows100k", label: "100 k rows", rows: 100_000 },
  { id: "rows1m", label: "1 M rows", rows: 1_000_000 },
];

/** What was read how fast: one result for each round, by kind. */
interface Outcome {
  readonly size: Size;
  readonly skein: ReadonlyMap<ReadKind, readonly ReadResult[]>;
  readonly mnesia: ReadonlyMap<MnesiaRead, readonly number[]>;
}

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
  return report(outcomes, missing);
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
    const { node: replica } = await cluster.add();
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

function casesOf(size: Size): readonly Case[] {
  return size.id === "rows100k" ? CASES : CASES.filter((each) => !each.isSmallOnly);
}

function publishedOf(each: Case, size: Size): Published | undefined {
  if (!each.published) return undefined;
  return readPublished[size.id === "rows1m" ? (`${each.published}1m` as const) : each.published];
}

function skeinKinds(size: Size): Set<ReadKind> {
  return new Set([
    "keysMade",
    ...casesOf(size).flatMap(({ skein, map }) => (map ? [skein, map] : [skein])),
  ]);
}

function mnesiaKinds(): Set<MnesiaRead> {
  return new Set([
    "keys",
    ...CASES.flatMap(({ ets, mnesia }) => [...(ets ? [ets] : []), ...(mnesia ? [mnesia] : [])]),
  ]);
}

function report(outcomes: readonly Outcome[], missing: string): Report {
  const notes = [
    "Rows that another node has written, each read once before. Random order; nanoseconds are " +
      "per call, of blocks of 1,000 calls. Both nodes' digests were compared and were equal.",
  ];
  for (const outcome of outcomes) {
    const made = `Making the string key alone, ${outcome.size.label}`;
    notes.push(`${made}: ${perSecond(rateOf(outcome, "keysMade"))}.`);
  }
  if (missing) notes.push(`ETS and Mnesia were skipped: ${missing}.`);
  else {
    const keys = outcomes.map(({ mnesia }) => perSecond(median(mnesia.get("keys") ?? [])));
    notes.push(
      `ETS and Mnesia copy the row out. Making the key alone in Erlang: ${keys.join(", ")}.`,
    );
  }
  return {
    name: "read",
    notes,
    sheets: outcomes.flatMap((outcome) => [ratios(outcome), nanoseconds(outcome)]),
    behind: outcomes.flatMap((outcome) =>
      casesOf(outcome.size).flatMap((each) => behind(each, outcome)),
    ),
    figures: figureList(outcomes),
  };
}

/** Cases are named after what is read and how many rows there are: "text rows100k". */
function figureList(outcomes: readonly Outcome[]) {
  const figures = new Figures("read");
  for (const { size, skein, mnesia } of outcomes) {
    for (const each of casesOf(size)) {
      const add = (side: string, rates: readonly number[]) =>
        figures.add({ case: `${each.skein} ${size.id}`, side }, { rate: rates });
      const ours = (kind: ReadKind) => (skein.get(kind) ?? []).map((result) => result.rate);
      add("Skein", ours(each.skein));
      if (each.map) add("bare Map", ours(each.map));
      if (each.ets) add("ETS", mnesia.get(each.ets) ?? []);
      if (each.mnesia) add("Mnesia", mnesia.get(each.mnesia) ?? []);
    }
  }
  return figures.list;
}

function rateOf({ skein }: Outcome, kind: ReadKind | undefined): number {
  return kind ? median((skein.get(kind) ?? []).map((result) => result.rate)) : Number.NaN;
}

function peerRate({ mnesia }: Outcome, kind: MnesiaRead | undefined): number {
  return kind ? median(mnesia.get(kind) ?? []) : Number.NaN;
}

function ratios(outcome: Outcome): Sheet {
  return {
    caption: `Ratios of this run, ${outcome.size.label}`,
    head: [
      "case",
      "Skein",
      "ETS",
      "Skein ÷ ETS",
      "Mnesia dirty_read",
      "Skein ÷ Mnesia",
      "bare Map",
      "Skein ÷ Map",
      "CETS (another machine, for orientation)",
      "target against CETS",
    ],
    rows: casesOf(outcome.size).map((each) => {
      const rate = rateOf(outcome, each.skein);
      const ets = peerRate(outcome, each.ets);
      const mnesia = peerRate(outcome, each.mnesia);
      const map = rateOf(outcome, each.map);
      return [
        each.label,
        perSecond(rate),
        perSecond(ets),
        times(rate / ets),
        perSecond(mnesia),
        times(rate / mnesia),
        perSecond(map),
        times(rate / map),
        publishedOf(each, outcome.size)?.cets ?? "–",
        publishedOf(each, outcome.size)?.target ?? "–",
      ];
    }),
  };
}

function nanoseconds(outcome: Outcome): Sheet {
  return {
    caption:
      `Nanoseconds per call, ${outcome.size.label} ` +
      "(medians of the rounds; max is the slowest block of all)",
    head: ["case", "side", "p50", "p99", "max", "rounds"],
    rows: casesOf(outcome.size).flatMap(({ label, skein, map }) => {
      const row = (side: string, kind: ReadKind) => {
        const results = outcome.skein.get(kind) ?? [];
        return [
          label,
          side,
          digits(median(results.map((result) => result.p50Nanos))),
          digits(median(results.map((result) => result.p99Nanos))),
          digits(Math.max(...results.map((result) => result.maxNanos))),
          `${results.length}`,
        ];
      };
      return map ? [row("Skein", skein), row("bare Map", map)] : [row("Skein", skein)];
    }),
  };
}

function behind(each: Case, outcome: Outcome): string[] {
  const rate = rateOf(outcome, each.skein);
  const label = `${each.label}, ${outcome.size.label}`;
  const lines: string[] = [];
  const ets = peerRate(outcome, each.ets);
  if (rate < ets) lines.push(`${label}: ${times(rate / ets)} of ETS in this run`);
  const published = publishedOf(each, outcome.size);
  if (published && rate < published.value * published.factor) {
    lines.push(
      `${label}: ${times(rate / published.value)} of CETS's ${published.cets} of another machine` +
        (published.factor > 1 ? `, target ${published.target}` : ""),
    );
  }
  return lines;
}
