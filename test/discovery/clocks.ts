/** Time and chance for the tests of discovery: the real ones, and ones that a test turns. */
import type { Clock, Random, Timer } from "../../src/runtime.ts";

/** The machine's clock. */
export const realClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (fn) => void setImmediate(fn),
};

/** The machine's chance. */
export const realRandom: Random = {
  float: () => Math.random(),
  bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
};

/** Always the middle, so that jitter is none. */
export const middle: Random = { float: () => 0.5, bytes: (size) => new Uint8Array(size) };

/** Time that passes when it is told to. */
export class VirtualClock implements Clock {
  #now = 0;
  #next = 0;
  readonly #timers = new Map<number, { at: number; fn: () => void }>();

  wall(): number {
    return 1_800_000_000_000 + this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const id = this.#next++;
    this.#timers.set(id, { at: this.#now + ms, fn });
    return { cancel: () => void this.#timers.delete(id) };
  }

  defer(fn: () => void): void {
    this.after(0, fn);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Fires what falls due within `ms`, letting promises settle after each timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let first: { id: number; at: number; fn: () => void } | undefined;
      for (const [id, timer] of this.#timers) {
        if (timer.at <= end && (first === undefined || timer.at < first.at)) {
          first = { id, ...timer };
        }
      }
      if (first === undefined) break;
      this.#timers.delete(first.id);
      this.#now = Math.max(this.#now, first.at);
      first.fn();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
