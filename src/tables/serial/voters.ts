/**
 * Who may vote in `quorum` mode. A node that has just started remembers nothing: it may have said
 * yes to something in an earlier life. So it votes only once it holds what the others hold: those
 * of a majority that vote themselves, or of all seats of the cluster, which is how a new cluster
 * begins. Sound as long as fewer than half of the nodes lose their memory at a time.
 */
import type { Origins } from "../origins.ts";
import type { View } from "../view.ts";
import { coversView } from "./members.ts";
import { compareTerms, type Term } from "./term.ts";

interface Told {
  owed: View | null;
  readonly voter: boolean;
  readonly promised: Term;
}

/** This node's right to vote, and what it knows of the others'. */
export class Voters {
  isVoter = false;
  readonly #origins: Origins;
  readonly #clusterSize: number | undefined;
  readonly #told = new Map<number, Told>();
  /** Origins by name: all that were ever linked and are not closed. */
  readonly #seats = new Map<string, number>();

  constructor(origins: Origins, clusterSize: number | undefined) {
    this.#origins = origins;
    this.#clusterSize = clusterSize;
  }

  /** Nodes that are more than half of the cluster; infinite if its size is not known. */
  get majority(): number {
    return this.#clusterSize === undefined
      ? Number.POSITIVE_INFINITY
      : Math.floor(this.#clusterSize / 2) + 1;
  }

  /** More nodes are known than the cluster has by its options: a majority would be none. */
  get isCrowded(): boolean {
    return this.#seats.size + 1 > (this.#clusterSize ?? 0);
  }

  linked(id: number, name: string): void {
    this.#told.delete(id);
    this.#seats.set(name, id);
  }

  /** What a peer says of itself. */
  told(id: number, by: { readonly view: View; readonly voter: boolean; readonly promised: Term }) {
    this.#told.set(id, { owed: by.view, voter: by.voter, promised: by.promised });
  }

  down(id: number): void {
    this.#told.delete(id);
  }

  closed(id: number): void {
    this.#told.delete(id);
    for (const [name, seat] of this.#seats) if (seat === id) this.#seats.delete(name);
  }

  /** Becomes a voter if it may now: returns the newest term that was promised to others. */
  step(): Term | null {
    if (this.isVoter || this.#clusterSize === undefined || this.isCrowded) return null;
    let voters = 0;
    let all = 0;
    let newest: Term = { count: 0, leader: 0 };
    for (const told of this.#told.values()) {
      if (told.owed !== null && coversView(this.#origins, told.owed)) told.owed = null;
      if (told.owed !== null) continue;
      all++;
      if (told.voter) voters++;
      if (compareTerms(told.promised, newest) > 0) newest = told.promised;
    }
    if (voters < this.majority && all < this.#clusterSize - 1) return null;
    this.isVoter = true;
    return newest;
  }
}
