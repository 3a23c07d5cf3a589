/** Stores of kind `archive`. Keys of pages become positions here, so that drivers see those only. */
import { InvalidArgumentError, NotFoundError, TooLargeError } from "../../errors.ts";
import {
  ARCHIVE_BATCH_MAX,
  ARCHIVE_LIMIT_DEFAULT,
  type ArchiveFilter,
  type ArchiveFound,
  type ArchiveInput,
  type ArchiveItem,
  type ArchiveQuery,
  type ArchiveSummary,
} from "../contract/archive-query.ts";
import type {
  ArchiveDriver,
  ArchiveRow,
  Budget,
  PlacedRow,
  Selection,
  UserPage,
} from "../contract/driver.ts";
import {
  checkCount,
  checkFilter,
  checkKey,
  checkQuery,
  checkUser,
  checkWhen,
  checkWith,
} from "../contract/inputs.ts";
import type { ArchiveStore, CallOptions, User } from "../contract/kinds.ts";
import type { ArchiveKeys } from "./archive-keys.ts";
import { type FrontSettings, StoreFront } from "./store-front.ts";

/** Items that one step of an iteration reads. */
const ITERATION_PAGE = 100;

/** An `archive` store on a driver. */
export class ArchiveFront<V> extends StoreFront implements ArchiveStore<V> {
  readonly #driver: ArchiveDriver;
  readonly #keys: ArchiveKeys;

  constructor(settings: FrontSettings, driver: ArchiveDriver, keys: ArchiveKeys) {
    super(settings);
    this.#driver = driver;
    this.#keys = keys;
  }

  async append(user: User, item: ArchiveInput<V>, options?: CallOptions): Promise<string> {
    const name = checkUser(user);
    const row = this.#row(item);
    await this.#driver.append(name, [row], this.budget(options));
    return row.key;
  }

  async appendMany(
    user: User,
    items: readonly ArchiveInput<V>[],
    options?: CallOptions,
  ): Promise<string[]> {
    const name = checkUser(user);
    if (!Array.isArray(items)) throw new InvalidArgumentError("items is no array");
    if (items.length > ARCHIVE_BATCH_MAX) {
      throw new TooLargeError(`${items.length} items to append; at most ${ARCHIVE_BATCH_MAX}`);
    }
    const rows: ArchiveRow[] = [];
    let bytes = 0;
    for (const item of items) {
      const row = this.#row(item);
      bytes += this.bytesOf(row.value, bytes);
      rows.push(row);
    }
    const budget = this.budget(options);
    if (rows.length > 0) await this.#driver.append(name, rows, budget);
    return rows.map((row) => row.key);
  }

