/**
 * How far a long search has come, in a file: it may be stopped at any time and goes on from there,
 * at whatever commit. Each sitting says at which one it was.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { addTotals, newTotals, type Totals } from "./totals.ts";

/** One run of the command. */
export interface Sitting {
  /** As `git describe --always --dirty` has it. */
  readonly commit: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly from: number;
  /** Seeds done in it. */
  seeds: number;
  seconds: number;
}

interface Content {
  /** Which kind of runs: the flags of the command, or none. */
  readonly kind: string;
  readonly from: number;
  /** All seeds from `from` to before this one are done, and none failed. */
  readonly next: number;
  readonly totals: Totals;
  readonly sittings: readonly Sitting[];
}

/** The file. */
export class Progress {
  readonly #path: string;
  readonly #before: Content;
  readonly #sitting: Sitting;

  /** Reads the file if there is one. Throws if it is of another search, or no such file. */
  constructor(
    path: string,
    of: {
      readonly kind: string;
      readonly from: number;
      readonly commit: string;
      readonly startedAt: string;
    },
  ) {
    const { kind, from, commit, startedAt } = of;
    this.#path = path;
    this.#before = existsSync(path)
      ? contentOf(path)
      : { kind, from, next: from, totals: newTotals(), sittings: [] };
    if (this.#before.from !== from || this.#before.kind !== kind) {
      const [theirs, ours] = [nameOf(this.#before), nameOf({ kind, from })];
      throw new Error(`${path} is of a search with ${theirs}, not with ${ours}`);
    }
    this.#sitting = { commit, startedAt, from: this.#before.next, seeds: 0, seconds: 0 };
  }

  /** The first seed that is not done. */
  get next(): number {
    return this.#before.next;
  }

  /** A copy of the sums when this sitting began. */
  get totals(): Totals {
    const totals = newTotals();
    addTotals(totals, this.#before.totals);
    return totals;
  }

  /** Writes down that all seeds before `next` are done; the file is whole at any time. */
  save(next: number, totals: Totals, seconds: number): void {
    this.#sitting.seeds = next - this.#before.next;
    this.#sitting.seconds = Math.round(seconds);
    const { kind, from } = this.#before;
    const sittings = [...this.#before.sittings, this.#sitting];
    const content: Content = { kind, from, next, totals, sittings };
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(content, null, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function nameOf({ kind, from }: { readonly kind: string; readonly from: number }): string {
  return `--from ${from}${kind === "" ? "" : ` ${kind}`}`;
}

function contentOf(path: string): Content {
  const content: Partial<Content> = JSON.parse(readFileSync(path, "utf8"));
  const { kind, from, next, totals, sittings } = content;
  const isWhole = typeof kind === "string" && Number.isSafeInteger(from);
  if (!isWhole || !Number.isSafeInteger(next) || !Array.isArray(sittings) || !totals) {
    throw new Error(`${path} has no progress of a search`);
  }
  // Counts that came later than the file begin at zero.
  return {
    kind,
    from: Number(from),
    next: Number(next),
    totals: { ...newTotals(), ...totals },
    sittings,
  };
}
