/** Keeps count of what is wrong in the world, so that checkers know since when nothing was. */

/** Faults under way, and when the last one ended. */
export class Calm {
  #under = 0;
  #sinceMs = 0;

  /** A fault begins. */
  begin(): void {
    this.#under++;
  }

  /** A fault ends. */
  end(nowMs: number): void {
    this.#under--;
    this.#sinceMs = nowMs;
  }

  /** A fault without duration. */
  touch(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** Since when all is well; infinite while something is not. */
  get sinceMs(): number {
    return this.#under > 0 ? Number.POSITIVE_INFINITY : this.#sinceMs;
  }
}
