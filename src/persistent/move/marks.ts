/**
 * Where a store is at home: a mark that each back end keeps for each of its stores. Moving a store
 * is done by changing marks in an order in which a process may be killed at any point:
 *
 *   source  home      leaving   leaving   left      left     moved
 *   target  –         –         arriving  arriving  home     home
 *
 * The data are copied in the third column and the source is emptied in the last but one. Nobody
 * writes to a source behind the first column, nor to a target that is not home yet.
 */
import { randomUUID } from "node:crypto";
import { UnavailableError } from "../../errors.ts";
import type { Budget, Place, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { MARKS, nameOf } from "./own-places.ts";

const STATES = ["home", "leaving", "left", "moved", "arriving"] as const;

/** What a back end says of a store of its own. */
export interface Mark {
  readonly state: (typeof STATES)[number];
  /** The identity of the back end at the other end of the move; undefined at home. */
  readonly peer: string | undefined;
}

/** The mark of a store where it may be used. */
export const HOME: Mark = { state: "home", peer: undefined };

/** The marks of one back end. */
export class Marks {
  /** Made once for each back end and kept in it: two ways to one database have the same. */
  readonly identity: string;
  readonly #rows: RowsDriver;
  readonly #budget: Budget;

  private constructor(identity: string, rows: RowsDriver, budget: Budget) {
    this.identity = identity;
    this.#rows = rows;
    this.#budget = budget;
  }

  static async open(adapter: StoreAdapter, budget: Budget): Promise<Marks> {
    const rows = await adapter.openRows(MARKS, budget);
    const known = await rows.read("", "identity", budget);
    if (known === undefined) {
      await rows.write("", new Map([["identity", JSON.stringify(randomUUID())]]), budget);
    }
    // Two processes may have made one at once: what stands now counts.
    const identity: unknown = JSON.parse((await rows.read("", "identity", budget)) ?? "null");
    if (typeof identity !== "string") throw new UnavailableError("a back end has no identity");
    return new Marks(identity, rows, budget);
  }

  async read(place: Place): Promise<Mark | undefined> {
    const text = await this.#rows.read("", keyOf(place), this.#budget);
    return text === undefined ? undefined : parse(text, place);
  }

  /** Undefined takes the mark away. */
  async write(place: Place, mark: Mark | undefined): Promise<void> {
    const text = mark === undefined ? undefined : JSON.stringify(mark);
    await this.#rows.write("", new Map([[keyOf(place), text]]), this.#budget);
  }
}

/** The lease of who moves a store. */
export function moveName({ host, store }: Place): string {
  return `move ${JSON.stringify([host, store])}`;
}

/** The lease of one process that uses a store; with "" what all their names begin with. */
export function useName({ host, store }: Place, holder: string): string {
  return `use ${JSON.stringify([host, store])} ${holder}`;
}

function keyOf({ host, store }: Place): string {
  return `store ${JSON.stringify([host, store])}`;
}

function parse(text: string, place: Place): Mark {
  const mark: unknown = JSON.parse(text);
  const state =
    typeof mark === "object" && mark !== null && "state" in mark
      ? STATES.find((each) => each === mark.state)
      : undefined;
  if (state === undefined) {
    throw new UnavailableError(`the mark of ${nameOf(place)} is not readable`);
  }
  const peer = typeof mark === "object" && mark !== null && "peer" in mark ? mark.peer : undefined;
  return { state, peer: typeof peer === "string" ? peer : undefined };
}
