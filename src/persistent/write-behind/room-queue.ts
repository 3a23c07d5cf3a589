/** Callers that wait for room, each for a limited time. */
import type { Clock, Timer } from "../../runtime.ts";

export class RoomQueue {
  readonly #clock: Clock;
  readonly #callersMax: number;
  readonly #waiters = new Set<{
    readonly timer: Timer;
    readonly resolve: (free: boolean) => void;
  }>();

  constructor(clock: Clock, callersMax: number) {
    this.#clock = clock;
    this.#callersMax = callersMax;
  }

  /** True when room may have come free; false at `until`, or at once if too many wait already. */
  async wait(until: number): Promise<boolean> {
    if (this.#waiters.size >= this.#callersMax) return false;
    return new Promise((resolve) => {
      const waiter = {
        resolve,
        timer: this.#clock.after(until - this.#clock.now(), () => {
          this.#waiters.delete(waiter);
          resolve(false);
        }),
      };
      this.#waiters.add(waiter);
    });
  }

  /** Everybody looks again. */
  wakeAll(): void {
    for (const { timer, resolve } of this.#waiters) {
      timer.cancel();
      resolve(true);
    }
    this.#waiters.clear();
  }
}
