/**
 * When to ask the backend for the list of nodes. Pure: it is told what happened and at what
 * time, and says when the next query is due.
 *
 * Waiting: a query is due at `dueAt`. Asking: one query runs; a trigger meanwhile is remembered,
 * and makes the next one due right after it.
 */

/** All waits between queries, in milliseconds. */
export interface ScheduleTimings {
  /** Between queries of the initial phase. Default 5,000. */
  readonly initialMs: number;
  /** Longest initial phase; it ends early when every discovered node is linked. Default 300,000. */
  readonly initialPhaseMs: number;
  /** Between queries afterwards; also what keeps the own row fresh. Default 300,000. */
  readonly regularMs: number;
  /** After an error. Default 1,000. */
  readonly errorMs: number;
  /** After a node went down, and for how long that counts. Default 30,000. */
  readonly nodeDownMs: number;
  /** Shortest time between the starts of two queries, whatever triggers them. Default 100. */
  readonly gapMs: number;
}

export const SCHEDULE_DEFAULTS: ScheduleTimings = {
  initialMs: 5_000,
  initialPhaseMs: 300_000,
  regularMs: 300_000,
  errorMs: 1_000,
  nodeDownMs: 30_000,
  gapMs: 100,
};

/** Waits vary by so much up and down, so that nodes do not ask in step. */
export const JITTER = 0.1;

/** See the head of this file. `roll` is a random number from 0 to 1, which spreads the wait. */
export class Schedule {
  readonly #timings: ScheduleTimings;
  readonly #initialUntil: number;
  #initial = true;
  #dueAt: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  #asking = false;
  #triggered = false;
  #downAt = Number.NEGATIVE_INFINITY;

  constructor(timings: ScheduleTimings, now: number) {
    this.#timings = timings;
    this.#initialUntil = now + timings.initialPhaseMs;
    this.#dueAt = now;
  }

  /** When the next query may start; Infinity while one runs. */
  get dueAt(): number {
    return this.#asking ? Number.POSITIVE_INFINITY : this.#dueAt;
  }

  /** A query starts. */
  started(now: number): void {
    if (this.#asking) throw new Error("a query starts while another runs");
    this.#asking = true;
    this.#triggered = false;
    this.#startedAt = now;
  }

  /** The query was answered. */
  answered(now: number, roll: number): void {
    this.#finish(now, this.#interval(now), roll);
  }

  /** The query failed, or took too long. */
  failed(now: number, roll: number): void {
    this.#finish(now, this.#timings.errorMs, roll);
  }

  /** Something makes a new answer likely: a link from a stranger, a new table, a hint. */
  trigger(now: number): void {
    this.#triggered = true;
    if (!this.#asking) this.#dueAt = Math.min(this.#dueAt, this.#atOnce(now));
  }

  /** A node went down; it may come back at another address. */
  nodeDown(now: number, roll: number): void {
    this.#downAt = now;
    if (this.#asking) return;
    this.#dueAt = Math.min(this.#dueAt, now + spread(this.#timings.nodeDownMs, roll));
  }

  /** Every node that was discovered is linked: the initial phase is over. */
  allLinked(): void {
    this.#initial = false;
  }

  #finish(now: number, waitMs: number, roll: number): void {
    if (!this.#asking) throw new Error("a query ends that never started");
    this.#asking = false;
    this.#dueAt = this.#triggered ? this.#atOnce(now) : now + spread(waitMs, roll);
  }

  #interval(now: number): number {
    const { initialMs, nodeDownMs, regularMs } = this.#timings;
    if (this.#initial && now < this.#initialUntil) return initialMs;
    return now - this.#downAt < nodeDownMs ? nodeDownMs : regularMs;
  }

  #atOnce(now: number): number {
    return Math.max(now, this.#startedAt + this.#timings.gapMs);
  }
}

/** A wait, shortened or lengthened by up to a tenth. */
export function spread(ms: number, roll: number): number {
  return ms * (1 - JITTER + 2 * JITTER * roll);
}
