/**
 * Who lags: a counted member that has not yet applied what we had written `lagMs` ago is excused
 * from every wait until it has caught up to within a tick. It is alive all the same. So is who is
 * alive and not linked: how far it has come is then heard from others.
 */
import type { Acks } from "./acks.ts";

/** Heads of our log at the last ticks. */
export class Lag {
  #heads: { readonly at: number; readonly seq: number }[] = [];

  /** Excuses members that lag and counts those that have caught up. Returns who was excused. */
  check(acks: Acks, head: number, now: number, lagMs: number): number[] {
    const before = this.#heads.at(-1)?.seq ?? 0;
    this.#heads.push({ at: now, seq: head });
    let due = 0;
    while (this.#heads.length > 0 && (this.#heads[0]?.at ?? now) <= now - lagMs) {
      due = this.#heads.shift()?.seq ?? due;
    }
    // The newest head that is old enough stays, so that the next tick compares with it too.
    if (due > 0) this.#heads.unshift({ at: now - lagMs, seq: due });
    const excused: number[] = [];
    for (const id of [...acks.countedIds()]) {
      if (acks.reached(id) >= due) continue;
      acks.excuseLagging(id);
      excused.push(id);
    }
    for (const id of [...acks.lateIds()]) {
      const acked = acks.acked(id);
      // Who has applied nothing of ours has not been heard of yet.
      if (acked > 0 && acked >= before) acks.count(id, acked);
    }
    return excused;
  }
}
