/** What an examination finds, and what to do about it. */

/** `fault`: stores will not work. `warning`: they will, until. `advice`: it could be better. */
export type FindingLevel = "ok" | "advice" | "warning" | "fault";

/** One finding. */
export interface Finding {
  /** What was looked at, for example `grants`. Stable. */
  readonly check: string;
  readonly level: FindingLevel;
  readonly text: string;
  /** What to do; a command where there is one. Undefined if all is well. */
  readonly action?: string;
}

/** All is well. */
export function ok(check: string, text: string): Finding {
  return { check, level: "ok", text };
}
