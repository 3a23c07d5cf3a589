/** What making a target equal to a source is told and tells. */

import type { Budget } from "../contract/driver.ts";

/** The same place on both sides. */
export interface Pair<D> {
  readonly source: D;
  readonly target: D;
}

/** How it is done. */
export interface AlignRules {
  /** Nothing is written. */
  readonly isDry: boolean;
  /** Asked before each write; throws if it must not be done any more. */
  readonly guard: () => void;
  /** For each call to a back end. */
  readonly budget: Budget;
}

/** What was found for one user. */
export interface Aligned {
  /** Rows in the source. */
  readonly rows: number;
  /** Their length in characters, keys and values. */
  readonly bytes: number;
  /** Rows that the target had otherwise and, but for a dry run, has been given. */
  readonly changed: number;
}
