/** The real clock of a process that can be stopped, and finds that time has passed. */
import type { Clock, Timer } from "../../src/runtime.ts";
import { systemClock } from "../../src/system-clock.ts";

export class StoppableClock implements Clock {
  #isStopped = false;
  #passedMs = 0;
  #due: (() => void)[] = [];

  wall(): number {
    return systemClock.wall() + this.#passedMs;
  }

  now(): number {
    return systemClock.now() + this.#passedMs;
  }

  after(ms: number, fn: () => void): Timer {
    return systemClock.after(ms, () => (this.#isStopped ? this.#due.push(fn) : fn()));
  }

  defer(fn: () => void): void {
    systemClock.defer(fn);
  }

  /** No timer ends. */
  stop(): void {
    this.#isStopped = true;
  }

  /** So many ms have passed; timers that were due end now. */
  goOn(passedMs: number): void {
    this.#isStopped = false;
    this.#passedMs += passedMs;
    for (const fn of this.#due.splice(0)) fn();
  }
}
