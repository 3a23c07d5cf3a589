/** What can be copied and moved: stores of the four kinds, and those with tables of their own. */
import type { Place } from "../contract/driver.ts";

export const TYPED_KINDS = ["messages", "room messages", "roster"] as const;
/** Archives of users, with their preferences; archives of rooms; rosters. */
export type TypedKind = (typeof TYPED_KINDS)[number];

/** The typed stores of one server, by the name under which the configuration has them. */
export interface TypedPlace {
  readonly host: string;
  readonly store: "archive" | "roster";
  readonly kind: TypedKind;
}

/** All that can be copied and moved. */
export type AnyPlace = Place | TypedPlace;

/** Whether stores of this kind have tables of their own. */
export function isTypedKind(kind: AnyPlace["kind"]): kind is TypedKind {
  return TYPED_KINDS.some((each) => each === kind);
}

/** Whether a place is one of these. */
export function isTyped(place: AnyPlace): place is TypedPlace {
  return isTypedKind(place.kind);
}