  async find(
    user: User,
    query: ArchiveQuery = {},
    options?: CallOptions,
  ): Promise<ArchiveFound<V>> {
    const name = checkUser(user);
    checkQuery(query);
    if (query.total) this.need("total");
    const budget = this.budget(options);
    const selection = await this.#selection(name, query, budget);
    if (selection === undefined) {
      return { items: [], isLast: true, ...(query.total ? { total: 0 } : {}) };
    }
    const limit = query.limit ?? ARCHIVE_LIMIT_DEFAULT;
    // One more than is wanted tells whether there are more.
    const page = { ...selection, reverse: query.reverse ?? false, limit: limit + 1 };
    const rows = await this.#driver.page(name, page, budget);
    const items = rows.slice(0, limit).map((row) => this.#item(name, row));
    const found = { items, isLast: rows.length <= limit };
    if (!query.total) return found;
    const counted = { ...selection, after: undefined, before: undefined };
    return { ...found, total: await this.#driver.count(name, counted, budget) };
  }

  async *iterate(
    user: User,
    query: Omit<ArchiveQuery, "total"> = {},
    options?: CallOptions,
  ): AsyncGenerator<ArchiveItem<V>, void, undefined> {
    const name = checkUser(user);
    const { limit = Number.MAX_SAFE_INTEGER, reverse = false, ...filter } = query;
    checkQuery({ ...filter, reverse });
    checkCount("limit", limit, Number.MAX_SAFE_INTEGER);
    let selection = await this.#selection(name, filter, this.budget(options));
    for (let left = limit; selection !== undefined && left > 0; ) {
      const page = { ...selection, reverse, limit: Math.min(left, ITERATION_PAGE) };
      const rows = await this.#driver.page(name, page, this.budget(options));
      for (const row of rows) yield this.#item(name, row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < page.limit) return;
      left -= rows.length;
      const place = last.position;
      selection = reverse ? { ...selection, before: place } : { ...selection, after: place };
    }
  }

  async get(user: User, key: string, options?: CallOptions): Promise<ArchiveItem<V> | undefined> {
    const name = checkUser(user);
    checkKey(key);
    const row = await this.#driver.read(name, key, this.budget(options));
    return row === undefined ? undefined : this.#item(name, row);
  }

  async set(
    user: User,
    key: string,
    item: { readonly value: V; readonly when?: bigint; readonly with?: string },
    options?: CallOptions,
  ): Promise<void> {
    const name = checkUser(user);
    checkKey(key);
    checkItem(item);
    if (item.when !== undefined) checkWhen("when", item.when);
    if (item.with !== undefined) checkWith(item.with);
    const change = { value: this.encode(item.value), when: item.when, with: item.with };
    const isDone = await this.#driver.update(name, key, change, this.budget(options));
    if (!isDone) throw this.#notFound(key);
  }

  async delete(user: User, filter: ArchiveFilter = {}, options?: CallOptions): Promise<number> {
    const name = checkUser(user);
    checkFilter(filter);
    const budget = this.budget(options);
    const selection = await this.#selection(name, filter, budget);
    return selection === undefined ? 0 : this.#driver.delete(name, selection, budget);
  }

  async truncate(user: User, keep: number, options?: CallOptions): Promise<number> {
    const name = checkUser(user);
    checkCount("keep", keep, Number.MAX_SAFE_INTEGER);
    this.need("truncate");
    return this.#driver.truncate(name, keep, this.budget(options));
  }

  async summary(
    user: User,
    filter: ArchiveFilter = {},
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, ArchiveSummary>> {
    const name = checkUser(user);
    checkFilter(filter);
    this.need("summary");
    const budget = this.budget(options);
    const selection = await this.#selection(name, filter, budget);
    return selection === undefined ? new Map() : this.#driver.summary(name, selection, budget);
  }

  protected override userPage(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#driver.users(page, budget);
  }

  #row(item: ArchiveInput<V>): ArchiveRow {
    checkItem(item);
    const { key = this.#keys.next(), when, with: peer = "", value } = item;
    checkKey(key);
    checkWhen("when", when);
    checkWith(peer);
    return { key, when, with: peer, value: this.encode(value) };
  }

  #item(user: string, row: PlacedRow): ArchiveItem<V> {
    const value = this.decode(row.value, user, row.key) as V;
    return { key: row.key, when: row.when, with: row.with, value };
  }

  /** What the driver gets; undefined if the keys alone say that there is nothing. */
  async #selection(
    user: string,
    filter: ArchiveFilter,
    budget: Budget,
  ): Promise<Selection | undefined> {
    const { key, keys } = filter;
    let wanted = keys;
    if (key !== undefined) wanted = keys === undefined || keys.includes(key) ? [key] : [];
    if (wanted?.length === 0) return undefined;
    const [after, before] = await Promise.all([
      this.#position(user, filter.after, budget),
      this.#position(user, filter.before, budget),
    ]);
    const { start, end } = filter;
    return { keys: wanted, with: filter.with, start, end, after, before };
  }

  async #position(
    user: string,
    key: string | undefined,
    budget: Budget,
  ): Promise<bigint | undefined> {
    if (key === undefined) return undefined;
    const position = await this.#driver.position(user, key, budget);
    if (position === undefined) throw this.#notFound(key);
    return position;
  }

  #notFound(key: string): NotFoundError {
    const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
    return new NotFoundError(`no item ${shown} in the archive "${this.name}"`);
  }
}

function checkItem(item: unknown): void {
  if (typeof item === "object" && item !== null) return;
  throw new InvalidArgumentError("item is no object of key, when, with and value");
}
