/** One at a time for each name, in the order of asking, with limits on how many wait and how long. */
import { AbortedError, OverloadedError, UnavailableError } from "../../../errors.ts";
import type { Budget } from "../../contract/driver.ts";

/** The most calls that wait, over all names. */
const WAITING_MAX = 10_000;

/** Hands out turns. */
export class Turns {
  /** The names whose turn is taken, each with those who wait for it. */
  readonly #queues = new Map<string, (() => void)[]>();
  #waiting = 0;
  #idle: (() => void)[] = [];

  /**
   * Runs `act` when the name is free.
   * @throws OverloadedError, UnavailableError, AbortedError: nothing was done
   */
  async run<T>(name: string, budget: Budget, act: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, []);
    else await this.#wait(queue, budget);
    try {
      return await act();
    } finally {
      this.#next(name);
    }
  }

  /** Resolves when no turn is taken. */
  async whenIdle(): Promise<void> {
    if (this.#queues.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #wait(queue: (() => void)[], { timeoutMs, signal }: Budget): Promise<void> {
    if (this.#waiting >= WAITING_MAX) {
      throw new OverloadedError(`${WAITING_MAX} calls wait for files already`);
    }
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#waiting--;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const mine = () => {
        end();
        resolve();
      };
      const giveUp = (error: Error) => {
        end();
        queue.splice(queue.indexOf(mine), 1);
        reject(error);
      };
      const onAbort = () =>
        giveUp(new AbortedError("the call's signal fired", { cause: signal?.reason }));
      const timer = setTimeout(() => {
        giveUp(new UnavailableError(`no turn at the file within ${timeoutMs} ms`));
      }, timeoutMs);
      signal?.addEventListener("abort", onAbort);
      queue.push(mine);
    });
  }

  #next(name: string): void {
    const next = this.#queues.get(name)?.shift();
    if (next !== undefined) return next();
    this.#queues.delete(name);
    if (this.#queues.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }
}
