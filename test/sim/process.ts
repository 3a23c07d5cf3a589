/**
 * One simulated operating-system process: an event loop of its own on the virtual clock. It can
 * stall (nothing runs; when it thaws, timers that are due run before what came in meanwhile, as
 * on Node) and be killed (nothing runs any more). Its wall clock may be skewed and may jump.
 */
import type { Clock, Timer } from "../../src/runtime.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock, VirtualEvent } from "./virtual-clock.ts";

/** Wall clock at the start of each simulation: 2026-01-01. */
const WALL_START_MS = 1_767_225_600_000;

/** What a process tells the world about its turns. */
export interface ProcessHooks {
  /** A turn has ended without an error. */
  turned(): void;
  /** A turn threw. */
  threw(error: unknown): void;
}

/** How this process differs from an ideal one. */
export interface ProcessOptions {
  /** Added to the true time by the wall clock. */
  readonly skewMs: number;
  /** The longest time between a turn and the end of its phase, where deferred work runs. */
  readonly turnMs: number;
  /** Where its monotonic clock starts. */
  readonly startMs: number;
}

/** The process, as the clock that its code is given. */
export class SimProcess implements Clock {
  readonly #time: VirtualClock;
  readonly #random: SeededRandom;
  readonly #options: ProcessOptions;
  readonly #hooks: ProcessHooks;
  #skewMs: number;
  #turnMs: number;
  #alive = true;
  #stalled = false;
  /** Due while stalled. */
  readonly #dueTimers: { atMs: number; run: () => void; event: { cancelled: boolean } }[] = [];
  readonly #dueInput: (() => void)[] = [];
  #deferred: (() => void)[] = [];
  #deferredAt: VirtualEvent | null = null;
  /** True while code of this process runs: the network never calls into it then. */
  running = false;

  constructor(
    time: VirtualClock,
    random: SeededRandom,
    options: ProcessOptions,
    hooks: ProcessHooks,
  ) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
    this.#hooks = hooks;
    this.#skewMs = options.skewMs;
    this.#turnMs = options.turnMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  wall(): number {
    return WALL_START_MS + this.#time.nowMs + this.#skewMs;
  }

  now(): number {
    return this.#options.startMs + this.#time.nowMs;
  }

  after(ms: number, fn: () => void): Timer {
    const event = this.#time.after(ms, () => {
      if (!this.#alive) return;
      if (this.#stalled) this.#dueTimers.push({ atMs: this.#time.nowMs, run: fn, event });
      else this.#turn(fn);
    });
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  defer(fn: () => void): void {
    this.#deferred.push(fn);
    this.#deferredAt ??= this.#time.after(this.#random.between(0, this.#turnMs), () => {
      this.#deferredAt = null;
      if (!this.#alive || this.#stalled) return;
      this.#runDeferred();
    });
  }

  /** Input from the network: waits while the process is stalled. */
  input(fn: () => void): void {
    if (!this.#alive) return;
    if (this.#stalled) this.#dueInput.push(fn);
    else this.#turn(fn);
  }

  /** Runs code of this process now, as a turn. Not while it is stalled. */
  call(fn: () => void): void {
    if (this.#alive && !this.#stalled) this.#turn(fn);
  }

  /** The wall clock jumps, forth or back. */
  stepWall(ms: number): void {
    this.#skewMs += ms;
  }

  /** Its turns may take so long, for a while. */
  slow(turnMs: number, forMs: number): void {
    this.#turnMs = turnMs;
    this.#time.after(forMs, () => {
      this.#turnMs = this.#options.turnMs;
    });
  }

  /** Nothing runs for that long. */
  stall(ms: number): void {
    if (!this.#alive || this.#stalled) return;
    this.#stalled = true;
    this.#time.after(ms, () => this.#thaw());
  }

  /** Nothing runs any more. */
  kill(): void {
    this.#alive = false;
    this.#dueInput.length = 0;
    this.#dueTimers.length = 0;
    this.#deferred.length = 0;
  }

  #thaw(): void {
    if (!this.#alive) return;
    this.#stalled = false;
    const timers = this.#dueTimers.splice(0);
    const input = this.#dueInput.splice(0);
    for (const timer of timers) {
      if (!timer.event.cancelled && this.#alive) this.#turn(timer.run);
    }
    for (const fn of input) if (this.#alive) this.#turn(fn);
    if (this.#deferred.length > 0 && this.#deferredAt === null) this.#runDeferred();
  }

  #runDeferred(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    this.#turn(() => {
      for (const fn of deferred) fn();
    });
  }

  #turn(fn: () => void): void {
    this.running = true;
    try {
      fn();
    } catch (error) {
      this.running = false;
      this.#hooks.threw(error);
      return;
    }
    this.running = false;
    this.#hooks.turned();
  }
}
