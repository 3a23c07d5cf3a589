/** The homes of the typed stores of a program, on whichever connection each was opened. */
import type { Budget } from "../contract/driver.ts";
import type { TypedKind, TypedPlace } from "./place-kinds.ts";
import { ServerHomes } from "./server-homes.ts";
import type { NamedAdapter } from "./settle.ts";
import type { StoreHomes } from "./store-homes.ts";
import { typedPlaces } from "./typed-places.ts";

export interface TypedHomesOptions {
  readonly homes: StoreHomes;
  /** All that are open. */
  readonly connections: readonly NamedAdapter[];
  /** The name of the connection that the configuration chooses; undefined: none. */
  readonly chosenFor: (server: string, store: string) => string | undefined;
  /** For each call to a back end. */
  readonly budget: Budget;
}

/** See the head of this file. */
export class TypedHomes {
  readonly #options: TypedHomesOptions;
  /** One for each connection and kind: what it knows is true for all who use them. */
  readonly #made = new Map<string, ServerHomes>();

  constructor(options: TypedHomesOptions) {
    this.#options = options;
  }

  /** The servers of one kind on one connection. */
  of(home: NamedAdapter, kind: TypedKind): ServerHomes {
    const key = JSON.stringify([home.connection, kind]);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const { homes, budget, chosenFor } = this.#options;
    const store = storeOf(kind);
    const made = new ServerHomes({
      ...{ homes, home, store, kind, budget },
      chosenFor: (server) => chosenFor(server, store),
    });
    this.#made.set(key, made);
    return made;
  }

  /**
   * Settles all servers of a store that have rows anywhere and whose connection this one is: those
   * that have them on another one are moved.
   * @throws ConflictError: see `settleStore`
   */
  async settleAll(home: NamedAdapter, store: TypedPlace["store"]): Promise<void> {
    const { connections, chosenFor } = this.#options;
    for (const { adapter } of connections) {
      for (const place of await typedPlaces(adapter, undefined)) {
        if (place.store !== store || chosenFor(place.host, store) !== home.connection) continue;
        await this.of(home, place.kind).begin(place.host);
      }
    }
  }
}

function storeOf(kind: TypedKind): TypedPlace["store"] {
  return kind === "roster" ? "roster" : "archive";
}
