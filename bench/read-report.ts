/** The tables of the reads of a run, and its figures. */
import { Figures } from "./figure.ts";
import { digits, perSecond, type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import type { MnesiaRead } from "./mnesia.ts";
import { type Case, casesOf, type Outcome, publishedOf } from "./read-cases.ts";
import type { ReadKind } from "./read-loop.ts";
import type { Report } from "./report.ts";

/** Text and figures of all sizes. */
export function readReport(outcomes: readonly Outcome[], missing: string): Report {
  const notes = [
    "Rows that another node has written, each read once before. Random order; nanoseconds are " +
      "per call, of blocks of 1,000 calls. Both nodes' digests were compared and were equal. " +
      "There is room for the decoded values of both tables (`decodedBytes`, 512 MiB).",
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
