/** What a back end holds, read past everything that moves it. */
import {
  ALL_ITEMS,
  type Place,
  type StoreAdapter,
} from "../../../src/persistent/contract/driver.ts";

const BUDGET = { timeoutMs: 5_000, signal: undefined };
export const PLACES: readonly Place[] = [
  { host: "example.com", store: "config", kind: "keyval" },
  { host: "example.com", store: "roster", kind: "map" },
  { host: "example.com", store: "archive", kind: "archive" },
];
/** Byte order of UTF-8, which is not that of UTF-16. */
export const USERS = ["", "Alice", "alice", "alicé", "alice ", "\u{ff5e}", "\u{1f600}"];

/** Fills all places: each user has rows of its own; `count` of them in maps and archives. */
export async function fill(adapter: StoreAdapter, count: number): Promise<void> {
  for (const [index, user] of USERS.entries()) {
    const [keyval, map, archive] = PLACES;
    if (!keyval || !map || !archive) throw new Error("three places");
    const config = await adapter.openRows(keyval, BUDGET);
    await config.write(user, new Map([["", `"${index}"`]]), BUDGET);
    const roster = await adapter.openRows(map, BUDGET);
    const rows = Array.from({ length: count }, (_, at) => [`key ${at}`, `${index * at}`] as const);
    await roster.write(user, new Map(rows), BUDGET);
    const messages = await adapter.openArchive(archive, BUDGET);
    const items = rows.map(([key, value], at) => ({ key, when: BigInt(at), with: "bob", value }));
    await messages.append(user, items, BUDGET);
  }
}

/** Everything in those places, comparable. */
export async function inventory(adapter: StoreAdapter): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const page = { after: undefined, limit: 1_000 };
  for (const place of PLACES) {
    if (place.kind === "archive") {
      const archive = await adapter.openArchive(place, BUDGET);
      for (const user of await archive.users(page, BUDGET)) {
        const rows = await archive.page(
          user,
          { ...ALL_ITEMS, reverse: false, limit: 10_000 },
          BUDGET,
        );
        found[`${place.store} ${user}`] = rows.map(({ position: _, ...row }) => row);
      }
    } else {
      const rows = await adapter.openRows(place, BUDGET);
      for (const user of await rows.users(page, BUDGET)) {
        found[`${place.store} ${user}`] = await rows.readUser(user, BUDGET);
      }
    }
  }
  return found;
}
