/**
 * Tables whose writes stop on one side of a split. Which side that is, others know: the tables ask
 * one question, and refuse their own writers by the answer. What comes from peers is never refused.
 */
import { SplitError, type SplitRefusal } from "../errors.ts";
import type { TableState } from "./table-state.ts";

/** `merge`: all sides write, and what they wrote is merged after the heal. */
export type SplitPolicy = "merge" | SplitRefusal["policy"];

/** All of them, as options may name them. */
export const SPLIT_POLICIES: readonly SplitPolicy[] = ["merge", "pauseMinority", "leaseSide"];

/** Why tables of that policy may not be written now; null if they may. */
export type SplitQuestion = (policy: SplitRefusal["policy"]) => SplitRefusal | null;

/** Asks for one table. */
export class SplitGate {
  readonly #question: SplitQuestion;
  readonly #leastOthers: number;

  constructor(question: SplitQuestion | undefined, clusterSize: number | undefined) {
    this.#question = question ?? (() => null);
    this.#leastOthers = Math.floor((clusterSize ?? 0) / 2);
  }

  /** Why writes to the table are refused, as an error; null if they are not. */
  errorOf(table: TableState, isWritten: boolean): SplitError | null {
    if (table.split === "merge") return null;
    const refusal = this.#question(table.split);
    return refusal === null ? null : new SplitError(table.name, refusal, isWritten);
  }

  /** How many other nodes must have a write of the table at least, before it counts as done. */
  leastOthers(table: TableState): number {
    return table.split === "pauseMinority" ? this.#leastOthers : 0;
  }
}
