/**
 * Is a history of calls on one key linearizable: is there an order of single moments, each between
 * a call's beginning and its end, in which the results are what one copy of the row would give?
 * Calls without an end may have had their moment at any time since they began, or never.
 */

/** A call on one key. Values are unique to their call; null is no row. */
export type LinearAction =
  | { readonly kind: "insert"; readonly value: string }
  | { readonly kind: "set"; readonly value: string | null }
  | { readonly kind: "replace"; readonly expected: string; readonly value: string };

/** What it returned. */
export interface LinearResult {
  /** Of insert and replace: whether it wrote. */
  readonly wrote?: boolean;
  /** The row before, where the call tells it. */
  readonly before?: string | null;
}

/** One call of a history. Moments are any rising numbers. */
export interface LinearCall {
  readonly client: string;
  readonly begun: number;
  /** Null: it never ended, or it ended without knowing. */
  readonly ended: number | null;
  readonly action: LinearAction;
  readonly result: LinearResult | null;
}

/** What the search came to; `gave up` if it took too long. */
export type LinearVerdict = "linearizable" | "not linearizable" | "gave up";

const STEPS_MAX = 2_000_000;

/** The history up to that moment: what had not ended by then is open. */
export function historyUpTo(calls: readonly LinearCall[], moment: number): LinearCall[] {
  return calls
    .filter(({ begun }) => begun < moment)
    .map((call) =>
      call.ended !== null && call.ended >= moment ? { ...call, ended: null, result: null } : call,
    );
}

/**
 * Looks for an order. `mortal`: rows that died at a moment, by value: each call that ends later may
 * see such a row or none, for not all nodes hear of a death at once; an insert that sees none wins.
 */
export function checkLinear(
  history: readonly LinearCall[],
  mortal: ReadonlyMap<string, number> = new Map(),
): LinearVerdict {
  const calls = [...history].sort((a, b) => a.begun - b.begun);
  const search = new Search(calls, mortal);
  return search.run();
}

/** Depth first; a place is the set of calls that are placed, and the row. */
class Search {
  readonly #calls: readonly LinearCall[];
  readonly #seen = new Set<string>();
  readonly #placed: boolean[];
  readonly #mortal: ReadonlyMap<string, number>;
  #toPlace: number;
  #steps = 0;

  constructor(calls: readonly LinearCall[], mortal: ReadonlyMap<string, number>) {
    this.#calls = calls;
    this.#mortal = mortal;
    this.#placed = calls.map(() => false);
    this.#toPlace = calls.filter(({ ended }) => ended !== null).length;
  }

  run(): LinearVerdict {
    const found = this.#from(0, null);
    if (this.#steps > STEPS_MAX) return "gave up";
    return found ? "linearizable" : "not linearizable";
  }

  /** All calls before `first` are placed. */
  #from(first: number, row: string | null): boolean {
    if (this.#toPlace === 0) return true;
    if (++this.#steps > STEPS_MAX) return false;
    let start = first;
    while (this.#placed[start] === true) start++;
    const name = this.#name(start, row);
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    // Whoever began after the first end among those not placed cannot come before it.
    let end = Number.POSITIVE_INFINITY;
    for (let at = start; at < this.#calls.length; at++) {
      const { begun, ended } = this.#calls[at] as LinearCall;
      if (begun > end) break;
      if (this.#placed[at] !== true && ended !== null) end = Math.min(end, ended);
    }
    for (let at = start; at < this.#calls.length; at++) {
      const call = this.#calls[at] as LinearCall;
      if (call.begun > end) break;
      if (this.#placed[at] === true) continue;
      for (const after of this.#rowsAfter(row, call)) {
        // An open call that changes nothing need not be placed.
        if (call.ended === null && after === row) continue;
        this.#place(at, true);
        if (this.#from(start, after)) return true;
        this.#place(at, false);
      }
    }
    return false;
  }

  /** What the call may leave: two answers only if it may or may not see a row that died. */
  #rowsAfter(row: string | null, call: LinearCall): (string | null)[] {
    const rows: (string | null)[] = [];
    const seen = rowAfter(row, call);
    if (seen !== undefined) rows.push(seen);
    const diedAt = row === null ? undefined : this.#mortal.get(row);
    if (diedAt === undefined || (call.ended ?? Number.POSITIVE_INFINITY) < diedAt) return rows;
    const unseen = rowAfter(null, call);
    // Who sees none and writes nothing leaves what is hidden where it is.
    if (unseen !== undefined) rows.push(unseen ?? removedOrHidden(row, call));
    return rows;
  }

  #place(at: number, isPlaced: boolean): void {
    this.#placed[at] = isPlaced;
    if (this.#calls[at]?.ended !== null) this.#toPlace += isPlaced ? -1 : 1;
  }

  #name(start: number, row: string | null): string {
    const placed: number[] = [];
    for (let at = start; at < this.#placed.length; at++) if (this.#placed[at]) placed.push(at);
    return `${start}:${placed.join()}:${row}`;
  }
}

/** The row after the call, or undefined if it cannot have had that result here. */
function rowAfter(row: string | null, { action, result }: LinearCall): string | null | undefined {
  if (result?.before !== undefined && result.before !== row) return undefined;
  switch (action.kind) {
    case "insert": {
      const writes = row === null;
      if (result?.wrote !== undefined && result.wrote !== writes) return undefined;
      return writes ? action.value : row;
    }
    case "set":
      return action.value;
    case "replace": {
      const writes = row === action.expected;
      if (result?.wrote !== undefined && result.wrote !== writes) return undefined;
      return writes ? action.value : row;
    }
    default:
      return action satisfies never;
  }
}

/** Without a row in sight: a removal ends what is hidden as well, others leave it. */
function removedOrHidden(row: string | null, { action }: LinearCall): string | null {
  return action.kind === "set" ? null : row;
}
