/** The users of both sides of a place, each once, in byte order. */

import { compareBytes } from "../contract/byte-order.ts";
import type { Budget, UserPage } from "../contract/driver.ts";
import type { Pair } from "./aligned.ts";

const PAGE_USERS = 500;

/** What rows and archives have in common. */
interface ListsUsers {
  users(page: UserPage, budget: Budget): Promise<readonly string[]>;
}

/** Users greater than `after` that either side has, in pages that are never empty. */
export async function* usersOfBoth(
  { source, target }: Pair<ListsUsers>,
  after: string | undefined,
  budget: Budget,
): AsyncGenerator<readonly string[]> {
  let from = after;
  while (true) {
    const page = { after: from, limit: PAGE_USERS };
    const [wanted, found] = await Promise.all([
      source.users(page, budget),
      target.users(page, budget),
    ]);
    // A side that filled its page says nothing of what is behind its last user.
    const ends = [wanted, found].filter((users) => users.length === PAGE_USERS);
    const lasts = ends.map((users) => users.at(-1) ?? "");
    const end = lasts.reduce<string | undefined>(
      (least, last) => (least === undefined || compareBytes(last, least) < 0 ? last : least),
      undefined,
    );
    const both = [...new Set([...wanted, ...found])]
      .filter((user) => end === undefined || compareBytes(user, end) <= 0)
      .sort(compareBytes);
    if (both.length > 0) yield both;
    if (end === undefined) return;
    from = end;
  }
}
