/**
 * Holds a replica against the oracle: its rows must be those that follow from the ops it covers
 * and the origins it has closed, and from nothing else. Touched keys at each step, all of it at
 * the end of each session, at each closing and at rest.
 */
import type { Tables } from "../../src/tables/tables.ts";
import {
  allStored,
  fingerprint,
  firstGone,
  isStored,
  readAhead,
  readView,
  rowLines,
  type StoredSibling,
  storedUnder,
} from "./inspect.ts";
import {
  compareNewest,
  type Dot,
  type Oracle,
  type OracleSibling,
  type ReplicaView,
} from "./oracle.ts";
import type { CheckerName } from "./violation.ts";

/** Where a checker reports to. */
export type Report = (checker: CheckerName, message: string) => void;

/** Sums over one run. */
export interface CheckCounters {
  keyChecks: number;
  fullChecks: number;
}

/** The checker; it remembers every view it has seen with the rows that belong to it. */
export class StateChecker {
  readonly counters: CheckCounters = { keyChecks: 0, fullChecks: 0 };
  readonly #oracle: Oracle;
  readonly #report: Report;
  readonly #seen = new Map<string, string>();

  constructor(oracle: Oracle, report: Report) {
    this.#oracle = oracle;
    this.#report = report;
  }

  /** Checks some keys, given as [table id, key]. */
  checkKeys(who: string, tables: Tables, keys: Iterable<readonly [string, string]>): void {
    const view = readView(tables);
    for (const [table, key] of keys) this.#checkKey(who, view, { table, key, tables });
    this.#checkVector(who, view);
  }

  /** Checks everything. */
  checkAll(who: string, tables: Tables): void {
    this.counters.fullChecks++;
    const view = readView(tables);
    this.#checkVector(who, view);
    for (const { table, key } of this.#oracle.keys) {
      this.#checkKey(who, view, { table, key, tables });
    }
    for (const { table, key, siblings } of allStored(tables)) {
      // What was written was looked at above.
      if (this.#oracle.isWritten(table.id, key)) continue;
      this.#report("state:extra", `${who} ${table.id} ${key}: ${show(siblings)}, expected none`);
    }
    const gone = tables.purging ? null : firstGone(tables);
    if (gone !== null) this.#report("bounds", `${who} purged, and holds a closed owner's ${gone}`);
    this.#checkAhead(who, tables, view);
    this.#checkFork(who, tables);
  }

  #checkKey(
    who: string,
    view: ReplicaView,
    place: { readonly table: string; readonly key: string; readonly tables: Tables },
  ): void {
    this.counters.keyChecks++;
    const { table, key, tables } = place;
    const expected = this.#oracle.expected(view, table, key);
    if (isStored(tables, place, expected)) return;
    const stored = storedUnder(tables, table, key);
    const checker = difference(stored, expected);
    const killed = stored.filter((row) => this.#oracle.isKilled(view, place, row.birth));
    this.#report(
      checker,
      `${who} ${table} ${JSON.stringify(key)}\n  holds    ${show(stored)}\n  expected ${show(expected)}` +
        `${killed.length > 0 ? `\n  killed   ${show(killed)}` : ""}\n` +
        this.#oracle.describe(view, table, key),
    );
  }

  #checkVector(who: string, view: ReplicaView): void {
    for (const [origin, seq] of view.vector) {
      const written = this.#oracle.written(origin);
      if (seq > written) {
        this.#report("vector", `${who} covers ${origin}:${seq}, only ${written} are written`);
      }
      if (this.#oracle.splitsBatch(origin, seq)) {
        this.#report("batch", `${who} covers ${origin}:${seq}, which is inside a batch`);
      }
    }
  }

  #checkAhead(who: string, tables: Tables, view: ReplicaView): void {
    const held = readAhead(tables);
    const expected = this.#oracle.expectedAhead(view);
    const extra = [...held].filter((entry) => !expected.has(entry));
    const missing = [...expected].filter((entry) => !held.has(entry));
    if (extra.length + missing.length === 0) return;
    this.#report("state:ahead", `${who} ahead: too many ${extra}, missing ${missing}`);
  }

  /** Equal views must mean equal rows, whatever the oracle thinks of either. */
  #checkFork(who: string, tables: Tables): void {
    const { view, rows } = fingerprint(tables);
    const other = this.#seen.get(view);
    if (other === undefined) this.#seen.set(view, rows);
    else if (other !== rows) {
      const held = rowLines(tables).join("\n");
      this.#report("state:fork", `${who} at ${view}: ${rows}, another ${other}\n${held}`);
    }
  }
}

/** Which checker it is that says so, where what is stored is not what is expected. */
function difference(
  stored: readonly StoredSibling[],
  expected: readonly OracleSibling[],
): CheckerName {
  for (const row of expected) {
    const mine = stored.find(({ birth }) => sameDot(birth, row.birth));
    if (mine === undefined) return "state:missing";
    if (compareNewest(mine, row) !== 0 || mine.value !== row.value) return "state:value";
  }
  if (stored.length > expected.length) return "state:extra";
  return "state:order";
}

function sameDot(one: Dot, other: Dot): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

function show(siblings: readonly OracleSibling[]): string {
  if (siblings.length === 0) return "nothing";
  return siblings
    .map((row) => `${row.birth.join(":")}@${row.dot.join(":")} stamp ${row.stamp.join(".")}`)
    .join(", ");
}
