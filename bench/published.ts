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
}

export const insertPublished = {
  callers1: { cets: "17.5 k/s, p50 46 µs", target: "p50 ≤ 46 µs", value: 46, factor: 1 },
  callers100: { cets: "60 k/s", target: "≥ 3×", value: 60_000, factor: 3 },
  callers1000: { cets: "63 k/s", target: "≥ 4×", value: 63_000, factor: 4 },
  callers300: { cets: "49 k/s", target: "≥ 3×", value: 49_000, factor: 3 },
  many100: { cets: "280 k rows/s", target: "–", value: 280_000, factor: 1 },
  many1000: { cets: "371 k rows/s", target: "≥ 2×", value: 371_000, factor: 2 },
} as const satisfies Record<string, Published>;

/** Off the leader. */
export const insertNewPublished = {
  callers1: { cets: "7.2 k/s", target: "≥ 1.5×", value: 7_200, factor: 1.5 },
  callers100: { cets: "24.6 k/s", target: "≥ 3×", value: 24_600, factor: 3 },
} as const satisfies Record<string, Published>;

export const readPublished = {
  get: { cets: "620 k/s", target: "≥ 4×", value: 620_000, factor: 4 },
  miss: { cets: "2.68 M/s", target: "–", value: 2_680_000, factor: 1 },
  scan: { cets: "274 k/s", target: "≥ 2×", value: 274_000, factor: 2 },
} as const satisfies Record<string, Published>;

/** Milliseconds to join an empty node; CETS stops all writers for as long. */
export const joinPublished = {
  rows100k: { cets: "382 ms, stalls 379 ms", target: "–", value: 382, factor: 1 },
  rows1m: { cets: "6,605 ms, stalls 6,603 ms", target: "≤ 2,000 ms", value: 6605, factor: 3.3 },
} as const satisfies Record<string, Published>;

/** Bytes per row. */
export const memoryPublished = {
  row: { cets: "432–507 B", target: "≤ 350 B", value: 507, factor: 507 / 350 },
} as const satisfies Record<string, Published>;

/** Healing 100,000 rows of which 1,000 differ, ms; CETS copies all of them. */
export const healPublished = {
  heal: {
    cets: "0.3 s, all stalled, 13.5 MB",
    target: "≤ 100 ms, ≤ 0.5 MB, stall ≤ 10 ms",
    value: 100,
    bytesMost: 500_000,
    stallMs: 10,
  },
} as const;
