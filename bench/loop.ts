/**
 * A closed loop: some callers, each of which starts its next call when its last one has ended.
 * Runs in a node process, from `start` over `mark` (the window opens) to `finish`.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Recorder, type Samples } from "./latency.ts";

/** Of the process's event loop during the window: how much too late timers came, in ms. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What the loop hands over. */
export interface LoopResult {
  readonly samples: Samples;
  readonly delay: LoopDelay;
}

/** Node reports the period of its probe as part of the delay, so it is taken off again. */
const DELAY_PERIOD_MS = 1;

/** Watches the delay of this process's event loop. */
export class DelayWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: DELAY_PERIOD_MS });

  start(): void {
    this.#histogram.reset();
    this.#histogram.enable();
  }

  stop(): LoopDelay {
    this.#histogram.disable();
    const late = (nanos: number) => Math.max(0, nanos / 1e6 - DELAY_PERIOD_MS);
    return { p99Ms: late(this.#histogram.percentile(99)), maxMs: late(this.#histogram.max) };
  }
}

/** What a caller does again and again. */
export interface Calls {
  /** What is timed. */
  call(): Promise<unknown>;
  /** If given, it comes before each call, is not timed, and gives what to call instead. */
  prepare?(): Promise<() => Promise<unknown>>;
}

/** The loop itself. */
export class ClosedLoop {
  readonly #recorder = new Recorder();
  readonly #delay = new DelayWatch();
  readonly #calls: Calls;
  readonly #callers: Promise<void>[];
  #over = false;
  #failure: unknown = null;

  constructor(callers: number, calls: Calls) {
    this.#calls = calls;
    this.#callers = Array.from({ length: callers }, () => this.#caller());
  }

  mark(): void {
    this.#recorder.mark();
    this.#delay.start();
  }

  /** Closes the window and waits for the calls under way. Throws what a call has thrown. */
  async finish(): Promise<LoopResult> {
    const samples = this.#recorder.finish();
    const delay = this.#delay.stop();
    this.#over = true;
    await Promise.all(this.#callers);
    if (this.#failure !== null) throw this.#failure;
    return { samples, delay };
  }

  async #caller(): Promise<void> {
    while (!this.#over) {
      try {
        const prepared = this.#calls.prepare ? await this.#calls.prepare() : null;
        const start = performance.now();
        await (prepared ? prepared() : this.#calls.call());
        this.#recorder.add(start, performance.now());
      } catch (error) {
        this.#failure ??= error;
        this.#over = true;
      }
    }
  }
}
