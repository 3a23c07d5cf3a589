/**
 * Virtual time: a queue of events in a binary heap. Time moves only when the next event is run,
 * so that an hour of a cluster's life takes as long as its events do.
 */

/** More events than that at one instant never end. */
const INSTANT_EVENTS_MAX = 200_000;

/** An event to come; `cancelled` ones are passed over. */
export interface VirtualEvent {
  readonly atMs: number;
  cancelled: boolean;
}

interface Queued extends VirtualEvent {
  /** Events of the same time run in the order in which they were scheduled. */
  readonly order: number;
  readonly run: () => void;
}

/** The queue and the time. */
export class VirtualClock {
  readonly #heap: Queued[] = [];
  #nowMs = 0;
  #order = 0;
  #instantEvents = 0;
  /** Events run so far. */
  eventCount = 0;

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs `run` after `delayMs`; events that are due already run next, in order. */
  after(delayMs: number, run: () => void): VirtualEvent {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const event: Queued = { atMs, order: this.#order++, run, cancelled: false };
    this.#push(event);
    return event;
  }

  /** Runs all events up to and including that time, then stands at it; ends early if told so. */
  runUntil(untilMs: number, isOver: () => boolean): void {
    for (;;) {
      if (isOver()) return;
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#pop();
      if (next.cancelled) continue;
      this.#countInstant(next.atMs);
      this.#nowMs = next.atMs;
      this.eventCount++;
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Work that makes more work without end would stop the time. */
  #countInstant(atMs: number): void {
    this.#instantEvents = atMs === this.#nowMs ? this.#instantEvents + 1 : 0;
    if (this.#instantEvents <= INSTANT_EVENTS_MAX) return;
    throw new Error(`over ${INSTANT_EVENTS_MAX} events at ${atMs} ms: time stands still`);
  }

  #push(event: Queued): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = heap[above] as Queued;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Queued;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = at * 2 + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Queued)) below++;
      const child = heap[below] as Queued;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Queued, b: Queued): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
