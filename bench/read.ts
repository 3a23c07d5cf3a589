/**
 * Reads on a replica, 100 k rows, one process that does nothing else, beside a bare Map in the
 * same process and ETS (by which CETS reads) and Mnesia in Erlang processes of the same run.
 */
import { digits, perSecond, type Report, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import { Mnesia, type MnesiaRead, mnesiaMissing } from "./mnesia.ts";
import type { Progress, Settings } from "./progress.ts";
import { type Published, readPublished } from "./published.ts";
import type { ReadKind, ReadResult } from "./read-loop.ts";
import { SkeinCluster } from "./skein-cluster.ts";

interface Case {
  readonly label: string;
  readonly skein: ReadKind;
  /** The same with a bare Map, where a Map can do it. */
  readonly map: ReadKind | null;
  readonly ets: MnesiaRead;
  readonly mnesia: MnesiaRead | null;
  readonly published: Published;
}

const ROWS = 100_000;

/** Erlang's keys are always made for the call: they are data of the calling process. */
const CASES: readonly Case[] = [
  {
    label: "get, string key at hand",
    skein: "text",
    map: "map",
    ets: "ets",
    mnesia: "mnesia",
    published: readPublished.get,
  },
  {
    label: "get, string key made for the call",
    skein: "textMade",
    map: "mapMade",
    ets: "ets",
    mnesia: "mnesia",
    published: readPublished.get,
  },
  {
    label: "get, tuple key made for the call",
    skein: "tuple",
    map: null,
    ets: "ets",
    mnesia: "mnesia",
    published: readPublished.get,
  },
  {
    label: "get, no such string key",
    skein: "textMiss",
    map: "mapMiss",
    ets: "miss",
    mnesia: null,
    published: readPublished.miss,
  },
  {
    label: "get, no such tuple key",
    skein: "tupleMiss",
    map: null,
    ets: "miss",
    mnesia: null,
    published: readPublished.miss,
  },
  {
    label: "scan of 3 rows by prefix",
    skein: "scan",
    map: null,
    ets: "scan",
    mnesia: null,
    published: readPublished.scan,
  },
];

/** What was read how fast: medians over the rounds, by kind. */
interface Outcome {
  readonly skein: ReadonlyMap<ReadKind, readonly ReadResult[]>;
  readonly mnesia: ReadonlyMap<MnesiaRead, readonly number[]>;
}

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchRead(settings: Settings, progress: Progress): Promise<Report> {
  const missing = mnesiaMissing();
  progress("starting", 0);
  const cluster = await SkeinCluster.start(2, { profiles: settings.profiles });
  let mnesia: Mnesia | null = null;
  try {
    mnesia = missing ? null : await Mnesia.start(1);
    await mnesia?.load(0, ROWS);
    await cluster.load(0, ROWS);
    await cluster.first.call("loadTexts", { from: 0, count: ROWS });
    const outcome = await run(cluster, mnesia, settings, progress);
    return report(outcome, missing);
  } finally {
    await Promise.all([cluster.stop(), mnesia?.stop()]);
  }
}

async function run(
  cluster: SkeinCluster,
  mnesia: Mnesia | null,
  settings: Settings,
  progress: Progress,
): Promise<Outcome> {
  const measuredMs = settings.quick ? 150 : 500;
  const replica = cluster.nodes[1];
  if (!replica) throw new Error("there is no replica");
  await replica.call("prepareReads", ROWS);
  await replica.call("readAll", null);
  const ours = new Map<ReadKind, ReadResult[]>();
  const theirs = new Map<MnesiaRead, number[]>();
  const rounds = settings.rounds + 1;
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round}`, round / rounds);
    for (const kind of skeinKinds()) {
      const result = await replica.call("read", { kind, measuredMs });
      // The first round warms the compiler up and is dropped.
      if (round > 0) ours.set(kind, [...(ours.get(kind) ?? []), result]);
    }
    for (const kind of mnesia ? mnesiaKinds() : []) {
      const rate = (await mnesia?.read(kind, ROWS, measuredMs)) ?? Number.NaN;
      if (round > 0) theirs.set(kind, [...(theirs.get(kind) ?? []), rate]);
    }
  }
  return { skein: ours, mnesia: theirs };
}

function skeinKinds(): Set<ReadKind> {
  return new Set([
    "keysMade",
    ...CASES.flatMap(({ skein, map }) => (map ? [skein, map] : [skein])),
  ]);
}

function mnesiaKinds(): Set<MnesiaRead> {
  return new Set(["keys", ...CASES.flatMap(({ ets, mnesia }) => (mnesia ? [ets, mnesia] : [ets]))]);
}

function report(outcome: Outcome, missing: string): Report {
  const made = rateOf(outcome, "keysMade");
  const notes = [
    `${ROWS.toLocaleString("en")} rows that another node has written, each read once before. ` +
      "Random order; nanoseconds are per call, of blocks of 1,000 calls. " +
      `Making the string key alone: ${perSecond(made)}.`,
  ];
  if (missing) notes.push(`ETS and Mnesia were skipped: ${missing}.`);
  else {
    const keys = perSecond(median(outcome.mnesia.get("keys") ?? []));
    notes.push(`ETS and Mnesia copy the row out. Making the key alone in Erlang: ${keys}.`);
  }
  return {
    name: "read",
    notes,
    sheets: [ratios(outcome), figures(outcome)],
    behind: CASES.flatMap((each) => behind(each, outcome)),
    data: {
      skein: Object.fromEntries(outcome.skein),
      mnesia: Object.fromEntries(outcome.mnesia),
    },
  };
}

function rateOf({ skein }: Outcome, kind: ReadKind | null): number {
  return kind ? median((skein.get(kind) ?? []).map((result) => result.rate)) : Number.NaN;
}

function peerRate({ mnesia }: Outcome, kind: MnesiaRead | null): number {
  return kind ? median(mnesia.get(kind) ?? []) : Number.NaN;
}

function ratios(outcome: Outcome): Sheet {
  return {
    caption: "Ratios of this run",
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
    rows: CASES.map((each) => {
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
        each.published.cets,
        each.published.target,
      ];
    }),
  };
}

function figures(outcome: Outcome): Sheet {
  return {
    caption: "Nanoseconds per call (medians of the rounds; max is the slowest block of all)",
    head: ["case", "side", "p50", "p99", "max", "rounds"],
    rows: CASES.flatMap(({ label, skein, map }) => {
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
  const lines: string[] = [];
  const ets = peerRate(outcome, each.ets);
  if (rate < ets) lines.push(`${each.label}: ${times(rate / ets)} of ETS in this run`);
  const { value, factor, cets } = each.published;
  if (rate < value * factor) {
    lines.push(
      `${each.label}: ${times(rate / value)} of CETS's ${cets} of another machine` +
        (factor > 1 ? `, target ${each.published.target}` : ""),
    );
  }
  return lines;
}
