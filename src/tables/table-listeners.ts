/** The listeners that a table's declaration names: for lost rows, and for owners that are down. */
import type { OwnerDownEvent } from "./change.ts";
import type { ChangeSink, OwnerDown } from "./change-feed.ts";
import { Expiry } from "./expiry.ts";
import { decodeKey } from "./key.ts";
import { type Loss, LostBirths } from "./lost-births.ts";
import type { TableOptions } from "./table-options.ts";
import type { TableReads } from "./table-reads.ts";
import { decodeValue } from "./value.ts";

/** From now on this node's rows that others end are counted, and told if anybody listens. */
export function attachConflicts(reads: TableReads, options: TableOptions<never>): void {
  const { state, tables } = reads;
  const { origins, deliveries } = tables.replica;
  const { onConflict } = options;
  const tell = (loss: Loss): void => {
    if (!reads.isRemoved) onConflict?.(conflictOf(reads, loss));
  };
  const listener = onConflict === undefined ? null : tell;
  state.lost = new LostBirths({ table: state, origins, deliveries }, listener);
}

function conflictOf(reads: TableReads, { key, value, kind }: Loss) {
  const { state } = reads;
  const row = state.visible(key);
  const current = row === undefined ? undefined : (state.read(row) as never);
  const origin = row && (reads.tables.replica.origins.ids[row.birthOrigin] as number);
  const owner = origin === undefined ? undefined : reads.nameOf(origin);
  return { key: decodeKey(key), value: decodeValue(value) as never, kind, current, owner };
}

/** From now on this node's rows end when their time is over. */
export function attachExpiry(reads: TableReads, { ttlMs }: TableOptions<never>): void {
  if (ttlMs === undefined) return;
  const { state, tables } = reads;
  state.expiry = new Expiry(ttlMs, state, tables.replica.origins);
  state.expiry.adopt(tables.now());
}

/** Tells of owners that are down. One a table, for as long as it is declared. */
export class OwnerDownListener implements ChangeSink {
  readonly #reads: TableReads;
  readonly #listener: (event: OwnerDownEvent) => void;
  /** No more than there are owners. */
  #queue: OwnerDown[] = [];

  constructor(reads: TableReads, listener: (event: OwnerDownEvent) => void) {
    this.#reads = reads;
    this.#listener = listener;
  }

  ownerDown(down: OwnerDown): void {
    this.#queue.push(down);
  }

  flush(): boolean {
    const due = this.#queue;
    this.#queue = [];
    for (const { owner, isGone, rows } of due) {
      const reason = isGone ? "ownerDown" : "ownerSuspect";
      const { state, nameOf, tables } = this.#reads;
      try {
        this.#listener({
          table: state.name,
          owner: nameOf(owner),
          ownerOrigin: owner,
          reason,
          rows,
        });
      } catch (error) {
        tables.replica.deliveries.failed(error);
      }
    }
    return false;
  }
}
