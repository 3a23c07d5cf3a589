/** Terms: the reigns of leaders. Each takeover begins one that is newer than all that it knows. */

/** A reign. The zero term is nobody's. */
export interface Term {
  readonly count: number;
  /** Origin id of the leader. */
  readonly leader: number;
}

/** Before any takeover. */
export const NO_TERM: Term = { count: 0, leader: 0 };

/** Positive if `a` is newer. */
export function compareTerms(a: Term, b: Term): number {
  return a.count !== b.count ? a.count - b.count : a.leader - b.leader;
}
