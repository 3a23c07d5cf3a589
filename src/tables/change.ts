/** What watchers are told of: rows as readers see them, and how they have changed. Types only. */
import type { Key } from "./key.ts";

/**
 * Why a row changed. `set`, `patched`, `deleted`: an op of that kind. `expired`: its time was
 * over. `conflict`: of concurrent writes another one is shown now. `ownerSuspect`: its owner is
 * not alive in this node's opinion; `ownerBack`: it is again. `ownerDown`: its owner is closed for
 * good. `resync`: it came with a state session, so that the single ops are not known.
 */
export type ChangeReason =
  | "set"
  | "patched"
  | "deleted"
  | "expired"
  | "conflict"
  | "ownerSuspect"
  | "ownerBack"
  | "ownerDown"
  | "resync";

/** One change as it is recorded: encoded, for most watchers look at few. */
export interface Change {
  readonly key: string;
  /** Null: the row is not shown any more. */
  readonly value: string | null;
  /** Null: nothing was shown before. */
  readonly previous: string | null;
  /** Whose row it is, or was: origin id. */
  readonly owner: number;
  readonly reason: ChangeReason;
}

/** A row is shown, for the first time or with another value. */
export interface SetEvent<V> {
  readonly type: "set";
  readonly key: Key;
  readonly value: V;
  /** What was shown before, if anything. */
  readonly previous: V | undefined;
  /** Name of the node that wrote the row, if this node knows it. */
  readonly owner: string | undefined;
  readonly ownerOrigin: number;
  readonly reason: ChangeReason;
}

/** A row is not shown any more. */
export interface DeleteEvent<V> {
  readonly type: "delete";
  readonly key: Key;
  readonly value: undefined;
  readonly previous: V;
  /** The node that had written it. */
  readonly owner: string | undefined;
  readonly ownerOrigin: number;
  readonly reason: ChangeReason;
}

/** The watcher was too slow: changes were dropped. What it needs it must read again now. */
export interface MissedEvent {
  readonly type: "missed";
  /** How many changes were dropped. */
  readonly changes: number;
}

/** What a watcher gets. */
export type WatchEvent<V> = SetEvent<V> | DeleteEvent<V> | MissedEvent;

/** A row of this node that another node's write has ended, or has put into the shade. */
export interface ConflictEvent<V> {
  readonly key: Key;
  /** What this node had written. */
  readonly value: V;
  /** `ended`: the row is gone. `shadowed`: it is stored still, and another one is shown. */
  readonly kind: "ended" | "shadowed";
  /** What is shown under the key at the time of the call. */
  readonly current: V | undefined;
  /** Who wrote that, if there is anything and the name is known. */
  readonly owner: string | undefined;
}

/** The rows of one owner are not shown any more, or stay without it (lifetime `cluster`). */
export interface OwnerDownEvent {
  readonly table: string;
  readonly owner: string | undefined;
  readonly ownerOrigin: number;
  /** `ownerSuspect`: it may come back, and its rows with it. */
  readonly reason: "ownerSuspect" | "ownerDown";
  /** Rows of it that were stored here. */
  readonly rows: number;
}
