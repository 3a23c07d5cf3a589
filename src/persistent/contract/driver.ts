/**
 * What an adapter implements. The fronts have checked every argument and encoded every value, so
 * that a driver sees well-formed text without U+0000 within its limits, and hands it back as it
 * was. All text is compared byte by byte in UTF-8: case, accents and trailing spaces count.
 *
 * `user` is "" for the host's own data. A driver's calls may run at the same time; each is atomic.
 * It rejects with the typed errors of src/errors.ts: UnavailableError when the back end is away or
 * slower than the budget (never "not found"), OverloadedError when a queue is full, AbortedError
 * when the signal fired, CommitUnknownError when a write may or may not have been made.
 */
import type { ArchiveSummary } from "./archive-query.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Leases } from "./leases.ts";

/** What a place holds: `map` and `keyval+` are two views of the same rows. */
export type PlaceKind = (typeof PLACE_KINDS)[number];
export const PLACE_KINDS = ["keyval", "map", "archive"] as const;

/** Where the data of one store of one host are. */
export interface Place {
  readonly host: string;
  readonly store: string;
  readonly kind: PlaceKind;
}

/** How long a call may take. */
export interface Budget {
  /** ms from now; the driver's own time-outs may be shorter. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One end of a page of users. */
export interface UserPage {
  /** Only users greater than this one in byte order; undefined starts at the first, "" included. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** Rows of one place: a value for each user and key. A `keyval` store uses the key "" alone. */
export interface RowsDriver {
  /** One value; undefined if there is none. */
  read(user: string, key: string, budget: Budget): Promise<string | undefined>;
  /** All values of a user by key, keys in byte order; an empty map if there are none. */
  readUser(user: string, budget: Budget): Promise<ReadonlyMap<string, string>>;
  /** Sets and (undefined) deletes keys of one user: all or none, whatever happens. */
  write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void>;
  /** Makes these the only values of the user: all or none, whatever happens. */
  replaceUser(user: string, rows: ReadonlyMap<string, string>, budget: Budget): Promise<void>;
  /** Users that have a value, in byte order, "" included. At most `limit`; fewer: it was the end. */
  users(page: UserPage, budget: Budget): Promise<readonly string[]>;
  /** This key of all users, in byte order of the users, "" first. Fewer than `limit`: the end. */
  readKey(
    key: string,
    page: UserPage,
    budget: Budget,
  ): Promise<readonly (readonly [user: string, value: string])[]>;
  /** Deletes this key of all users and resolves with the number of values. */
  deleteKey(key: string, budget: Budget): Promise<number>;
}

/** One item on its way to an archive. */
export interface ArchiveRow {
  readonly key: string;
  /** µs, 0 to 2^63 - 1, exact. */
  readonly when: bigint;
  /** "" for none. */
  readonly with: string;
  readonly value: string;
}

/** An item as it stands: `position` grows in the order of insertion, and only `append` changes it. */
export interface PlacedRow extends ArchiveRow {
  readonly position: bigint;
}

/** Which items: those that meet all that is there. */
export interface Selection {
  /** Any of these; at most 1,000, never empty. */
  readonly keys: readonly string[] | undefined;
  readonly with: string | undefined;
  /** Inclusive, µs. */
  readonly start: bigint | undefined;
  /** Inclusive, µs. */
  readonly end: bigint | undefined;
  /** Only positions greater than this one. */
  readonly after: bigint | undefined;
  /** Only positions less than this one. */
  readonly before: bigint | undefined;
}

/** A selection without conditions. */
export const ALL_ITEMS: Selection = {
  keys: undefined,
  with: undefined,
  start: undefined,
  end: undefined,
  after: undefined,
  before: undefined,
};

/** A selection, a direction and a limit of at least 1. */
export interface SelectionPage extends Selection {
  /** Greatest positions first. */
  readonly reverse: boolean;
  readonly limit: number;
}

/** The archives of one place: a list for each user, ordered by position. */
export interface ArchiveDriver {
  /**
   * Puts 1 to 1,000 rows at the end, in their order: all or none. A row whose key exists already,
   * or comes again later in the list, is replaced by the new one at the new place.
   * @throws TooLargeError over the quota
   */
  append(user: string, rows: readonly ArchiveRow[], budget: Budget): Promise<void>;
  /** The first `limit` rows of the selection in its direction. */
  page(user: string, page: SelectionPage, budget: Budget): Promise<readonly PlacedRow[]>;
  /** How many rows the selection has. */
  count(user: string, selection: Selection, budget: Budget): Promise<number>;
  /** Where the item stands; undefined if there is none. */
  position(user: string, key: string, budget: Budget): Promise<bigint | undefined>;
  /** One item; undefined if there is none. */
  read(user: string, key: string, budget: Budget): Promise<PlacedRow | undefined>;
  /** Changes an item at its place; what is undefined stays. Resolves with false if there is none. */
  update(
    user: string,
    key: string,
    change: {
      readonly value: string;
      readonly when: bigint | undefined;
      readonly with: string | undefined;
    },
    budget: Budget,
  ): Promise<boolean>;
  /** Deletes the selection and resolves with the number of rows. */
  delete(user: string, selection: Selection, budget: Budget): Promise<number>;
  /** Deletes all but the `keep` rows of the greatest positions; resolves with how many. */
  truncate(user: string, keep: number, budget: Budget): Promise<number>;
  /** Count, least and greatest `when` of the selection by `with`. */
  summary(
    user: string,
    selection: Selection,
    budget: Budget,
  ): Promise<ReadonlyMap<string, ArchiveSummary>>;
  /** Users that have items, in byte order, "" included. At most `limit`; fewer: it was the end. */
  users(page: UserPage, budget: Budget): Promise<readonly string[]>;
}

/** One back end, opened once and shared by many stores. */
export interface StoreAdapter {
  /** Its name in configurations: "sql", "memory", … */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Undefined if one process alone can have the data. */
  readonly leases?: Leases;
  /** Connects; called once, before anything else. */
  open(budget: Budget): Promise<void>;
  /** Lets go of everything. Calls that are under way settle; later ones reject. May come twice. */
  close(): Promise<void>;
  /** Resolves if the back end answers. */
  ping(budget: Budget): Promise<void>;
  /**
   * Opens a place of kind `keyval` or `map`.
   * @throws ConflictError if it was made as another kind
   */
  openRows(place: Place, budget: Budget): Promise<RowsDriver>;
  /**
   * Opens a place of kind `archive`.
   * @throws ConflictError if it was made as another kind
   */
  openArchive(place: Place, budget: Budget): Promise<ArchiveDriver>;
  /** Every place that was ever opened and may hold data; of one host, or of all for undefined. */
  places(host: string | undefined, budget: Budget): Promise<readonly Place[]>;
  /** Removes all data that the user has in any store of the host. */
  purge(host: string, user: string, budget: Budget): Promise<void>;
}
