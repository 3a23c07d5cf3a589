/**
 * Births that are known to be killed before they arrived: a kill ahead of its set waits here
 * until the birth is covered. Part of the replica's state, so it travels with a state session.
 */
import type { TableState } from "./table-state.ts";

/** One awaited birth. */
export interface AheadEntry {
  readonly table: TableState;
  readonly key: string;
  readonly origin: number;
  readonly seq: number;
}

/** The awaited births by local origin index and seq. */
export class Ahead {
  readonly #byOrigin: (Map<number, AheadEntry> | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Awaited births of one table. */
  sizeOf(table: TableState): number {
    if (this.#size === 0) return 0;
    let size = 0;
    for (const entry of this.list()) if (entry.table === table) size++;
    return size;
  }

  has(origin: number, seq: number): boolean {
    return this.#size > 0 && this.#byOrigin[origin]?.has(seq) === true;
  }

  add(entry: AheadEntry): void {
    let seqs = this.#byOrigin[entry.origin];
    if (seqs === undefined) {
      seqs = new Map();
      this.#byOrigin[entry.origin] = seqs;
    }
    if (!seqs.has(entry.seq)) this.#size++;
    seqs.set(entry.seq, entry);
  }

  delete(origin: number, seq: number): void {
    if (this.#size > 0 && this.#byOrigin[origin]?.delete(seq) === true) this.#size--;
  }

  /** Forgets what `covered` says has arrived meanwhile. */
  prune(covered: (origin: number, seq: number) => boolean): void {
    if (this.#size === 0) return;
    for (const entry of [...this.list()]) {
      if (covered(entry.origin, entry.seq)) this.delete(entry.origin, entry.seq);
    }
  }

  *list(): IterableIterator<AheadEntry> {
    for (const seqs of this.#byOrigin) {
      if (seqs !== undefined) yield* seqs.values();
    }
  }
}
