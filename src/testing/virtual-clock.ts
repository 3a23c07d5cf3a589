/** Time that moves only when it is told to: a whole cluster runs inside `advance`. */
import type { Clock, Timer } from "../runtime.ts";

interface Waiting {
  readonly at: number;
  readonly number: number;
  readonly fn: () => void;
}

/** Deferred calls in one moment; more means that something calls itself for ever. */
const DEFERRED_MAX = 1_000_000;
/** Wall clock at the start: 14 November 2023. */
const WALL = 1_700_000_000_000;

/** A clock for tests. Its monotonic time starts at 0. */
export class VirtualClock implements Clock {
  #now = 0;
  #wallOffset: number;
  #lastNumber = 0;
  #timers = new Set<Waiting>();
  #deferred: (() => void)[] = [];
  readonly #onDeferred: (() => void) | undefined;

  /**
   * `wall`: what the wall clock shows at first, ms since 1970. `onDeferred` is called when there
   * is something to `settle`, for those who want to call that by themselves.
   */
  constructor(wall = WALL, onDeferred?: () => void) {
    this.#wallOffset = wall;
    this.#onDeferred = onDeferred;
  }

  wall(): number {
    return this.#now + this.#wallOffset;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const waiting = { at: this.#now + Math.max(0, ms), number: ++this.#lastNumber, fn };
    this.#timers.add(waiting);
    return { cancel: () => this.#timers.delete(waiting) };
  }

  defer(fn: () => void): void {
    if (this.#deferred.push(fn) === 1) this.#onDeferred?.();
  }

  /** When the next timer fires, by `now`; undefined if there is none. */
  get nextTimer(): number | undefined {
    return this.#next(Number.POSITIVE_INFINITY)?.at;
  }

  /** Whether there is something to `settle`. */
  get hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** Runs all that was deferred, and all that this defers. Time stands still. */
  settle(): void {
    for (let count = 0; this.#deferred.length > 0; count++) {
      if (count > DEFERRED_MAX) throw new Error("deferred calls do not come to an end");
      const turn = this.#deferred;
      this.#deferred = [];
      for (const fn of turn) fn();
    }
  }

  /** Lets that much time pass; timers fire in order, each followed by what it defers. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      this.settle();
    }
    this.#now = end;
  }

  /** Sets the wall clock; the monotonic one goes on. */
  setWall(wall: number): void {
    this.#wallOffset = wall - this.#now;
  }

  #next(end: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || inOrder(timer, first) < 0)) first = timer;
    }
    return first;
  }
}

function inOrder(one: Waiting, other: Waiting): number {
  return one.at - other.at || one.number - other.number;
}
