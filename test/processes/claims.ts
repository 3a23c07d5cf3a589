/** What a run claims: one line each, with its figures, and whether all of them held. */

export class Claims {
  readonly #print: (line: string) => void;
  #failed = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get failed(): number {
    return this.#failed;
  }

  check(claim: string, holds: boolean, figures: string): void {
    if (!holds) this.#failed++;
    this.#print(`${holds ? "held  " : "FAILED"} ${claim}: ${figures}`);
  }

  /** A part of the run that was not possible here. */
  skip(claim: string, why: string): void {
    this.#print(`skipped ${claim}: ${why}`);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
