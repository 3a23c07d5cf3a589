/**
 * Which of two replicas is right about a key, where both cover the same and hold different rows.
 * Both ends decide by the same rule and each mends only itself, so that no order of repairs
 * matters:
 *
 * * A birth that one of them holds: its origin is right about it. Of two others the one that is
 *   linked to the origin is. Both linked: neither changes anything, for each will be compared with
 *   the origin itself. Neither linked, or the origin is gone: the birth is held, so that no row
 *   is lost for being lost on one side.
 * * Different writes under one birth: the newer one stands, as in any merge.
 * * Different values of one write: the same as for births, by the origin of the write; where that
 *   decides nothing, the greater stamp, then the greater value.
 */
import { compareWrites, type Written } from "../row.ts";

/** How near a node is to an origin: it is the origin, has a link to it, or neither. */
export type Nearness = 0 | 1 | 2;

/** Nearness of the two ends to an origin, by local index. */
export interface Nearnesses {
  ours(origin: number): Nearness;
  theirs(origin: number): Nearness;
}

/** What this side is to do with one birth. */
export type Mending =
  | { readonly kind: "keep" }
  | { readonly kind: "drop" }
  /** Hold what the peer holds. */
  | { readonly kind: "take"; readonly written: Written };

const KEEP: Mending = { kind: "keep" };

/** The rule. One of `ours` and `theirs` may be missing. */
export function mendBirth(
  ids: readonly number[],
  of: { readonly ours: Written | null; readonly theirs: Written | null },
  near: Nearnesses,
): Mending {
  const { ours, theirs } = of;
  if (ours === null) return theirs === null ? KEEP : mendMissing(theirs, near);
  if (theirs === null) return mendExtra(ours, near);
  const order = compareWrites(ids, theirs, ours);
  const isSameDot = ours.dotOrigin === theirs.dotOrigin && ours.dotSeq === theirs.dotSeq;
  if (!isSameDot) return order > 0 ? { kind: "take", written: theirs } : KEEP;
  if (order === 0 && ours.value === theirs.value) return KEEP;
  const [mine, yours] = [near.ours(ours.dotOrigin), near.theirs(ours.dotOrigin)];
  if (mine < yours) return KEEP;
  if (yours < mine) return { kind: "take", written: theirs };
  if (mine === 1) return KEEP;
  const isGreater = order > 0 || (order === 0 && theirs.value > ours.value);
  return isGreater ? { kind: "take", written: theirs } : KEEP;
}

function mendMissing(theirs: Written, near: Nearnesses): Mending {
  const [mine, yours] = [near.ours(theirs.birthOrigin), near.theirs(theirs.birthOrigin)];
  const isTheirs = yours < mine || (yours === mine && mine === 2);
  return isTheirs ? { kind: "take", written: theirs } : KEEP;
}

function mendExtra(ours: Written, near: Nearnesses): Mending {
  const [mine, yours] = [near.ours(ours.birthOrigin), near.theirs(ours.birthOrigin)];
  return yours < mine ? { kind: "drop" } : KEEP;
}
