/**
 * A leader's reign, while this node has the lowest origin of all that are alive in its opinion.
 *
 *   idle --begin--> taking over --all follow, the dead are settled--> serving --end--> idle
 *
 * Whoever follows gives up what earlier leaders granted and says what it holds. Before this node
 * serves, it holds all that its followers held when they said so: what was decided under earlier
 * leaders is then here, and goes with each grant. A new member, or a new link, is asked first.
 */
import type { Origins } from "../origins.ts";
import type { View } from "../view.ts";
import { coversView, type SerialMembers } from "./members.ts";
import { Reservations } from "./reservations.ts";
import type { PledgedKey, SerialFrame } from "./serial-frames.ts";
import { compareTerms, type Term } from "./term.ts";

interface Follower {
  /** What it held, until this node does. */
  owed: View | null;
  readonly voter: boolean;
}

/** The reign. */
export class Leader {
  readonly reservations = new Reservations();
  /** Takeovers that came to their end. */
  takeovers = 0;
  readonly #origins: Origins;
  readonly #members: SerialMembers;
  readonly #followers = new Map<number, Follower>();
  #term: Term | null = null;
  #tookOver = false;

  constructor(origins: Origins, members: SerialMembers) {
    this.#origins = origins;
    this.#members = members;
  }

  /** The term, or null while somebody else is to lead. */
  get term(): Term | null {
    return this.#term;
  }

  get tookOver(): boolean {
    return this.#tookOver;
  }

  /** A new term: everything is to be heard anew. */
  begin(term: Term): void {
    this.end();
    this.#term = term;
  }

  end(): void {
    this.#term = null;
    this.#tookOver = false;
    this.#followers.clear();
    this.reservations.clear();
  }

  followed(id: number, by: Omit<Extract<SerialFrame, { kind: "follow" }>, "kind">): void {
    this.#followers.set(id, { owed: by.view, voter: by.voter });
    for (const hold of by.holds) this.reservations.adopt(id, hold);
    this.keep(by.pledged);
  }

  /** Reserves what those may have written to who do not follow themselves. */
  keep(pledged: readonly PledgedKey[]): void {
    for (const pledge of pledged) {
      const { origin } = pledge;
      const isHeard = origin === this.#term?.leader || this.#followers.has(origin);
      if (!isHeard && !this.#origins.retired.has(origin)) this.reservations.keep(pledge);
    }
  }

  /** A follower has become a voter: all that it holds counts from now on. */
  told(
    id: number,
    by: { readonly view: View; readonly voter: boolean; readonly promised: Term },
  ): void {
    if (this.#term === null || !by.voter || !this.#followers.has(id)) return;
    if (compareTerms(by.promised, this.#term) !== 0) return;
    this.#followers.set(id, { owed: by.view, voter: true });
  }

  /** A new link to it: it is to follow anew. */
  linked(id: number): void {
    this.#followers.delete(id);
  }

  unlinked(id: number): void {
    this.reservations.orphan(id);
  }

  /** It is down or closed; its keys stay reserved until the next term. */
  gone(id: number): void {
    this.#followers.delete(id);
    this.reservations.orphan(id);
  }

  /** Looks at what has come in; true once it serves. */
  step(): boolean {
    if (this.#term === null) return false;
    for (const [id, follower] of this.#followers) {
      if (follower.owed === null || !coversView(this.#origins, follower.owed)) continue;
      follower.owed = null;
      this.reservations.free(id);
    }
    // All agree on what a retired origin wrote, and it is here.
    for (const id of [...this.reservations.origins()]) {
      if (this.#origins.retired.has(id)) this.reservations.free(id);
    }
    if (!this.#isFollowed()) return false;
    if (!this.#tookOver && this.#members.dead.size === 0) {
      this.#tookOver = true;
      this.takeovers++;
    }
    return this.#tookOver;
  }

  /** Voters among the followers. */
  get voters(): number {
    let voters = 0;
    for (const { voter, owed } of this.#followers.values()) if (voter && owed === null) voters++;
    return voters;
  }

  /** Members that have not followed yet, for messages. */
  awaited(): string[] {
    const names: string[] = [];
    for (const { id, name } of this.#members.alive()) {
      if (this.#followers.get(id)?.owed !== null) names.push(name);
    }
    return names;
  }

  #isFollowed(): boolean {
    for (const { id } of this.#members.alive()) {
      if (this.#followers.get(id)?.owed !== null) return false;
    }
    return true;
  }
}
