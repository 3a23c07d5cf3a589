/** Who waits for the node to be ready. */
import type { SkeinError } from "../errors.ts";

interface Waiting {
  resolve(): void;
  reject(error: SkeinError): void;
}

/** Asks `isReady` whenever something has changed, until it says yes once. */
export class Readiness {
  readonly #isReady: () => boolean;
  #waiting: Waiting[] = [];
  #failure: SkeinError | undefined;

  constructor(isReady: () => boolean) {
    this.#isReady = isReady;
  }

  wait(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isReady()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Something may have changed. */
  check(): void {
    if (this.#waiting.length === 0 || !this.#isReady()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.resolve();
  }

  fail(error: SkeinError): void {
    this.#failure = error;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.reject(error);
  }
}
