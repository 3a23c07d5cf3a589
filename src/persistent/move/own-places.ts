/** What moving keeps for itself in the back ends, and how it names places. */
import type { Place } from "../contract/driver.ts";
import { type AnyPlace, isTypedKind } from "./place-kinds.ts";

const HOST = "skein";

/** What places are named by. */
type Named = Pick<AnyPlace, "host" | "store" | "kind">;

/** How far copies have come. */
export const NOTES: Place = { host: HOST, store: "skein.copy", kind: "map" };
/** Which stores are at home. */
export const MARKS: Place = { host: HOST, store: "skein.homes", kind: "map" };

/** Whether a place is one of these: they are neither copied nor moved. */
export function isOwnPlace({ host, store }: Pick<Named, "host" | "store">): boolean {
  return host === HOST && (store === NOTES.store || store === MARKS.store);
}

/** Names a store in messages. */
export function nameOf({ host, store, kind }: Named): string {
  return isTypedKind(kind)
    ? `store "${store}" (${kind}) of ${host}`
    : `store "${store}" of ${host}`;
}

/**
 * The same for marks and leases. Stores without tables of their own have one name whatever their
 * kind, and may be named like one that has them.
 */
export function keyOf({ host, store, kind }: Named): string {
  return JSON.stringify(isTypedKind(kind) ? [host, store, kind] : [host, store]);
}
