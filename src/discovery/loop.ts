/**
 * Keeps the list of nodes up to date: registers once, then asks the backend whenever the
 * schedule says so, until it is stopped. What the backend cannot do now is tried again for ever;
 * meanwhile the nodes go on with what they know, and the status shows the last error.
 *
 * States: idle, registering, running; fenced, when a newer incarnation has the name or the
 * database has closed this one; and stopped, which each of them ends in.
 */
import {
  FencedError,
  InvalidArgumentError,
  InvalidOptionsError,
  MissingDriverError,
  NotRunningError,
  SkeinError,
  UnavailableError,
  UnsupportedError,
} from "../errors.ts";
import type { Clock, Log, Random, Timer } from "../runtime.ts";
import type { DiscoveredNode, DiscoveryBackend, Identity, Registration } from "./discovery.ts";
import { Schedule, spread } from "./schedule.ts";
import { type DiscoveryTimings, TIMING_DEFAULTS, timingFaults } from "./timings.ts";

/** Queries that timed out and have still not settled; above it no new one starts. */
const UNSETTLED_MAX = 3;

/** What the owner of a loop hears. Never called inside a call of the loop's methods. */
export interface DiscoveryEvents {
  /** A new answer, the same as the last one or not, without stale nodes. */
  onNodes(nodes: readonly DiscoveredNode[]): void;
  /** A failed registration or query. After a FencedError the loop asks no more. */
  onError(error: SkeinError): void;
  /** The node number changed, because the row had expired and the number was given away. */
  onIdentity?(identity: Identity): void;
}

export interface DiscoveryLoopOptions {
  readonly backend: DiscoveryBackend;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: DiscoveryEvents;
  /** Those that differ from the defaults. */
  readonly timings?: Partial<DiscoveryTimings>;
}

/** What discovery knows and how it fares. */
export interface DiscoveryStatus {
  /** The backend's kind, for example "postgres". */
  readonly backend: string;
  readonly state: "idle" | "registering" | "running" | "fenced" | "stopped";
  readonly identity?: Identity;
  /** The last answer, stale nodes included. Empty before the first. */
  readonly nodes: readonly DiscoveredNode[];
  /** Answers so far. */
  readonly answerCount: number;
  /** Failed registrations and queries so far. */
  readonly errorCount: number;
  /** Those since the last success. */
  readonly errorsInRow: number;
  /** Wall clock of the last answer, ms since the Unix epoch. */
  readonly lastAnswerAt?: number;
  readonly lastError?: { readonly code: string; readonly message: string; readonly at: number };
  /** Until the next query, in ms; absent while one runs or none will. */
  readonly nextQueryInMs?: number;
}

type Deferred<T> = {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
};

/** See the head of this file. */
export class DiscoveryLoop {
  readonly #backend: DiscoveryBackend;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #events: DiscoveryEvents;
  readonly #timings: DiscoveryTimings;
  readonly #firstAnswer = deferred<void>();
  #state: DiscoveryStatus["state"] = "idle";
  #identity: Identity | undefined;
  #schedule: Schedule | undefined;
  #timer: Timer | undefined;
  /** Ends the wait that is on: for a registration, a pause or an answer. */
  #interrupt: (error: unknown) => void = () => undefined;
  #nodes: readonly DiscoveredNode[] = [];
  #unsettledCount = 0;
  #answerCount = 0;
  #errorCount = 0;
  #errorsInRow = 0;
  #lastAnswerAt: number | undefined;
  #lastError: DiscoveryStatus["lastError"];
  #stopping: Promise<void> | undefined;

