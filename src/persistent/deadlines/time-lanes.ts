/**
 * Limits in time for many short calls. Calls of the same limit end in the order in which they
 * began, so they share one timer, which looks at the oldest of them: a call costs an entry in a
 * set instead of a timer. A lane is gone when its timer finds it empty.
 */
import type { Clock } from "../../runtime.ts";

/** One limit that runs. */
export interface TimeLimit {
  /** It is met: nothing happens any more. */
  end(): void;
}

/** See the head of this file. */
export class TimeLanes {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Set<Entry>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onLate` in `ms`, unless it is ended before. */
  start(ms: number, onLate: () => void): TimeLimit {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      lane = new Set();
      this.#lanes.set(ms, lane);
      this.#watch(ms, lane, ms);
    }
    const entry = new Entry(lane, this.#clock.now() + ms, onLate);
    lane.add(entry);
    return entry;
  }

  #watch(ms: number, lane: Set<Entry>, fromNow: number): void {
    this.#clock.after(fromNow, () => {
      const now = this.#clock.now();
      for (const entry of lane) {
        // A timer may fire a little early.
        if (entry.until > now) return this.#watch(ms, lane, Math.max(1, entry.until - now));
        lane.delete(entry);
        entry.onLate();
      }
      this.#lanes.delete(ms);
    });
  }
}

class Entry implements TimeLimit {
  readonly until: number;
  readonly onLate: () => void;
  readonly #lane: Set<Entry>;

  constructor(lane: Set<Entry>, until: number, onLate: () => void) {
    this.#lane = lane;
    this.until = until;
    this.onLate = onLate;
  }

  end(): void {
    this.#lane.delete(this);
  }
}
