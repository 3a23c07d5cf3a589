/**
 * The four kinds of stores, as their users see them. `user` is whose data it is; null stands for
 * the host itself. Types only: src/persistent/fronts makes them on top of an adapter's driver.
 */
import type {
  ArchiveFilter,
  ArchiveFound,
  ArchiveInput,
  ArchiveItem,
  ArchiveQuery,
  ArchiveSummary,
} from "./archive-query.ts";
import type { Capabilities, StoreKind } from "./capabilities.ts";
import type { StoreValue } from "./store-value.ts";

/** Whose data it is; null: the host's own. Compared byte by byte in UTF-8. 1 to 1,023 bytes. */
export type User = string | null;

/** Options of each call. */
export interface CallOptions {
  /**
   * How long an adapter may take, ms. Default: the store's own, 10,000. Calls that read page by
   * page have as long for each page.
   */
  readonly timeoutMs?: number;
  /** Gives up with AbortedError. A write that was under way may stand. */
  readonly signal?: AbortSignal;
}

/** What all stores have. */
export interface AnyStore {
  readonly host: string;
  readonly name: string;
  readonly kind: StoreKind;
  /** What the adapter below can do. */
  readonly capabilities: Capabilities;
  /**
   * Users that have data, in the byte order of UTF-8, read page by page; never the host itself.
   * @throws UnsupportedError if the adapter cannot list them
   */
  users(options?: CallOptions): AsyncIterable<string>;
}

/** One value for each user. */
export interface KeyvalStore<V = StoreValue> extends AnyStore {
  /** The user's value; undefined if there is none. */
  get(user: User, options?: CallOptions): Promise<V | undefined>;
  /** Replaces the value; undefined deletes it. */
  set(user: User, value: V | undefined, options?: CallOptions): Promise<void>;
}

/** Several values for each user, by key. */
export interface MapStore<V = StoreValue> extends AnyStore {
  /** The value under this key; undefined if there is none. */
  get(user: User, key: string, options?: CallOptions): Promise<V | undefined>;
  /** Replaces one value; undefined deletes it. Other keys are left alone. */
  set(user: User, key: string, value: V | undefined, options?: CallOptions): Promise<void>;
  /** Changes several keys of one user: all of them or none. At most 10,000. */
  setKeys(
    user: User,
    changes: ReadonlyMap<string, V | undefined>,
    options?: CallOptions,
  ): Promise<void>;
  /** This key of all users that have it, the host's own first, then in byte order. */
  getAll(key: string, options?: CallOptions): AsyncIterable<readonly [user: User, value: V]>;
  /** Deletes this key of all users and of the host. Resolves with the number of values. */
  deleteAll(key: string, options?: CallOptions): Promise<number>;
}

/** A user's values by key, as a whole and one by one. */
export interface KeyvalPlusStore<V = StoreValue> extends AnyStore {
  /** All values of the user, keys in byte order; undefined if there are none. */
  get(user: User, options?: CallOptions): Promise<ReadonlyMap<string, V> | undefined>;
  /** Replaces all of them at once; undefined and an empty map delete all. At most 10,000. */
  set(user: User, values: ReadonlyMap<string, V> | undefined, options?: CallOptions): Promise<void>;
  /** The value under one key; undefined if there is none. */
  getKey(user: User, key: string, options?: CallOptions): Promise<V | undefined>;
  /** Replaces one value; undefined deletes it. Other keys are left alone. */
  setKey(user: User, key: string, value: V | undefined, options?: CallOptions): Promise<void>;
  /** Changes several keys of one user: all of them or none. At most 10,000. */
  setKeys(
    user: User,
    changes: ReadonlyMap<string, V | undefined>,
    options?: CallOptions,
  ): Promise<void>;
  /** This key of all users that have it, the host's own first, then in byte order. */
  getKeyFromAll(key: string, options?: CallOptions): AsyncIterable<readonly [user: User, value: V]>;
  /** Deletes this key of all users and of the host. Resolves with the number of values. */
  deleteKeyFromAll(key: string, options?: CallOptions): Promise<number>;
}

/** A list of items for each user, in the order in which they were appended. */
export interface ArchiveStore<V = StoreValue> extends AnyStore {
  /**
   * Adds an item at the end. An item that has the key already is replaced: it moves to the end.
   * Resolves with the key, made if none is given.
   * @throws TooLargeError over the adapter's quota (`capabilities.archiveItemsMax`)
   */
  append(user: User, item: ArchiveInput<V>, options?: CallOptions): Promise<string>;
  /** Adds up to 1,000 items in their order: all of them or none. Resolves with the keys. */
  appendMany(
    user: User,
    items: readonly ArchiveInput<V>[],
    options?: CallOptions,
  ): Promise<string[]>;
  /**
   * One page of what the query selects.
   * @throws NotFoundError if the query's `before` or `after` is not in the archive
   */
  find(user: User, query?: ArchiveQuery, options?: CallOptions): Promise<ArchiveFound<V>>;
  /**
   * All that the query selects, page by page (`limit` is the most of all pages together, without
   * one there is none). What others append and delete meanwhile may be seen or not.
   */
  iterate(
    user: User,
    query?: Omit<ArchiveQuery, "total">,
    options?: CallOptions,
  ): AsyncIterable<ArchiveItem<V>>;
  /** One item; undefined if there is none. */
  get(user: User, key: string, options?: CallOptions): Promise<ArchiveItem<V> | undefined>;
  /**
   * Changes an item where it stands; `when` and `with` stay as they are unless given.
   * @throws NotFoundError if there is none
   */
  set(
    user: User,
    key: string,
    item: { readonly value: V; readonly when?: bigint; readonly with?: string },
    options?: CallOptions,
  ): Promise<void>;
  /**
   * Deletes what the filter selects; without one, the whole archive of the user. Resolves with
   * the number of items.
   * @throws NotFoundError if the filter's `before` or `after` is not in the archive
   */
  delete(user: User, filter?: ArchiveFilter, options?: CallOptions): Promise<number>;
  /** Deletes all but the newest `keep` items. Resolves with the number of deleted ones. */
  truncate(user: User, keep: number, options?: CallOptions): Promise<number>;
  /** Counts and times of what the filter selects, by `with` ("" for items without one). */
  summary(
    user: User,
    filter?: ArchiveFilter,
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, ArchiveSummary>>;
}
