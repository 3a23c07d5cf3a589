/**
 * What was measured of CETS (its best flags) and Mnesia on another machine: 2 cores, 3 nodes,
 * records of 193 bytes, Erlang/OTP 25. For orientation only: what counts is the ratio to a peer
 * that ran in the same minutes on the same machine. The targets are this project's own.
 */

/** One figure of another machine, and what this project wants to be relative to it. */
export interface Published {
  readonly cets: string;
  readonly target: string;
  /** The figure as a number, in the unit of the case, to say ahead or behind. */
  readonly value: number;
  /** How many times better than `value` the target is. */
  readonly factor: number;
  /**
   * Mnesia's figure (for reads: that of ETS) of that machine, to scale CETS's by the same peer of
   * a run here.
   */
  readonly peer?: number;
}

/** Rates, but for one caller: p50 in microseconds. */
export const insertPublished = {
  callers1: {
    cets: "17.5 k/s, p50 46 µs",
    target: "p50 ≤ 46 µs",
    value: 46,
    factor: 1,
    peer: 49.5,
  },
  callers100: { cets: "60 k/s", target: "≥ 3×", value: 60_000, factor: 3, peer: 47_800 },
  callers1000: { cets: "63 k/s", target: "≥ 4×", value: 63_000, factor: 4, peer: 41_500 },
  callers300: { cets: "49 k/s", target: "≥ 3×", value: 49_000, factor: 3, peer: 41_100 },
  many100: { cets: "280 k rows/s", target: "–", value: 280_000, factor: 1 },
  many1000: { cets: "371 k rows/s", target: "≥ 2×", value: 371_000, factor: 2 },
  pipelined: { cets: "68 k/s", target: "–", value: 68_000, factor: 1 },
} as const satisfies Record<string, Published>;

/** `insertNew` of fresh keys, off the leader; Mnesia does it by a transaction. */
export const insertNewPublished = {
  callers1: { cets: "7.2 k/s", target: "≥ 1.5×", value: 7200, factor: 1.5, peer: 3600 },
  callers100: { cets: "24.6 k/s", target: "≥ 3×", value: 24_600, factor: 3, peer: 13_900 },
} as const satisfies Record<string, Published>;

/** CETS reads by ETS itself, so ETS's figures are CETS's. */
export const readPublished = {
  get: { cets: "620 k/s", target: "≥ 4×", value: 620_000, factor: 4, peer: 620_000 },
  get1m: { cets: "375 k/s", target: "–", value: 375_000, factor: 1, peer: 375_000 },
  miss: { cets: "2.68 M/s", target: "–", value: 2_680_000, factor: 1, peer: 2_680_000 },
  miss1m: { cets: "2.55 M/s", target: "–", value: 2_550_000, factor: 1, peer: 2_550_000 },
  scan: { cets: "274 k/s", target: "≥ 2×", value: 274_000, factor: 2, peer: 274_000 },
  scan1m: { cets: "198 k/s", target: "–", value: 198_000, factor: 1, peer: 198_000 },
} as const satisfies Record<string, Published>;

/** Milliseconds to join an empty node; CETS stops all writers for as long. */
export const joinPublished = {
  rows100k: {
    cets: "382 ms, stalls 379 ms",
    target: "–",
    value: 382,
    factor: 1,
    peer: 120,
    stall: { value: 379, peer: 6 },
  },
  rows1m: {
    cets: "6,605 ms, stalls 6,603 ms",
    target: "≤ 2,000 ms",
    value: 6605,
    factor: 3.3,
    peer: 1046,
    stall: { value: 6603, peer: 5.2 },
  },
} as const;

/** Bytes per row: the least of CETS's figures is its table alone, the greatest its process. */
export const memoryPublished = {
  row: { cets: "432–507 B", target: "≤ 350 B", value: 507, factor: 507 / 350, least: 432 },
} as const;

/** Healing 100,000 rows of which 1,000 differ, ms; CETS copies all of them. */
export const healPublished = {
  heal: {
    cets: "0.3 s, all stalled, 13.5 MB",
    target: "≤ 100 ms, ≤ 0.5 MB, stall ≤ 10 ms",
    value: 100,
    bytesMost: 500_000,
    stallMs: 10,
    cetsMs: 322,
    cetsBytes: 13_500_000,
  },
} as const;

/** The longest stall of a write when a peer is killed or hangs, ms. */
export const downPublished = {
  killed: { cets: "6 ms", target: "≤ 10 ms", value: 6, mostMs: 10 },
  hung: { cets: "74 s", target: "≤ 4 s", value: 73_900, mostMs: 4000 },
} as const;

/** From the start of all nodes to when all have joined, ms, empty tables. */
export const formPublished = {
  nodes3: { cets: "0.38–0.48 s", target: "–", value: 426, mostMs: Number.POSITIVE_INFINITY },
  nodes8: { cets: "49–54 s", target: "≤ 2 s", value: 48_683, mostMs: 2000 },
} as const;
