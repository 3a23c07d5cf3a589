/** A call's limits in time: the budget's own, and the caller's signal. */
import { AbortedError, CommitUnknownError, UnavailableError } from "../../../errors.ts";
import type { Clock } from "../../../runtime.ts";
import type { TransactOptions } from "../../../sql/database.ts";
import type { Budget } from "../../contract/driver.ts";

/** What a call does: a write that takes too long may stand. */
export type Purpose = "read" | "write";

/** Runs `work` and gives up waiting for it when its time is over or the signal fires. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #subject: string;

  constructor(clock: Clock, subject: string) {
    this.#clock = clock;
    this.#subject = subject;
  }

  within<T>(budget: Budget, purpose: Purpose, work: () => Promise<T>): Promise<T> {
    const { timeoutMs, signal } = budget;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => signal !== undefined && reject(aborted(signal));
      const timer = this.#clock.after(timeoutMs, () => reject(this.#late(timeoutMs, purpose)));
      signal?.addEventListener("abort", onAbort, { once: true });
      const end = () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      work().then(
        (result) => {
          end();
          resolve(result);
        },
        (error: unknown) => {
          end();
          reject(error);
        },
      );
    });
  }

  #late(timeoutMs: number, purpose: Purpose) {
    const text = `${this.#subject}: no answer within ${timeoutMs} ms`;
    if (purpose === "read") return new UnavailableError(text);
    return new CommitUnknownError(`${text}; the write may have been made`);
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
