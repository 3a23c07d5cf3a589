/**
 * Hands seeds out in pieces, to whichever worker is free, and adds up what comes back in the
 * order of the seeds: whatever is interrupted goes on where all before it is done.
 */
import type { FailedSeed, SeedRun } from "./seed-run.ts";
import { addTotals, type Totals } from "./totals.ts";

/** Seeds that follow one another. */
export interface Piece {
  readonly from: number;
  readonly count: number;
}

/** What a queue is made of. */
export interface SeedQueueOptions {
  readonly from: number;
  /** The seed after the last one. */
  readonly end: number;
  /** Seeds in a piece: a second or so. */
  readonly pieceSeeds: number;
  /** Sums of what was run before; goes on in these. */
  readonly totals: Totals;
  /** A failing seed ends it, and its piece counts as not done. Otherwise 20 do. */
  readonly stopsAtFailure: boolean;
}

const FAILURES_MAX = 20;

/** The queue. */
export class SeedQueue {
  readonly failures: FailedSeed[] = [];
  readonly #options: SeedQueueOptions;
  /** Came back before those in front of them. */
  readonly #early = new Map<number, { readonly piece: Piece; readonly totals: Totals }>();
  #untaken: number;
  #next: number;
  #isStopped = false;

  constructor(options: SeedQueueOptions) {
    this.#options = options;
    this.#untaken = options.from;
    this.#next = options.from;
  }

  /** All seeds before this one are done. */
  get next(): number {
    return this.#next;
  }

  /** Of all seeds before `next`. */
  get totals(): Totals {
    return this.#options.totals;
  }

  /** The next piece to run; null if there is none. */
  take(): Piece | null {
    const { end, pieceSeeds } = this.#options;
    if (this.#isStopped || this.#untaken >= end) return null;
    const from = this.#untaken;
    const count = Math.min(pieceSeeds, end - from);
    this.#untaken += count;
    return { from, count };
  }

  /** Nothing more is handed out. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A piece that was taken was run. */
  done(piece: Piece, { totals, failures }: SeedRun): void {
    const { stopsAtFailure } = this.#options;
    this.failures.push(...failures);
    if (this.failures.length >= (stopsAtFailure ? 1 : FAILURES_MAX)) this.#isStopped = true;
    if (stopsAtFailure && failures.length > 0) return;
    this.#early.set(piece.from, { piece, totals });
    for (;;) {
      const first = this.#early.get(this.#next);
      if (first === undefined) return;
      this.#early.delete(this.#next);
      addTotals(this.totals, first.totals);
      this.#next += first.piece.count;
    }
  }
}
