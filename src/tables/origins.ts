/**
 * The origins this replica knows and how much of each one's log it covers (the vector).
 * Cluster-wide ids are interned as small local indexes so that rows stay small; an index never
 * leaves this process and nothing is ever ordered by it.
 */
import { IdRanges } from "./id-ranges.ts";

/** Stands for "every op there ever was": the coverage of a retired origin. */
export const COVERS_ALL: number = Number.MAX_SAFE_INTEGER;

/** One replica's view of all origins. Arrays are indexed by local origin index. */
export class Origins {
  /** Cluster-wide origin id. */
  readonly ids: number[] = [];
  /** Highest contiguous seq applied; COVERS_ALL once retired. */
  readonly vector: number[] = [];
  /** In the vector that peers are told. */
  readonly listed: boolean[] = [];
  /** Closed and not retired yet. */
  readonly closed: boolean[] = [];
  /** Closed or retired: its node-lifetime rows do not exist any more. */
  readonly gone: boolean[] = [];
  /** Not alive in this node's opinion: its node-lifetime rows are not shown. */
  readonly hidden: boolean[] = [];
  /** Origins that are wholly covered and out of every vector. */
  readonly retired: IdRanges = new IdRanges();
  /** Local index of this node's own origin. */
  readonly self: number;
  /** How many origins are hidden or gone; zero lets reads skip the check. */
  hiddenCount = 0;
  readonly #indexes = new Map<number, number>();

  constructor(selfId: number) {
    this.self = this.intern(selfId);
    this.list(this.self);
    this.setHidden(this.self, false);
  }

  /** The local index of an id; a new one starts uncovered, unlisted and hidden. */
  intern(id: number): number {
    const known = this.#indexes.get(id);
    if (known !== undefined) return known;
    const index = this.ids.length;
    const retired = this.retired.has(id);
    this.#indexes.set(id, index);
    this.ids.push(id);
    this.vector.push(retired ? COVERS_ALL : 0);
    this.listed.push(false);
    this.closed.push(false);
    this.gone.push(retired);
    this.hidden.push(true);
    this.hiddenCount++;
    return index;
  }

  /** The index of an id if it was seen before, else -1. */
  find(id: number): number {
    return this.#indexes.get(id) ?? -1;
  }

  /** Puts the origin into the vector that peers are told. */
  list(index: number): void {
    if (this.vector[index] !== COVERS_ALL) this.listed[index] = true;
  }

  /** Whether the op (origin, seq) was applied here, or cannot matter any more. */
  covered(index: number, seq: number): boolean {
    return seq <= (this.vector[index] as number);
  }

  /** Returns whether that changed anything. Gone origins stay hidden. */
  setHidden(index: number, hidden: boolean): boolean {
    const wanted = hidden || (this.gone[index] as boolean);
    if (this.hidden[index] === wanted) return false;
    this.hidden[index] = wanted;
    this.hiddenCount += wanted ? 1 : -1;
    return true;
  }

  /** Marks an origin closed. Returns false if it was gone already. */
  close(index: number): boolean {
    if (this.gone[index]) return false;
    this.closed[index] = true;
    this.gone[index] = true;
    this.list(index);
    this.setHidden(index, true);
    return true;
  }

  /** Takes an origin out of the vector for good; its id is to be added to `retired` as well. */
  retire(index: number): void {
    this.vector[index] = COVERS_ALL;
    this.listed[index] = false;
    this.closed[index] = false;
    this.gone[index] = true;
    this.setHidden(index, true);
  }

  /** Whether the origin is in a retired range and still in the vector. */
  needsRetiring(index: number): boolean {
    return this.vector[index] !== COVERS_ALL && this.retired.has(this.ids[index] as number);
  }

  /** Local indexes of the listed origins. */
  listedIndexes(): number[] {
    const indexes: number[] = [];
    for (let index = 0; index < this.ids.length; index++) {
      if (this.listed[index]) indexes.push(index);
    }
    return indexes;
  }

  /** Ids of the origins that are closed and not yet retired, ascending. */
  closedIds(): number[] {
    const ids: number[] = [];
    for (let index = 0; index < this.ids.length; index++) {
      if (this.closed[index]) ids.push(this.ids[index] as number);
    }
    return ids.sort((a, b) => a - b);
  }
}
