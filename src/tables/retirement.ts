/**
 * Retiring closed origins: once every member says, directly and in its newest report, that it
 * knows the same members, has closed the same origins and covers the same of each, all closed
 * origins leave the vector in one batch. From then on everything of theirs counts as covered.
 *
 * Nobody unheard of may hold more: the caller asks only while every address that discovery names
 * is linked or vacant. Two sides of a split that retire apart would disagree on what was covered.
 *
 * A report counts only if its closed and retired sets equal ours: one from before somebody died
 * must not be mixed with one from after. Others adopt a retirement only with a state session.
 */
import type { Peer } from "./peer.ts";
import type { Replica } from "./replica.ts";
import type { View } from "./view.ts";
import { viewOf } from "./view.ts";

/** Retires what can be. Returns the ids of the origins retired. */
export function retireClosed(replica: Replica, peers: ReadonlyMap<number, Peer>): number[] {
  const { origins } = replica;
  const ours = viewOf(origins);
  if (ours.closed.length === 0) return [];
  const closed = new Set(ours.closed);
  for (const id of ours.vector.keys()) {
    if (closed.has(id) || id === origins.ids[origins.self]) continue;
    const report = peers.get(id)?.report;
    if (report === undefined || report === null || !agrees(report.view, ours)) return [];
  }
  for (const id of ours.closed) {
    origins.retired.add(id, id);
    replica.retire(origins.intern(id));
  }
  replica.observer.retired?.(ours.closed);
  return [...ours.closed];
}

function agrees(theirs: View, ours: View): boolean {
  if (theirs.closed.length !== ours.closed.length) return false;
  if (theirs.vector.size !== ours.vector.size) return false;
  if (!sameRanges(theirs.retired, ours.retired)) return false;
  for (const id of ours.vector.keys()) if (!theirs.vector.has(id)) return false;
  const theirClosed = new Set(theirs.closed);
  for (const id of ours.closed) {
    if (!theirClosed.has(id) || theirs.vector.get(id) !== ours.vector.get(id)) return false;
  }
  return true;
}

function sameRanges(a: View["retired"], b: View["retired"]): boolean {
  return (
    a.length === b.length && a.every(([from, to], at) => b[at]?.[0] === from && b[at][1] === to)
  );
}
