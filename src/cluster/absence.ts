/**
 * Which origins all live members agree to be gone. Pure. Each node lists in its pings the
 * origins it has seen down for `forgetAfterMs`; one that is on the own list and on the newest
 * list of every live member is closed. Used where no database closes origins.
 */

/** A closed origin stays on the list for so many pings, so that slower members agree too. */
const PINGS_AFTER_CLOSING = 60;
/** Origins on the list at most. */
const ABSENT_MAX = 10_000;

export class Absence {
  #own: ReadonlySet<number> = new Set();
  /** Closed here: pings that still list it. */
  readonly #closed = new Map<number, number>();
  #listed: readonly number[] = [];
  readonly #reports = new Map<number, ReadonlySet<number>>();

  /** Sets the own list, once per round of pings. */
  round(absent: readonly number[]): void {
    this.#own = new Set(absent.slice(0, ABSENT_MAX));
    for (const [origin, left] of this.#closed) {
      if (left === 1) this.#closed.delete(origin);
      else this.#closed.set(origin, left - 1);
    }
    this.#listed = [...this.#own, ...this.#closed.keys()].slice(0, ABSENT_MAX);
  }

  /** What a ping is to say: the own list, and what was closed lately. */
  get listed(): readonly number[] {
    return this.#listed;
  }

  /** The newest list of a linked member. */
  reported(member: number, absent: readonly number[]): void {
    this.#reports.set(member, new Set(absent));
  }

  /** The link to that member is gone, and its list with it. */
  forget(member: number): void {
    this.#reports.delete(member);
  }

  /**
   * Origins on the own list and on that of each live member. None unless the live ones, this
   * node included, are more than half of all that are known and open: of two halves that lost
   * sight of one another neither is to close the other.
   */
  agreed(liveMembers: readonly number[], knownMembers: number): number[] {
    if ((liveMembers.length + 1) * 2 <= knownMembers + 1) return [];
    return [...this.#own].filter((origin) =>
      liveMembers.every((member) => this.#reports.get(member)?.has(origin) === true),
    );
  }

  /** An agreed origin was closed. */
  closed(origin: number): void {
    const own = new Set(this.#own);
    own.delete(origin);
    this.#own = own;
    this.#closed.set(origin, PINGS_AFTER_CLOSING);
  }
}
