/** What moving keeps for itself in the back ends, and how it names places. */
import type { Place } from "../contract/driver.ts";

const HOST = "skein";

/** What places are named by. */
type Named = Pick<Place, "host" | "store">;

/** How far copies have come. */
export const NOTES: Place = { host: HOST, store: "skein.copy", kind: "map" };
/** Which stores are at home. */
export const MARKS: Place = { host: HOST, store: "skein.homes", kind: "map" };

/** Whether a place is one of these: they are neither copied nor moved. */
export function isOwnPlace({ host, store }: Named): boolean {
  return host === HOST && (store === NOTES.store || store === MARKS.store);
}

/** Names a store in messages. */
export function nameOf({ host, store }: Named): string {
  return `store "${store}" of ${host}`;
}
