/**
 * Removing the rows of closed origins, in slices. Reads, sessions and digests of others treat
 * such rows as absent from the moment of the closing; this only gives their memory back.
 */
import type { Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { Slice } from "./slice.ts";

/** One purge, over all tables. */
export class Purge {
  readonly #replica: Replica;
  readonly #steps: Iterator<void>;

  constructor(replica: Replica) {
    this.#replica = replica;
    this.#steps = this.#run();
  }

  /** Looks at keys for one slice; true once it has looked at all. */
  step(slice: Slice): boolean {
    do if (this.#steps.next().done === true) return true;
    while (!slice.isOver());
    return false;
  }

  *#run(): Generator<void> {
    for (const table of this.#replica.tables.values()) {
      if (table.lifetime !== "node") continue;
      for (const head of table.rows.values()) {
        let next: Row | null = null;
        for (let row: Row | null = head; row !== null; row = next) {
          next = row.next;
          if (!table.isGone(row)) continue;
          this.#replica.drop(table, row);
          this.#replica.counters.purgedRows++;
        }
        yield;
      }
    }
  }
}
