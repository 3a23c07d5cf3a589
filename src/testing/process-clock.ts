/**
 * The clock of one process among several on a VirtualClock. While it is frozen, as by SIGSTOP
 * or a long computation, nothing of it runs; then all due timers fire before any IO.
 */
import type { Clock, Timer } from "../runtime.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export class ProcessClock implements Clock {
  readonly #clock: VirtualClock;
  #isFrozen = false;
  #dueTimers: (() => void)[] = [];
  #dueCalls: (() => void)[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  wall(): number {
    return this.#clock.wall();
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, fn: () => void): Timer {
    let isCancelled = false;
    const run = (): void => {
      if (!isCancelled) fn();
    };
    const timer = this.#clock.after(ms, () => {
      if (this.#isFrozen) this.#dueTimers.push(run);
      else run();
    });
    return {
      cancel() {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  defer(fn: () => void): void {
    this.#clock.defer(() => {
      if (this.#isFrozen) this.#dueCalls.push(fn);
      else fn();
    });
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    const timers = this.#dueTimers;
    const calls = this.#dueCalls;
    this.#dueTimers = [];
    this.#dueCalls = [];
    for (const fn of timers) fn();
    for (const fn of calls) this.#clock.defer(fn);
    this.#clock.settle();
  }
}
