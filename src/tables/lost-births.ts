/**
 * Rows of this node that others' writes have ended or put into the shade, each told once.
 *
 * Intuition: a birth of ours is lost when it is dropped by anything but an op of ours, or when a
 * concurrent write that is greater comes to lie above it. Both are seen where rows change, so it
 * makes no difference whether the news came by a link, by a third node or in a state session.
 * What was shaded first and is ended later was told already; a set remembers those that are held.
 */
import type { Deliveries, Delivery } from "./deliveries.ts";
import type { Origins } from "./origins.ts";
import type { Row } from "./row.ts";
import type { TableState } from "./table-state.ts";
import { valuesEqual } from "./value.ts";

/** How a birth was lost: it is gone, or a concurrent write is shown in its place. */
export type LossKind = "ended" | "shadowed";

/** One lost birth. */
export interface Loss {
  readonly key: string;
  /** Encoded. */
  readonly value: string;
  readonly seq: number;
  readonly kind: LossKind;
}

/** The lost births of one table. */
export class LostBirths implements Delivery {
  /** Births lost since the start. */
  count = 0;
  readonly #table: TableState;
  readonly #origins: Origins;
  readonly #deliveries: Deliveries;
  readonly #listener: ((loss: Loss) => void) | null;
  /** Seqs of births that are held and were told as shadowed. */
  readonly #shadowed = new Set<number>();
  /** Not told yet: each is a row that this node held, so these are no more than it wrote. */
  #queue: Loss[] = [];

  constructor(
    parts: {
      readonly table: TableState;
      readonly origins: Origins;
      readonly deliveries: Deliveries;
    },
    listener: ((loss: Loss) => void) | null,
  ) {
    this.#table = parts.table;
    this.#origins = parts.origins;
    this.#deliveries = parts.deliveries;
    this.#listener = listener;
  }

  /** Seqs of births that are held and were told as shadowed. */
  get shadowed(): ReadonlySet<number> {
    return this.#shadowed;
  }

  /** A row of ours is about to go, by an op of ours or of another. */
  ended(row: Row, byOther: boolean): void {
    if (this.#shadowed.delete(row.birthSeq) || !byOther) return;
    this.#lose(row, "ended");
  }

  /** A key has siblings: those of ours that are not the one shown are lost. */
  shadows(key: string): void {
    if (this.#table.type === "bag") return;
    const rows: Row[] = [];
    for (let row = this.#table.rows.get(key) ?? null; row !== null; row = row.next) {
      if (!this.#table.isGone(row)) rows.push(row);
    }
    if (rows.length < 2) return;
    const shown = this.#shown(rows);
    if (shown === null) return;
    for (const row of rows) {
      if (row.birthOrigin !== this.#origins.self || row === shown) continue;
      if (this.#shadowed.has(row.birthSeq)) continue;
      this.#shadowed.add(row.birthSeq);
      this.#lose(row, "shadowed");
    }
  }

  deliver(): boolean {
    const due = this.#queue;
    this.#queue = [];
    for (const loss of due) {
      try {
        this.#listener?.(loss);
      } catch (error) {
        this.#deliveries.failed(error);
      }
    }
    return this.#queue.length > 0;
  }

  /** The sibling that readers see. Null: a mixture of all, in which nobody has lost. */
  #shown(rows: readonly Row[]): Row | null {
    const merged = this.#table.merged?.of(rows) ?? null;
    if (merged === null) return rows[0] ?? null;
    return rows.find((row) => valuesEqual(row.value, merged.encoded)) ?? null;
  }

  #lose(row: Row, kind: LossKind): void {
    this.count++;
    if (this.#listener === null) return;
    this.#queue.push({ key: row.key, value: row.value, seq: row.birthSeq, kind });
    this.#deliveries.add(this);
  }
}
