/** What is read in which tables, and what a run of it finds. */
import type { MnesiaRead } from "./mnesia.ts";
import { type Published, readPublished } from "./published.ts";
import type { ReadKind, ReadResult } from "./read-loop.ts";

/** One way to read, and where a peer does the same. */
export interface Case {
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

/** How many rows the table has. */
export interface Size {
  readonly id: "rows100k" | "rows1m";
  readonly label: string;
  readonly rows: number;
}

export const SIZES: readonly Size[] = [
  { id: "rows100k", label: "100 k rows", rows: 100_000 },
  { id: "rows1m", label: "1 M rows", rows: 1_000_000 },
];

/** What was read how fast: one result for each round, by kind. */
export interface Outcome {
  readonly size: Size;
  readonly skein: ReadonlyMap<ReadKind, readonly ReadResult[]>;
  readonly mnesia: ReadonlyMap<MnesiaRead, readonly number[]>;
}

export function casesOf(size: Size): readonly Case[] {
  return size.id === "rows100k" ? CASES : CASES.filter((each) => !each.isSmallOnly);
}

export function publishedOf(each: Case, size: Size): Published | undefined {
  if (!each.published) return undefined;
  return readPublished[size.id === "rows1m" ? (`${each.published}1m` as const) : each.published];
}

export function skeinKinds(size: Size): Set<ReadKind> {
  return new Set([
    "keysMade",
    ...casesOf(size).flatMap(({ skein, map }) => (map ? [skein, map] : [skein])),
  ]);
}

export function mnesiaKinds(): Set<MnesiaRead> {
  return new Set([
    "keys",
    ...CASES.flatMap(({ ets, mnesia }) => [...(ets ? [ets] : []), ...(mnesia ? [mnesia] : [])]),
  ]);
}
