/**
 * The lease as a simulated database keeps it: requests and answers take their time, and may be
 * lost, each for itself; what was asked may be done after its asker has given up. Its own time is
 * the true one, and the lease is changed by compare-and-set as in SQL.
 */
import type { LeaseAnswer, LeaseStore } from "../../src/discovery/lease.ts";
import { UnavailableError } from "../../src/errors.ts";
import type { SimProcess } from "./process.ts";
import type { ScriptAction } from "./script.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What befalls it. */
export type DatabaseFault = Extract<ScriptAction, { kind: "database" }>;

interface LeaseRow {
  readonly term: number;
  readonly holder: { readonly name: string; readonly origin: number };
  readonly endsAtMs: number;
}

/** An asker waits no longer than this. */
const TIMEOUT_MS = 2200;
const WAY_MAX_MS = 20;

/** The database. */
export class LeaseDatabase {
  readonly leaseMs: number;
  readonly counters = { leaseTerms: 0, leaseAnswersLost: 0 };
  readonly #time: VirtualClock;
  readonly #random: SeededRandom;
  #row: LeaseRow | null = null;
  #mode: DatabaseFault["mode"] | "works" = "works";
  #faults = 0;
  #worksFromMs = 0;

  constructor(time: VirtualClock, random: SeededRandom, leaseMs: number) {
    this.#time = time;
    this.#random = random;
    this.leaseMs = leaseMs;
  }

  /** Nothing is wrong with it, nor was when what is under way was asked. */
  get works(): boolean {
    return this.#mode === "works" && this.#time.nowMs > this.#worksFromMs;
  }

  /** The lease by the database's time; null if it has lapsed. */
  get lease(): { readonly term: number; readonly origin: number } | null {
    const row = this.#row;
    if (row === null || this.#time.nowMs >= row.endsAtMs) return null;
    return { term: row.term, origin: row.holder.origin };
  }

  /** As one node sees it. */
  store(holder: LeaseRow["holder"], process: SimProcess): LeaseStore {
    return {
      leaseMs: this.leaseMs,
      hold: (done) => this.#hold(holder, (answer) => process.input(() => done(answer))),
    };
  }

  befall({ mode, forMs }: DatabaseFault): void {
    this.#mode = mode;
    const fault = ++this.#faults;
    this.#time.after(forMs, () => {
      if (fault === this.#faults) this.repair();
    });
  }

  repair(): void {
    this.#worksFromMs = this.#time.nowMs + 2 * TIMEOUT_MS;
    this.#mode = "works";
  }

  #hold(holder: LeaseRow["holder"], done: (answer: LeaseAnswer | UnavailableError) => void): void {
    let isOver = false;
    const answer = (what: LeaseAnswer | UnavailableError): void => {
      if (!isOver) done(what);
      isOver = true;
    };
    this.#time.after(TIMEOUT_MS, () => answer(new UnavailableError("it does not answer")));
    this.#time.after(this.#wayMs(), () => {
      if (this.#mode === "away") return;
      const what = this.#change(holder);
      if (this.#mode === "lossy" && this.#random.chance(0.6)) {
        this.counters.leaseAnswersLost++;
        return;
      }
      this.#time.after(this.#wayMs(), () => answer(what));
    });
  }

  #change(holder: LeaseRow["holder"]): LeaseAnswer {
    const nowMs = this.#time.nowMs;
    const row = this.#row;
    const endsAtMs = nowMs + this.leaseMs;
    if (row !== null && row.holder.origin === holder.origin) {
      this.#row = { ...row, endsAtMs };
    } else if (row === null || row.endsAtMs <= nowMs) {
      this.counters.leaseTerms++;
      this.#row = { term: (row?.term ?? 0) + 1, holder, endsAtMs };
    }
    const now = this.#row as LeaseRow;
    const isOwn = now.holder.origin === holder.origin;
    return { term: now.term, holder: now.holder, isOwn, leftMs: now.endsAtMs - nowMs };
  }

  #wayMs(): number {
    const mostMs = this.#mode === "slow" ? 2 * TIMEOUT_MS : WAY_MAX_MS;
    return this.#random.between(0.2, mostMs);
  }
}
