/**
 * Archives in Redis: for each user a sorted set of keys by position, and two hashes with what is
 * known of each key. Filters look at so many items in one step, then let others have a turn.
 */
import type { ArchiveSummary } from "../../contract/archive-query.ts";
import type {
  ArchiveDriver,
  ArchiveRow,
  Budget,
  PlacedRow,
  Selection,
  SelectionPage,
  UserPage,
} from "../../contract/driver.ts";
import { OrderedItems } from "../../indexes/ordered-items.ts";
import type { RedisClient } from "./redis-client.ts";
import type { RedisKeys } from "./redis-keys.ts";
import {
  appendItems,
  clearItems,
  pickItems,
  removeItems,
  scanItems,
  trimItems,
  updateItem,
} from "./redis-scripts.ts";
import { usersPage } from "./redis-users.ts";

/** Items that a filter looks at in one step: some milliseconds. */
const LOOKS = 2000;
/** Bytes of values of one step. */
const VALUE_BYTES = 8 * 1024 * 1024;
/** Items removed in one step. */
const REMOVED = 1000;
const WHEN_DIGITS = 19;

/** The archives of one place. */
export class RedisArchive implements ArchiveDriver {
  readonly #client: RedisClient;
  readonly #keys: RedisKeys;

  constructor(client: RedisClient, keys: RedisKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  async append(user: string, rows: readonly ArchiveRow[], budget: Budget): Promise<void> {
    const { users, last, order, about, values } = this.#keys.of(user);
    const args = [user];
    for (const row of rows) args.push(row.key, aboutOf(row.when, row.with), row.value);
    const keys = [users, last, order, about, values];
    await this.#client.run("write", appendItems, keys, args, budget);
  }

  async page(user: string, page: SelectionPage, budget: Budget): Promise<PlacedRow[]> {
    if (page.keys === undefined) return this.#scan(user, page, budget, true);
    const chosen = matching(await this.#pick(user, page.keys, false, budget), page);
    if (chosen.length === 0) return [];
    const keys = chosen.map(({ key }) => key);
    // Looked at again: what was replaced meanwhile may not be wanted any more.
    return matching(await this.#pick(user, keys, true, budget), page);
  }

  async count(user: string, selection: Selection, budget: Budget): Promise<number> {
    const { order } = this.#keys.of(user);
    if (isPlain(selection)) {
      const [from, to] = rangeOf(selection);
      return this.#client.call("read", budget, (redis) => redis.zcount(order, from, to));
    }
    return (await this.#select(user, selection, budget)).length;
  }

  async position(user: string, key: string, budget: Budget): Promise<bigint | undefined> {
    const { order } = this.#keys.of(user);
    const score = await this.#client.call("read", budget, (redis) => redis.zscore(order, key));
    return score === null ? undefined : BigInt(score);
  }

  async read(user: string, key: string, budget: Budget): Promise<PlacedRow | undefined> {
    return (await this.#pick(user, [key], true, budget))[0];
  }

  async update(
    user: string,
    key: string,
    change: { value: string; when: bigint | undefined; with: string | undefined },
    budget: Budget,
  ): Promise<boolean> {
    const { order, about, values } = this.#keys.of(user);
    const when = change.when === undefined ? [0, ""] : [1, digitsOf(change.when)];
    const peer = change.with === undefined ? [0, ""] : [1, change.with];
    const args = [key, change.value, ...when, ...peer];
    const done = await this.#client.run("write", updateItem, [order, about, values], args, budget);
    return done === 1;
  }

  async delete(user: string, selection: Selection, budget: Budget): Promise<number> {
    const { after, before, keys } = selection;
    const isAll = keys === undefined && after === undefined && before === undefined;
    if (isAll && isPlain(selection)) {
      return Number(await this.#client.run("write", clearItems, this.#four(user), [user], budget));
    }
    const rows = await this.#select(user, selection, budget);
    let count = 0;
    for (let from = 0; from < rows.length; from += REMOVED) {
      const args = [user];
      for (const row of rows.slice(from, from + REMOVED)) args.push(row.key, String(row.position));
      count += Number(await this.#client.run("write", removeItems, this.#four(user), args, budget));
    }
    return count;
  }

  async truncate(user: string, keep: number, budget: Budget): Promise<number> {
    const args = [user, keep, REMOVED];
    for (let count = 0; ; ) {
      const done = await this.#client.run("write", trimItems, this.#four(user), args, budget);
      count += Number(done);
      if (Number(done) < REMOVED) return count;
    }
  }

  async summary(
    user: string,
    selection: Selection,
    budget: Budget,
  ): Promise<ReadonlyMap<string, ArchiveSummary>> {
    const items = new OrderedItems<PlacedRow>();
    for (const row of await this.#select(user, selection, budget)) items.append(row);
    return items.summary(selection);
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return usersPage(this.#client, this.#keys, page, budget);
  }

  /** Removes all that the user has. */
  async purge(user: string, budget: Budget): Promise<void> {
    await this.#client.run("write", clearItems, this.#four(user), [user], budget);
  }

  /** All that a selection has, without the values. */
  async #select(user: string, selection: Selection, budget: Budget): Promise<PlacedRow[]> {
    if (selection.keys !== undefined) {
      return matching(await this.#pick(user, selection.keys, false, budget), selection);
    }
    const page = { ...selection, reverse: false, limit: Number.MAX_SAFE_INTEGER };
    return this.#scan(user, page, budget, false);
  }

  async #scan(
    user: string,
    page: SelectionPage,
    budget: Budget,
    hasValues: boolean,
  ): Promise<PlacedRow[]> {
    const { order, about, values } = this.#keys.of(user);
    const rows: PlacedRow[] = [];
    let [from, to] = rangeOf(page);
    const { with: peer, start, end, reverse } = page;
    const filter = [
      ...(peer === undefined ? [0, ""] : [1, peer]),
      start === undefined ? "" : digitsOf(start),
      end === undefined ? "" : digitsOf(end),
    ];
    for (;;) {
      const left = page.limit - rows.length;
      const bytes = hasValues ? VALUE_BYTES : 0;
      const args = [from, to, reverse ? 1 : 0, LOOKS, left, bytes, ...filter];
      const reply = await this.#client.run("read", scanItems, [order, about, values], args, budget);
      const [isEnd, last, found] = Array.isArray(reply) ? reply : [];
      rows.push(...rowsOf(found));
      if (isEnd === 1 || rows.length >= page.limit) return rows;
      if (reverse) to = `(${last}`;
      else from = `(${last}`;
    }
  }

  async #pick(
    user: string,
    keys: readonly string[],
    hasValues: boolean,
    budget: Budget,
  ): Promise<PlacedRow[]> {
    const { order, about, values } = this.#keys.of(user);
    const args = [hasValues ? 1 : 0, ...new Set(keys)];
    return rowsOf(await this.#client.run("read", pickItems, [order, about, values], args, budget));
  }

  #four(user: string): string[] {
    const { users, order, about, values } = this.#keys.of(user);
    return [users, order, about, values];
  }
}

/** Those that match, in the order and within the limit of the page. */
function matching(
  rows: readonly PlacedRow[],
  page: Selection & Partial<SelectionPage>,
): PlacedRow[] {
  const items = new OrderedItems<PlacedRow>();
  for (const row of rows) items.append(row);
  return items.select(page, page);
}

/** Whether positions alone decide. */
function isPlain({ keys, with: peer, start, end }: Selection): boolean {
  return keys === undefined && peer === undefined && start === undefined && end === undefined;
}

function rangeOf({ after, before }: Selection): [from: string, to: string] {
  return [after === undefined ? "-inf" : `(${after}`, before === undefined ? "+inf" : `(${before}`];
}

function aboutOf(when: bigint, peer: string): string {
  return digitsOf(when) + peer;
}

/** So many digits that texts have the order of the numbers. */
function digitsOf(when: bigint): string {
  return String(when).padStart(WHEN_DIGITS, "0");
}

/** Four texts for each item: key, position, time and correspondent, value. */
function rowsOf(reply: unknown): PlacedRow[] {
  const texts = Array.isArray(reply) ? reply.map(String) : [];
  const rows: PlacedRow[] = [];
  for (let at = 0; at < texts.length; at += 4) {
    const [key = "", position = "", about = "", value = ""] = texts.slice(at, at + 4);
    const when = BigInt(about.slice(0, WHEN_DIGITS));
    rows.push({ key, when, with: about.slice(WHEN_DIGITS), position: BigInt(position), value });
  }
  return rows;
}
