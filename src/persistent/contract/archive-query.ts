/** What is asked of an archive and what it answers. Types and limits; inputs.ts checks them. */
import type { StoreValue } from "./store-value.ts";

/** Items of a page unless the query says otherwise. */
export const ARCHIVE_LIMIT_DEFAULT = 100;
/** The most items of a page. */
export const ARCHIVE_LIMIT_MAX = 10_000;
/** The most items of one `appendMany`, and keys of one filter. */
export const ARCHIVE_BATCH_MAX = 1000;
/** The latest time that an item may have, µs: the greatest integer of 64 bits with a sign. */
export const WHEN_MAX = 2n ** 63n - 1n;

/** An item to append. */
export interface ArchiveInput<V = StoreValue> {
  /** Default: one that is made, in the order of time and unique over all processes. */
  readonly key?: string;
  /** µs since the Unix epoch, exact. */
  readonly when: bigint;
  /** Whom it is with, usually a bare address. 0 to 1,023 bytes; "" is the same as none. */
  readonly with?: string;
  readonly value: V;
}

/** An item as it was found. */
export interface ArchiveItem<V = StoreValue> {
  readonly key: string;
  /** µs since the Unix epoch. */
  readonly when: bigint;
  /** Whom it is with; "" if nobody was named. */
  readonly with: string;
  readonly value: V;
}

/** Which items: those that meet all that is given. */
export interface ArchiveFilter {
  readonly key?: string;
  /** Any of these, at most 1,000; an empty list selects nothing. */
  readonly keys?: readonly string[];
  readonly with?: string;
  /** At this time or later, µs. */
  readonly start?: bigint;
  /** At this time or earlier, µs. */
  readonly end?: bigint;
  /** In front of the item that has this key, which must exist. */
  readonly before?: string;
  /** Behind the item that has this key, which must exist. */
  readonly after?: string;
}

/** Which items, how many of them and in which direction. */
export interface ArchiveQuery extends ArchiveFilter {
  /** Items of the page, 0 to 10,000. Default 100. */
  readonly limit?: number;
  /** From the end backwards. Default false. */
  readonly reverse?: boolean;
  /** Count as well what the filter selects without `before`, `after` and `limit`. Default false. */
  readonly total?: boolean;
}

/** One page. */
export interface ArchiveFound<V = StoreValue> {
  readonly items: readonly ArchiveItem<V>[];
  /** Whether nothing follows in the direction of the query. */
  readonly isLast: boolean;
  /** Present if it was asked for. */
  readonly total?: number;
}

/** What an archive has of one correspondent. */
export interface ArchiveSummary {
  readonly count: number;
  /** The least `when`, µs. */
  readonly earliest: bigint;
  /** The greatest `when`, µs. */
  readonly latest: bigint;
}
