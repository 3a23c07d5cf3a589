/** What serial calls decide and write while their key is reserved. */
import { SerialUnknownError } from "../../errors.ts";
import type { LocalWriter } from "../local-writer.ts";
import type { Row } from "../row.ts";
import { versionOf } from "../table-reads.ts";
import type { TableState } from "../table-state.ts";

/** The seq of what was written (0: nothing), and what the caller gets. */
export interface Decision<T> {
  readonly seq: number;
  readonly result: T;
}

/** One key, for as long as it is reserved. */
export class ReservedKey {
  readonly #state: TableState;
  readonly #write: LocalWriter;
  readonly #ids: readonly number[];
  readonly #key: string;
  readonly #quorum: boolean;

  constructor(of: {
    readonly state: TableState;
    readonly write: LocalWriter;
    /** Origin ids by local index. */
    readonly ids: readonly number[];
    readonly key: string;
    readonly quorum: boolean;
  }) {
    this.#state = of.state;
    this.#write = of.write;
    this.#ids = of.ids;
    this.#key = of.key;
    this.#quorum = of.quorum;
  }

  insertNew(encoded: string): Decision<boolean> {
    if (this.#current() !== undefined) return { seq: 0, result: false };
    return { seq: this.#write.set(this.#state, this.#key, encoded), result: true };
  }

  getOrInsert(make: () => string): Decision<{ inserted: boolean; value: unknown }> {
    const row = this.#current();
    if (row !== undefined) {
      return { seq: 0, result: { inserted: false, value: this.#state.read(row) } };
    }
    const seq = this.#write.set(this.#state, this.#key, make());
    const value = this.#state.visible(this.#key)?.read();
    return { seq, result: { inserted: true, value } };
  }

  /** `change` gives the encoded new value, or undefined to remove the row. */
  set(change: (current: unknown) => string | undefined): Decision<unknown> {
    const row = this.#current();
    const result = row === undefined ? undefined : this.#state.read(row);
    const changed = change(result);
    const seq =
      changed === undefined
        ? this.#write.delete(this.#state, this.#key)
        : this.#write.set(this.#state, this.#key, changed);
    return { seq, result };
  }

  replaceIf(version: string, encoded: string): Decision<boolean> {
    const row = this.#current();
    if (row === undefined || versionOf(this.#ids, row) !== version) {
      return { seq: 0, result: false };
    }
    return { seq: this.#write.set(this.#state, this.#key, encoded), result: true };
  }

  /** The visible row. In `quorum` mode a row that is only hidden is neither there nor not. */
  #current(): Row | undefined {
    const row = this.#state.visible(this.#key);
    if (row !== undefined || !this.#quorum) return row;
    for (let each = this.#state.rows.get(this.#key) ?? null; each !== null; each = each.next) {
      if (this.#state.isGone(each)) continue;
      throw new SerialUnknownError(
        "the row's owner is out of reach, and whether it is gone is not known; nothing was written",
        { isWritten: false },
      );
    }
    return undefined;
  }
}
