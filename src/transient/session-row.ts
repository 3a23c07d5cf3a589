/** A session as it stands in the table, and which of two that came at once is kept. */

/** One row. */
export interface SessionRow<S> {
  /** Unique in the cluster: tells a session from an earlier one of the same address. */
  readonly id: string;
  /** Name of the node that holds it. */
  readonly node: string;
  /** When it began, ms since the Unix epoch; greater than that of the one it took over from. */
  readonly since: number;
  readonly session: S;
}

/** Which of two sessions of one address stays. */
export type SessionKeep = "newest" | "oldest";

/**
 * Chooses among rows of one address that were written at the same time. By when the sessions
 * began, not by when they were written last: an update must not make an old session win.
 */
export function keptOf<S>(keep: SessionKeep, rows: readonly SessionRow<S>[]): SessionRow<S> {
  return rows.reduce((best, one) => (isNewer(one, best) === (keep === "newest") ? one : best));
}

function isNewer<S>(one: SessionRow<S>, other: SessionRow<S>): boolean {
  if (one.since !== other.since) return one.since > other.since;
  return one.id > other.id;
}