  constructor(options: DiscoveryLoopOptions) {
    this.#backend = options.backend;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
    this.#events = options.events;
    this.#timings = { ...TIMING_DEFAULTS, ...options.timings };
    const faults = timingFaults(this.#timings);
    if (faults.length > 0) throw new InvalidOptionsError("discovery", faults);
  }

  /**
   * Registers, and begins to ask. Resolves with the identity, or undefined if the backend gives
   * none, as soon as the node may open its first link. Waits for a database that is away for as
   * long as it takes; rejects if waiting is no use, or with NotRunningError if stopped.
   */
  async start(registration: Registration): Promise<Identity | undefined> {
    if (this.#state !== "idle") {
      throw new NotRunningError(`discovery is ${this.#state}; it starts once`);
    }
    this.#state = "registering";
    try {
      this.#identity = await this.#register(registration);
    } catch (error) {
      if (this.#state === "registering") this.#end("stopped", error);
      throw error;
    }
    this.#state = "running";
    this.#schedule = new Schedule(this.#timings, this.#clock.now());
    this.#backend.watch?.(() => this.trigger());
    this.#arm();
    return this.#identity;
  }

  /** Resolves with the first answer; rejects if the loop ends before. */
  firstAnswer(): Promise<void> {
    return this.#firstAnswer.promise;
  }

  /** Asks at once, or right after the query that runs. Does nothing unless running. */
  trigger(): void {
    this.#schedule?.trigger(this.#clock.now());
    this.#arm();
  }

  /** A node went down: asks again within half a minute. */
  nodeDown(): void {
    this.#schedule?.nodeDown(this.#clock.now(), this.#random.float());
    this.#arm();
  }

  /**
   * Every node of the last answer is linked: from now on the regular interval holds. Not for an
   * answer that held nobody else, which says little about a cluster that is just starting.
   */
  allLinked(): void {
    this.#schedule?.allLinked();
  }

  status(): DiscoveryStatus {
    const dueAt = this.#state === "running" ? this.#schedule?.dueAt : undefined;
    return {
      backend: this.#backend.kind,
      state: this.#state,
      ...(this.#identity === undefined ? {} : { identity: this.#identity }),
      nodes: this.#nodes,
      answerCount: this.#answerCount,
      errorCount: this.#errorCount,
      errorsInRow: this.#errorsInRow,
      ...(this.#lastAnswerAt === undefined ? {} : { lastAnswerAt: this.#lastAnswerAt }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(dueAt === undefined || dueAt === Number.POSITIVE_INFINITY
        ? {}
        : { nextQueryInMs: Math.max(0, dueAt - this.#clock.now()) }),
    };
  }

  /** Ends all asking, within the stop time-out. The row stays. Idempotent. */
  stop(): Promise<void> {
    return this.#close(() => this.#backend.close());
  }

  /** As `stop`, but removes the row first, if the database lets it in time. Idempotent. */
  leave(): Promise<void> {
    return this.#close(() => this.#backend.leave());
  }

  async #register(registration: Registration): Promise<Identity | undefined> {
    const register = this.#backend.register?.bind(this.#backend);
    if (register === undefined) return undefined;
    for (;;) {
      try {
        const identity = await this.#untilStopped(register(registration));
        this.#errorsInRow = 0;
        return identity;
      } catch (error) {
        if (this.#state !== "registering") throw error;
        const fault = this.#failed(error);
        if (isForGood(fault)) throw fault;
      }
      const waitMs = spread(this.#timings.errorMs, this.#random.float());
      await this.#untilStopped(
        new Promise<void>((resolve) => {
          this.#timer = this.#clock.after(waitMs, resolve);
        }),
      );
    }
  }

  /** As `work`, or rejects when the loop ends. No promise that outlives the wait is waited on. */
  #untilStopped<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#interrupt = reject;
      work.then(resolve, reject);
    });
  }

  /** Sets the timer for when the schedule says; never asks inside the caller's call. */
  #arm(): void {
    const dueAt = this.#schedule?.dueAt;
    if (this.#state !== "running" || dueAt === undefined) return;
    this.#timer?.cancel();
    if (dueAt === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(0, dueAt - this.#clock.now());
    this.#timer = this.#clock.after(waitMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const schedule = this.#schedule;
    if (this.#state !== "running" || schedule === undefined) return;
    schedule.started(this.#clock.now());
    let outcome: readonly DiscoveredNode[] | SkeinError;
    try {
      outcome = await this.#query();
    } catch (error) {
      outcome = this.#state === "running" ? this.#failed(error) : asSkeinError(error);
    }
    if (this.#state !== "running") return;
    const roll = this.#random.float();
    if (outcome instanceof SkeinError) {
      schedule.failed(this.#clock.now(), roll);
      if (outcome instanceof FencedError) this.#end("fenced", outcome);
    } else {
      schedule.answered(this.#clock.now(), roll);
      this.#answered(outcome);
    }
    this.#arm();
  }

  /** One query, which settles in time or counts as failed. */
  async #query(): Promise<readonly DiscoveredNode[]> {
    if (this.#unsettledCount >= UNSETTLED_MAX) {
      throw new UnavailableError(
        `${this.#backend.kind}: still waits for ${this.#unsettledCount} queries that timed out`,
      );
    }
    const { queryTimeoutMs } = this.#timings;
    this.#unsettledCount++;
    const answer = settleLater(() => this.#backend.getNodes()).finally(() => {
      this.#unsettledCount--;
    });
    const timer = this.#clock.after(queryTimeoutMs, () => {
      const message = `${this.#backend.kind}: no answer within ${queryTimeoutMs} ms`;
      this.#interrupt(new UnavailableError(message));
    });
    try {
      return await this.#untilStopped(answer);
    } finally {
      timer.cancel();
    }
  }

  #answered(nodes: readonly DiscoveredNode[]): void {
    this.#nodes = nodes;
    this.#answerCount++;
    this.#errorsInRow = 0;
    this.#lastAnswerAt = this.#clock.wall();
    const identity = this.#backend.identity;
    if (identity !== undefined && identity.nodeNumber !== this.#identity?.nodeNumber) {
      this.#identity = identity;
      this.#events.onIdentity?.(identity);
    }
    this.#events.onNodes(nodes.filter((node) => node.stale !== true));
    this.#firstAnswer.resolve();
  }

  #failed(error: unknown): SkeinError {
    const fault = asSkeinError(error);
    this.#errorCount++;
    this.#errorsInRow++;
    this.#lastError = { code: fault.code, message: fault.message, at: this.#clock.wall() };
    // One line per trouble, not one per second.
    const fields = { backend: this.#backend.kind, code: fault.code, error: fault.message };
    if (this.#errorsInRow === 1) this.#log.warn(fields, "discovery failed and is tried again");
    else this.#log.debug({ ...fields, errorsInRow: this.#errorsInRow }, "discovery failed again");
    this.#events.onError(fault);
    return fault;
  }

  /** No way back: whoever waits for an answer hears why. */
  #end(state: "fenced" | "stopped", error: unknown): void {
    this.#state = state;
    this.#timer?.cancel();
    this.#firstAnswer.reject(error);
    this.#interrupt(error);
  }

  #close(backendClose: () => Promise<void>): Promise<void> {
    this.#stopping ??= this.#closeOnce(backendClose);
    return this.#stopping;
  }

  async #closeOnce(backendClose: () => Promise<void>): Promise<void> {
    this.#end("stopped", new NotRunningError("discovery was stopped"));
    const closed = settleLater(backendClose).catch((error: unknown) => {
      this.#failed(error);
    });
    let timer: Timer | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = this.#clock.after(this.#timings.stopTimeoutMs, resolve);
    });
    await Promise.race([closed, timeout]);
    timer?.cancel();
  }
}

/** Errors that no waiting cures, so that a start fails at once rather than hangs. */
function isForGood(error: SkeinError): boolean {
  return (
    error instanceof UnsupportedError ||
    error instanceof MissingDriverError ||
    error instanceof InvalidOptionsError ||
    error instanceof InvalidArgumentError
  );
}

/** What a backend failed with, as one of our errors. */
export function asSkeinError(error: unknown): SkeinError {
  if (error instanceof SkeinError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new UnavailableError(`discovery failed: ${message}`, { cause: error });
}

/** A call that throws is a call whose promise rejects. */
async function settleLater<T>(call: () => Promise<T>): Promise<T> {
  return call();
}

/** A promise that may reject without anybody listening. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
