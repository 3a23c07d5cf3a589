/**
 * Comparing this replica with one peer's, and mending this side where it is wrong.
 *
 *   summing -> listing -> settling <-> showing -> judging -> over
 *                            ^----- what has changed -----'
 *
 * Sums of prints by bucket go out, the peer's keys of the differing buckets come back, and what
 * differs is suspect, no more: either side may have ops that the other lacks. So both sides wait
 * until each covers what the other covered when it was looked at, and the suspects are looked at
 * again. A key that neither has changed and that still differs cannot be explained by any op: the
 * replicas have diverged there. A key that has changed is suspect for one more round.
 */
import type { Peer } from "../peer.ts";
import type { Replica } from "../replica.ts";
import type { Row, Written } from "../row.ts";
import type { Slice } from "../slice.ts";
import type { TableState } from "../table-state.ts";
import { type View, viewCovers, viewOf } from "../view.ts";
import { addToSums } from "./answer.ts";
import type { ComparedFrame, PrintedKey } from "./comparison-frames.ts";
import { type Print, printed, printKey, printWritten, scanPrints } from "./print.ts";

/** A key of which the two replicas hold different rows. */
export interface Difference {
  readonly table: TableState;
  readonly key: string;
  /** How many rows this side holds. */
  readonly ours: number;
  readonly theirs: readonly Written[];
}

/** What a comparison came to. `unsure`: keys that never stayed the same for long enough. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly unsure: number;
  /** More keys differ than one comparison may look at. */
  readonly isPartial: boolean;
}

/** What it is done with. */
export interface AskerParts {
  readonly replica: Replica;
  readonly peer: Peer;
  readonly id: number;
  readonly buckets: number;
  readonly sendSums: (sums: Int32Array) => void;
  readonly sendShow: (
    keys: readonly { readonly table: TableState; readonly key: string }[],
  ) => void;
}

interface Suspect {
  readonly table: TableState;
  readonly key: string;
  ours: Print;
  theirs: Print;
}

type Phase = "summing" | "listing" | "settling" | "showing" | "judging" | "over";

/** Units of keys that are asked for in one frame. */
const SHOW_UNITS_MAX = 1024 * 1024;
/** Rounds after which a key that keeps changing is given up. */
const ROUNDS_MAX = 8;
const NOTHING: Print = { a: 0, b: 0 };

/** The asking side of one comparison. */
export class Asker {
  readonly id: number;
  readonly peer: Peer;
  readonly #parts: AskerParts;
  readonly #replica: Replica;
  readonly #listed = new Map<TableState, Map<string, Print>>();
  readonly #shown = new Map<TableState, Map<string, readonly Written[]>>();
  readonly #differences: Difference[] = [];
  #phase: Phase = "summing";
  #steps: Iterator<void> | null;
  #suspects: Suspect[] = [];
  #listedKeys = 0;
  #suspectUnits = 0;
  #isPartial = false;
  #rounds = 0;
  /** What each side covered when the prints of the suspects were taken. */
  #ourView: View;
  #theirView: View | null = null;

  constructor(parts: AskerParts) {
    this.id = parts.id;
    this.peer = parts.peer;
    this.#parts = parts;
    this.#replica = parts.replica;
    this.#ourView = viewOf(parts.replica.origins);
    this.#steps = this.#sum();
  }

