/** Kinds of stores, and what an adapter says about itself. */

/** How a store is used. `map` and `keyval+` are two views of one thing; a store has one kind. */
export type StoreKind = "keyval" | "map" | "keyval+" | "archive";

/** What an adapter can do and what it promises. */
export interface Capabilities {
  /** The kinds that it opens; for others UnsupportedError is thrown. */
  readonly kinds: readonly StoreKind[];
  /** Whether data survive the end of the process. */
  readonly isPersistent: boolean;
  /** It takes nothing: what is stored there is refused or dropped. */
  readonly keepsNothing?: true;
  /** Whether several processes may use the same data at a time. */
  readonly isShared: boolean;
  /** Whether `users()` works. */
  readonly users: boolean;
  /** Whether archives count (`total`). */
  readonly total: boolean;
  /** Whether archives have `truncate`. */
  readonly truncate: boolean;
  /** Whether archives have `summary`. */
  readonly summary: boolean;
  /** The most items of one user's archive; undefined: no such limit. */
  readonly archiveItemsMax: number | undefined;
}

/** Of an adapter that can do all of it. What it promises, each says for itself. */
export const EVERYTHING = {
  kinds: ["keyval", "map", "keyval+", "archive"],
  users: true,
  total: true,
  truncate: true,
  summary: true,
  archiveItemsMax: undefined,
} as const satisfies Partial<Capabilities>;
