/**
 * Makes one user's archive in a target equal to that in a source: what both begin with is kept,
 * what the target has behind it is deleted, and the rest of the source is appended. So the same
 * code copies, goes on with a copy that was interrupted, and verifies.
 */
import {
  ALL_ITEMS,
  type ArchiveDriver,
  type ArchiveRow,
  type Budget,
  type PlacedRow,
} from "../contract/driver.ts";
import type { Aligned, AlignRules, Pair } from "./aligned.ts";

/** Rows of one page and of one append. */
const PAGE_ROWS = 500;
/** Characters of one append: what a page may hold is bounded by the rows' own limit alone. */
const APPEND_LENGTH = 8 * 1024 * 1024;

/** Aligns and counts; writes nothing if `isDry`. */
export async function alignArchive(
  { source, target }: Pair<ArchiveDriver>,
  user: string,
  { isDry, guard, budget }: AlignRules,
): Promise<Aligned> {
  const wanted = new Pages(source, user, budget);
  const found = new Pages(target, user, budget);
  let rows = 0;
  let bytes = 0;
  let lastEqual: bigint | undefined;
  let first = await wanted.next();
  let theirs = await found.next();
  while (first !== undefined && theirs !== undefined && isSame(first, theirs)) {
    rows++;
    bytes += lengthOf(first);
    lastEqual = theirs.position;
    [first, theirs] = await Promise.all([wanted.next(), found.next()]);
  }
  let changed = 0;
  if (theirs !== undefined) {
    const rest = { ...ALL_ITEMS, after: lastEqual };
    if (!isDry) guard();
    changed += isDry
      ? await target.count(user, rest, budget)
      : await target.delete(user, rest, budget);
  }
  while (first !== undefined) {
    const batch: ArchiveRow[] = [];
    let length = 0;
    while (first !== undefined && batch.length < PAGE_ROWS && length < APPEND_LENGTH) {
      batch.push(first);
      length += lengthOf(first);
      first = await wanted.next();
    }
    if (!isDry) {
      guard();
      await target.append(user, batch, budget);
    }
    rows += batch.length;
    changed += batch.length;
    bytes += length;
  }
  return { rows, bytes, changed };
}

/** One archive from its beginning, row by row. */
class Pages {
  readonly #driver: ArchiveDriver;
  readonly #user: string;
  readonly #budget: Budget;
  #page: readonly PlacedRow[] = [];
  #at = 0;
  #isEnd = false;
  #after: bigint | undefined;

  constructor(driver: ArchiveDriver, user: string, budget: Budget) {
    this.#driver = driver;
    this.#user = user;
    this.#budget = budget;
  }

  async next(): Promise<PlacedRow | undefined> {
    if (this.#at === this.#page.length) {
      if (this.#isEnd) return undefined;
      const page = { ...ALL_ITEMS, after: this.#after, reverse: false, limit: PAGE_ROWS };
      this.#page = await this.#driver.page(this.#user, page, this.#budget);
      this.#at = 0;
      this.#isEnd = this.#page.length < PAGE_ROWS;
    }
    const row = this.#page[this.#at++];
    if (row !== undefined) this.#after = row.position;
    return row;
  }
}

function isSame(a: ArchiveRow, b: ArchiveRow): boolean {
  return a.key === b.key && a.when === b.when && a.with === b.with && a.value === b.value;
}

function lengthOf({ key, value }: ArchiveRow): number {
  return key.length + value.length;
}