  /** The outcome, once it is over. */
  get outcome(): Comparison | null {
    if (this.#phase !== "over") return null;
    const unsure = this.#suspects.length;
    return { differences: this.#differences, unsure, isPartial: this.#isPartial };
  }

  /** Keys of the peer, of buckets that differ. */
  keys(keys: readonly PrintedKey[]): void {
    for (const { table, key, print } of keys) {
      if (this.#listedKeys >= this.#replica.limits.compareKeys) {
        this.#isPartial = true;
        return;
      }
      this.#listedKeys++;
      let prints = this.#listed.get(table);
      if (prints === undefined) {
        prints = new Map();
        this.#listed.set(table, prints);
      }
      prints.set(key, print);
    }
  }

  /** What the peer holds under a suspect, chained. */
  shown(table: TableState, first: Row): void {
    const rows: Written[] = [];
    for (let row: Row | null = first; row !== null; row = row.next) {
      if (row.value !== "") rows.push(row);
    }
    let keys = this.#shown.get(table);
    if (keys === undefined) {
      keys = new Map();
      this.#shown.set(table, keys);
    }
    keys.set(first.key, rows);
  }

  /** The peer has said all that it was asked for. */
  compared({ view, differs }: ComparedFrame): void {
    if (this.#phase === "summing" && this.#steps === null) {
      this.#theirView = view;
      this.#phase = "listing";
      this.#steps = this.#list(differs);
    } else if (this.#phase === "showing") {
      if (viewCovers(view, this.#ourView)) {
        this.#phase = "judging";
        this.#steps = this.#judge(view);
      } else {
        this.#phase = "settling";
      }
    }
  }

  /** Work for one slice. True if it could go on at once. Not while a merge is under way. */
  step(slice: Slice): boolean {
    if (this.#phase === "settling") this.#showSuspects();
    const steps = this.#steps;
    if (steps === null) return false;
    do {
      if (steps.next().done !== true) continue;
      if (this.#steps === steps) this.#steps = null;
      return this.#steps !== null || this.#phase === "settling";
    } while (!slice.isOver());
    return true;
  }

  *#sum(): Generator<void> {
    const sums = new Int32Array(this.#parts.buckets * 2);
    yield* scanPrints(this.#replica, () => addToSums(sums));
    this.#parts.sendSums(sums);
  }

  /** Compares our keys of the differing buckets with the peer's. */
  *#list(differs: Uint8Array): Generator<void> {
    if (differs.includes(1)) {
      const mask = differs.length - 1;
      yield* scanPrints(this.#replica, (table, key) => {
        if (differs[printed.bucket & mask] !== 1) return;
        const theirs = this.#listed.get(table)?.get(key) ?? NOTHING;
        this.#listed.get(table)?.delete(key);
        this.#suspect({ table, key, print: theirs });
      });
      for (const [table, keys] of this.#listed) {
        for (const [key, print] of keys) {
          printKey(this.#replica.origins.ids, table, { key, head: table.rows.get(key) ?? null });
          this.#suspect({ table, key, print });
          yield;
        }
      }
    }
    this.#listed.clear();
    this.#ourView = viewOf(this.#replica.origins);
    this.#phase = this.#suspects.length > 0 ? "settling" : "over";
  }

  /** The key just printed is suspect if its print is not the peer's. */
  #suspect({ table, key, print }: PrintedKey): void {
    if (printed.a === print.a && printed.b === print.b) return;
    this.#suspectUnits += key.length;
    const isFull = this.#suspectUnits > SHOW_UNITS_MAX;
    if (isFull || this.#suspects.length >= this.#replica.limits.compareKeys) {
      this.#isPartial = true;
      return;
    }
    this.#suspects.push({ table, key, ours: { a: printed.a, b: printed.b }, theirs: print });
  }

  /** Once we cover all that the peer covered when its prints were taken. */
  #showSuspects(): void {
    const theirs = this.#theirView;
    if (theirs === null || !viewCovers(viewOf(this.#replica.origins), theirs)) return;
    this.#phase = "showing";
    this.#parts.sendShow(this.#suspects);
  }

  *#judge(view: View): Generator<void> {
    const { ids } = this.#replica.origins;
    const restless: Suspect[] = [];
    for (const suspect of this.#suspects) {
      const { table, key } = suspect;
      const rows = (this.#shown.get(table)?.get(key) ?? []).filter((row) => !isGone(table, row));
      printWritten(ids, table, { key, rows });
      const theirs = { a: printed.a, b: printed.b };
      printKey(ids, table, { key, head: table.rows.get(key) ?? null });
      const isEqual = same(theirs, printed);
      if (!isEqual && same(suspect.ours, printed) && same(suspect.theirs, theirs)) {
        this.#differences.push({ table, key, ours: heldUnder(table, key), theirs: rows });
      } else if (!isEqual) {
        suspect.ours = { a: printed.a, b: printed.b };
        suspect.theirs = theirs;
        restless.push(suspect);
      }
      yield;
    }
    this.#shown.clear();
    this.#suspects = restless;
    this.#ourView = viewOf(this.#replica.origins);
    this.#theirView = view;
    this.#rounds++;
    this.#phase = restless.length === 0 || this.#rounds >= ROUNDS_MAX ? "over" : "settling";
  }
}

function same(one: Print, other: Print): boolean {
  return one.a === other.a && one.b === other.b;
}

/** Whether the peer's row is of an owner that is gone here: it does not exist then. */
function isGone(table: TableState, row: Written): boolean {
  return table.isGone(row as Row);
}

function heldUnder(table: TableState, key: string): number {
  let held = 0;
  for (let row = table.rows.get(key) ?? null; row !== null; row = row.next) {
    if (!table.isGone(row)) held++;
  }
  return held;
}
