/**
 * How far a copy has come, kept in its target, so that a copy that was interrupted goes on.
 * What lies between the last note and the interruption is looked at again, which does no harm.
 */
import { UnavailableError } from "../../errors.ts";
import type { Budget, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { NOTES } from "./own-places.ts";
import type { AnyPlace } from "./place-kinds.ts";

/** How far one place has come. */
export interface Checkpoint {
  readonly isDone: boolean;
  /** Users up to this one are there; undefined before the first. */
  readonly after: string | undefined;
}

export class Checkpoints {
  readonly #rows: RowsDriver;
  readonly #source: string;
  readonly #budget: Budget;

  private constructor(rows: RowsDriver, source: string, budget: Budget) {
    this.#rows = rows;
    this.#source = source;
    this.#budget = budget;
  }

  /** `source` names what is copied: the notes of one source mean nothing to another. */
  static async open(target: StoreAdapter, source: string, budget: Budget): Promise<Checkpoints> {
    return new Checkpoints(await target.openRows(NOTES, budget), source, budget);
  }

  /** Undefined: a copy of this place was never begun. */
  async read(place: AnyPlace): Promise<Checkpoint | undefined> {
    const text = await this.#rows.read(this.#source, keyOf(place), this.#budget);
    return text === undefined ? undefined : parse(text, place);
  }

  async write(place: AnyPlace, { isDone, after }: Checkpoint): Promise<void> {
    const note = JSON.stringify(after === undefined ? { isDone } : { isDone, after });
    await this.#rows.write(this.#source, new Map([[keyOf(place), note]]), this.#budget);
  }

  /** Forgets all of this source: the copy is whole. */
  async clear(): Promise<void> {
    await this.#rows.replaceUser(this.#source, new Map(), this.#budget);
  }
}

function keyOf({ host, store, kind }: AnyPlace): string {
  return JSON.stringify([host, store, kind]);
}

function parse(text: string, place: AnyPlace): Checkpoint {
  const note: unknown = JSON.parse(text);
  if (typeof note === "object" && note !== null && "isDone" in note) {
    const after = "after" in note && typeof note.after === "string" ? note.after : undefined;
    return { isDone: note.isDone === true, after };
  }
  throw new UnavailableError(`the note of how far ${keyOf(place)} was copied is not readable`);
}
