/** Which places an adapter has, and that each keeps its kind. */
import { ConflictError } from "../../errors.ts";
import type { Place } from "../contract/driver.ts";

/** Places by host and store, each with what an adapter keeps for it. */
export class PlaceKinds<T> {
  readonly #places = new Map<string, { readonly place: Place; readonly content: T }>();

  /**
   * What is kept for the place; made at the first time.
   * @throws ConflictError if it was made as another kind
   */
  open(place: Place, make: () => T): T {
    const name = nameOf(place);
    const known = this.#places.get(name);
    if (known === undefined) {
      const content = make();
      this.#places.set(name, { place, content });
      return content;
    }
    if (known.place.kind !== place.kind) throw kindConflict(place, known.place.kind);
    return known.content;
  }

  /** What is kept for all places of a host, or of all hosts. */
  *of(host: string | undefined): Generator<{ readonly place: Place; readonly content: T }> {
    for (const each of this.#places.values()) {
      if (host === undefined || each.place.host === host) yield each;
    }
  }

  clear(): void {
    this.#places.clear();
  }
}

/** The refusal to open a place as another kind than it has. */
export function kindConflict(place: Place, kind: string): ConflictError {
  return new ConflictError(
    `the store "${place.store}" of ${place.host} exists with kind "${kind}" and is not opened as ` +
      `"${place.kind}" (keyval+ counts as map)`,
  );
}

function nameOf(place: Place): string {
  // Neither has U+0000.
  return `${place.host}\0${place.store}`;
}
