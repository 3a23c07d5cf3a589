/** What kills can be tried on: stores that are copied or moved, and tables that are migrated. */
import type { Task } from "./place-names.ts";

/** One kind of work on one database. Its trials follow one another. */
export interface Work {
  /** Makes all that it needs; called once, first. */
  open(): Promise<void>;
  /** Makes what a process finds, and says what that is to do. */
  begin(holder: string): Promise<Task>;
  /** Everything that a kill may leave: by this one sees how far a process came. */
  look(): Promise<readonly string[]>;
  /** What need not be waited for once a process is dead. */
  bury(holder: string): Promise<void>;
  /** What is wrong at the end; undefined: nothing. */
  judge(): Promise<string | undefined>;
  /** Forgets what a trial left that went wrong. */
  reset(): Promise<void>;
}

/** What is lost and what is doubled; undefined: nothing. */
export function compare(
  wanted: readonly string[],
  found: readonly string[],
  what: string,
): string | undefined {
  const there = new Set(found);
  const missing = wanted.filter((line) => !there.has(line)).length;
  if (missing > 0) return `${missing} of ${wanted.length} ${what} are lost`;
  if (found.length > wanted.length) return `${found.length - wanted.length} ${what} are doubled`;
  if (found.some((line, at) => line !== wanted[at])) return `the order of ${what} is another one`;
  return undefined;
}
