/** A call's limits in time: the budget's own, and the caller's signal. */
import { AbortedError, CommitUnknownError, UnavailableError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import type { Receiver, TransactOptions } from "../../sql/database.ts";
import type { Budget } from "../contract/driver.ts";
import { TimeLanes, type TimeLimit } from "./time-lanes.ts";

/** What a call does: a write that takes too long may stand. */
export type Purpose = "read" | "write";

/** Runs `work` and gives up waiting for it when its time is over or the signal fires. */
export class Deadlines {
  readonly #lanes: TimeLanes;
  readonly #subject: string;

  constructor(clock: Clock, subject: string) {
    this.#lanes = new TimeLanes(clock);
    this.#subject = subject;
  }

  within<T>(budget: Budget, purpose: Purpose, work: () => Promise<T>): Promise<T> {
    return this.told(budget, purpose, (receiver: Receiver<T>) => {
      work().then(
        (result) => receiver.resolve(result),
        (error: unknown) => receiver.reject(error),
      );
    });
  }

  /** The same for work that tells a receiver: nothing is set up for what is done at once. */
  told<T>(budget: Budget, purpose: Purpose, work: (receiver: Receiver<T>) => void): Promise<T> {
    const { timeoutMs, signal } = budget;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise<T>((resolve, reject) => {
      const call = new Call(resolve, reject);
      work(call);
      if (call.isOver) return;
      call.limit = this.#lanes.start(timeoutMs, () => call.reject(this.#late(timeoutMs, purpose)));
      if (signal === undefined) return;
      call.onAbort = () => call.reject(aborted(signal));
      call.signal = signal;
      signal.addEventListener("abort", call.onAbort, { once: true });
    });
  }

  #late(timeoutMs: number, purpose: Purpose) {
    const text = `${this.#subject}: no answer within ${timeoutMs} ms`;
    if (purpose === "read") return new UnavailableError(text);
    return new CommitUnknownError(`${text}; the write may have been made`);
  }
}

/** A call that is waited for. What comes after its end changes nothing. */
class Call<T> implements Receiver<T> {
  isOver = false;
  limit: TimeLimit | undefined = undefined;
  signal: AbortSignal | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    this.#end();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.isOver = true;
    this.limit?.end();
    if (this.onAbort !== undefined) this.signal?.removeEventListener("abort", this.onAbort);
  }
}

/** The same for a transaction, so that it is not tried again when nobody waits for it. */
export function limitsOf({ timeoutMs, signal }: Budget): TransactOptions {
  return signal === undefined ? { deadlineMs: timeoutMs } : { deadlineMs: timeoutMs, signal };
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError("the call's signal has fired; a write under way may stand", {
    cause: signal.reason,
  });
}
