/**
 * Whom this node follows, and which terms it has promised. Promises only rise: whoever asks to be
 * followed in an older term than the newest that was promised is told of that one instead.
 */
import { compareTerms, NO_TERM, type Term } from "./term.ts";

/** This node's word. */
export class Allegiance {
  /** The highest number of a term that was heard of. */
  #highest = 0;
  #promised: Term = NO_TERM;
  #following: Term | null = null;
  /** Terms that wait to be followed: number by leader. */
  readonly #calls = new Map<number, number>();

  /** The newest term that this node has promised to follow. */
  get promised(): Term {
    return this.#promised;
  }

  /** The leader that this node follows, over the link of now. */
  get following(): Term | null {
    return this.#following;
  }

  heardOf(count: number): void {
    this.#highest = Math.max(this.#highest, count);
  }

  /** A leader asks to be followed. */
  called(leader: number, count: number): void {
    this.heardOf(count);
    this.#calls.set(leader, count);
  }

  /** What that one has asked for counts no more. */
  forget(leader: number): void {
    this.#calls.delete(leader);
  }

  /** This node begins to lead, in a term newer than all that it has heard of. */
  lead(self: number): Term {
    this.heardOf(this.#promised.count);
    const term: Term = { count: ++this.#highest, leader: self };
    this.#promised = term;
    this.#following = term;
    return term;
  }

  /** Takes over a promise of others. Returns the leader whose term is over by it, or null. */
  promise(term: Term, self: number): number | null {
    if (compareTerms(term, this.#promised) <= 0) return null;
    this.#promised = term;
    this.heardOf(term.count);
    const following = this.#following;
    if (following === null || following.leader === self) return null;
    // Its leader learns so from the answer; it may have begun a newer term, and told of that.
    const { leader, count } = following;
    this.#calls.set(leader, Math.max(count, this.#calls.get(leader) ?? 0));
    return leader;
  }

  /**
   * Answers the one who is to lead, if it has asked: follows unless a newer term was promised.
   * Returns whether that is another term than the one before, or null if nobody has asked.
   */
  answer(leader: number): { readonly isNew: boolean } | null {
    const count = this.#calls.get(leader);
    if (count === undefined) return null;
    this.#calls.delete(leader);
    const term: Term = { count, leader };
    if (compareTerms(term, this.#promised) < 0) return { isNew: false };
    const before = this.#following;
    this.#promised = term;
    this.#following = term;
    return { isNew: before === null || compareTerms(before, term) !== 0 };
  }

  /** That one leads no more, or not over this link. True if it was followed. */
  lost(leader: number): boolean {
    if (this.#following?.leader !== leader) return false;
    this.#following = null;
    return true;
  }
}
