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
import type { Budget, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { keyOf, MARKS, nameOf } from "./own-places.ts";
import type { AnyPlace } from "./place-kinds.ts";

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

  async read(place: AnyPlace): Promise<Mark | undefined> {
    const text = await this.#rows.read("", `store ${keyOf(place)}`, this.#budget);
    return text === undefined ? undefined : parse(text, place);
  }

  /** Undefined takes the mark away. */
  async write(place: AnyPlace, mark: Mark | undefined): Promise<void> {
    const text = mark === undefined ? undefined : JSON.stringify(mark);
    await this.#rows.write("", new Map([[`store ${keyOf(place)}`, text]]), this.#budget);
  }
}

/** The lease of who moves a store. */
export function moveName(place: AnyPlace): string {
  return `move ${keyOf(place)}`;
}

/** The lease of one process that uses a store; with "" what all their names begin with. */
export function useName(place: AnyPlace, holder: string): string {
  return `use ${keyOf(place)} ${holder}`;
}

function parse(text: string, place: AnyPlace): Mark {
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
