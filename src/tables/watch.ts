/**
 * One watcher of a table, in its two forms: an async iterator, or a listener that is called at
 * the end of a turn. Filters that need no decoding are applied when a change is recorded, the
 * user's own ones when it is told.
 */
import { OverloadedError } from "../errors.ts";
import type { Abort } from "./call-options.ts";
import type { Change, ChangeReason, DeleteEvent, SetEvent, WatchEvent } from "./change.ts";
import type { ChangeSink } from "./change-feed.ts";
import type { Key } from "./key.ts";
import type { WatchQueue } from "./watch-queue.ts";

/** Events that a listener is given in one go; the others wait for the next turn. */
const EVENTS_PER_FLUSH = 4096;
/** Calls of `next` that may wait at once. */
const WAITING_MAX = 1000;

/** What a watcher wants to hear of. Without options: every change. */
export interface WatchOptions<V, I extends string = string> {
  /** This key only. */
  readonly key?: Key;
  /** Keys with these leading elements (tuples) or characters (strings); any table. */
  readonly prefix?: Key;
  /** Rows that this index has, or had before the change, under that value. */
  readonly index?: { readonly name: I; readonly value: Key };
  /** Only these. Default both. */
  readonly types?: readonly ("set" | "delete")[];
  /** Only changes for these reasons. Default all. */
  readonly reasons?: readonly ChangeReason[];
  /** Only events for which this gives true. One that throws is reported, its event left out. */
  readonly where?: (event: SetEvent<V> | DeleteEvent<V>) => boolean;
  /** Changes that may wait; over it the watcher misses some and is told so. Default 50,000. */
  readonly buffer?: number;
  /** Ends the watch when it fires. */
  readonly signal?: Abort;
}

/** What a watch works with. Made by watchers.ts. */
export interface WatchParts<V> {
  readonly queue: WatchQueue;
  /** Whether a change is of interest, as far as that can be said without decoding it. */
  readonly accepts: (change: Change) => boolean;
  /** The event, or null if the user's filters leave it out. */
  readonly eventOf: (change: Change) => SetEvent<V> | DeleteEvent<V> | null;
  readonly listener: ((event: WatchEvent<V>) => void) | null;
  readonly failed: (error: unknown) => void;
  readonly stopped: (watch: ChangeSink) => void;
}

type Result<V> = IteratorResult<WatchEvent<V>, undefined>;

/** A watch under way. With `for await`, or with a listener given to `watch`. */
export class Watch<V> implements AsyncIterableIterator<WatchEvent<V>>, ChangeSink {
  readonly #parts: WatchParts<V>;
  readonly #waiting: ((result: Result<V>) => void)[] = [];
  #isOver = false;

  /** Use `table.watch`. */
  constructor(parts: WatchParts<V>) {
    this.#parts = parts;
  }

  /** Changes that wait to be told. */
  get pending(): number {
    return this.#parts.queue.size;
  }

  /** Ends the watch: nothing is told any more, and an iterator ends. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.queue.clear();
    this.#parts.stopped(this);
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  /** The next event; waits for one. */
  async next(): Promise<Result<V>> {
    if (this.#isOver) return { done: true, value: undefined };
    const event = this.#take();
    if (event !== null) return { done: false, value: event };
    if (this.#waiting.length >= WAITING_MAX) {
      throw new OverloadedError(`${WAITING_MAX} calls of next wait, no more may`);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the watch. */
  async return(): Promise<Result<V>> {
    this.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** For the tables: remembers a change. */
  record(change: Change): void {
    if (!this.#isOver && this.#parts.accepts(change)) this.#parts.queue.push(change);
  }

  /** For the tables: the rows were replaced as a whole, so that changes are not known. */
  miss(): void {
    this.#parts.queue.clear();
    this.#parts.queue.missed++;
  }

  /** For the tables: tells the listener, or whoever waits. True if more is left. */
  flush(): boolean {
    const { listener } = this.#parts;
    for (let told = 0; told < EVENTS_PER_FLUSH; told++) {
      if (listener === null && this.#waiting.length === 0) return false;
      const event = this.#take();
      if (event === null) return false;
      if (listener === null) this.#waiting.shift()?.({ done: false, value: event });
      else this.#tell(listener, event);
      if (this.#isOver) return false;
    }
    return listener !== null && this.pending > 0;
  }

  #tell(listener: (event: WatchEvent<V>) => void, event: WatchEvent<V>): void {
    try {
      listener(event);
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  /** The next event that passes the filters. */
  #take(): WatchEvent<V> | null {
    const { queue, eventOf } = this.#parts;
    if (queue.missed > 0) {
      const changes = queue.missed;
      queue.missed = 0;
      return { type: "missed", changes };
    }
    for (let change = queue.shift(); change !== undefined; change = queue.shift()) {
      const event = eventOf(change);
      if (event !== null) return event;
    }
    return null;
  }
}
