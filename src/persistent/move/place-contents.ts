/** What one back end has of a place: whether there is anything, of which kind, and none any more. */
import type { ArchiveDriver, Budget, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { OwnedSide } from "./owned-rows.ts";
import { type AnyPlace, isTyped } from "./place-kinds.ts";

const PAGE_USERS = 100;

/** The place as the back end has it, perhaps of another kind than it is asked for; or none. */
export async function placeIn(
  adapter: StoreAdapter,
  place: AnyPlace,
  budget: Budget,
): Promise<AnyPlace | undefined> {
  if (isTyped(place)) return place;
  const places = await adapter.places(place.host, budget);
  return places.find(({ store }) => store === place.store);
}

/** Whether anybody has data there. */
export async function hasUsers(
  adapter: StoreAdapter,
  place: AnyPlace,
  budget: Budget,
): Promise<boolean> {
  const driver = await openPlace(adapter, place, budget);
  return (await driver.users({ after: undefined, limit: 1 }, budget)).length > 0;
}

/**
 * Deletes all data of a place, user by user; going on where an earlier call ended. `guard` is
 * asked before each user, and before each batch of rows of a typed store.
 */
export async function emptyPlace(
  adapter: StoreAdapter,
  place: AnyPlace,
  { budget, guard }: { readonly budget: Budget; readonly guard: () => void },
): Promise<void> {
  const driver = await openPlace(adapter, place, budget);
  let after: string | undefined;
  while (true) {
    const users = await driver.users({ after, limit: PAGE_USERS }, budget);
    for (const user of users) {
      guard();
      if (driver instanceof OwnedSide) await driver.empty(user, guard);
      else if ("truncate" in driver) await driver.truncate(user, 0, budget);
      else await driver.replaceUser(user, new Map(), budget);
    }
    after = users.at(-1);
    if (after === undefined) return;
  }
}

/** The rows of a place, of whichever kind. */
export async function openPlace(
  adapter: StoreAdapter,
  place: AnyPlace,
  budget: Budget,
): Promise<OwnedSide | ArchiveDriver | RowsDriver> {
  if (isTyped(place)) return OwnedSide.of(adapter, place);
  return place.kind === "archive"
    ? adapter.openArchive(place, budget)
    : adapter.openRows(place, budget);
}
