/**
 * Keeps this node's lease: renews it well before it lapses, and takes it when it is free and this
 * node may. Nothing but a clock and a store, for a simulated one as well.
 *
 *   idle --start--> asking now and then --renewed or taken--> holding --time is over--> asking
 *
 * Intuition: what the database gave lasts for `leaseMs` from when it wrote, which was after this
 * node began to ask. Counting from there, and a tenth less for clocks that run apart, this node
 * stops before anybody else can begin. An answer that never came changes nothing here.
 */
import { SkeinError } from "../errors.ts";
import type { Clock, Timer } from "../runtime.ts";
import type { LeaseAnswer, LeaseStore } from "./lease.ts";

/** What is done under a lease ends this part of its time early: clocks may run apart by a tenth. */
const SAFETY = 0.1;
/** A lease is renewed when so much of its time is over. */
const RENEW = 0.3;
/** It is looked at this often in its time. */
const STEPS = 20;

export interface LeaseKeeperOptions {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** Whether this node may take a lease that is free. */
  mayTake(): boolean;
  /** The database has answered, or failed to. */
  answered(): void;
}

/** A lease that this node holds. */
export interface HeldLease {
  readonly term: number;
  /** By this node's monotonic clock, ms. */
  readonly untilMs: number;
}

/** The keeper. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #timer: Timer | undefined;
  #isRunning = false;
  #isAsking = false;
  #askAtMs = 0;
  #held: HeldLease | null = null;
  #answer: LeaseAnswer | null = null;
  #error: SkeinError | null = null;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** What this node holds now; null if nothing. */
  get held(): HeldLease | null {
    const held = this.#held;
    return held !== null && this.#options.clock.now() < held.untilMs ? held : null;
  }

  /** What the database said last. */
  get answer(): LeaseAnswer | null {
    return this.#answer;
  }

  /** Why the last question was not answered; null if it was. */
  get error(): SkeinError | null {
    return this.#error;
  }

  /** For how long a lease is renewed before it lapses, at least, ms. */
  get renewMs(): number {
    return this.#options.store.leaseMs * RENEW;
  }

  /** Begins. Does nothing the second time. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#step();
  }

  /** Asks no more. What is held lapses by itself. */
  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#held = null;
  }

  #step(): void {
    const { clock, store } = this.#options;
    this.#timer = clock.after(store.leaseMs / STEPS, () => this.#step());
    if (this.#isAsking || clock.now() < this.#askAtMs) return;
    if (this.held !== null || this.#options.mayTake()) this.#ask();
  }

  #ask(): void {
    const { clock, store } = this.#options;
    const askedAt = clock.now();
    this.#isAsking = true;
    store.hold((answer) => {
      this.#isAsking = false;
      if (!this.#isRunning) return;
      if (answer instanceof SkeinError) this.#failed(answer);
      else this.#answered(answer, askedAt);
      this.#options.answered();
    });
  }

  #failed(error: SkeinError): void {
    const { clock, store } = this.#options;
    this.#error = error;
    this.#askAtMs = clock.now() + store.leaseMs / STEPS;
  }

  #answered(answer: LeaseAnswer, askedAt: number): void {
    const { clock, store } = this.#options;
    this.#answer = answer;
    this.#error = null;
    if (answer.isOwn) {
      this.#held = { term: answer.term, untilMs: askedAt + store.leaseMs * (1 - SAFETY) };
      this.#askAtMs = askedAt + this.renewMs;
    } else {
      this.#held = null;
      this.#askAtMs = clock.now() + Math.min(this.renewMs, answer.leftMs + 1);
    }
  }
}
