/**
 * What users are told: that a mirror kept from the changes alone is at each change what it says
 * was there before, and at rest what is shown; and that each row that others ended or shaded is
 * told to its writer once, none that was not, and none is passed over.
 */
import type { Change } from "../../src/tables/change.ts";
import { ChangeFeed } from "../../src/tables/change-feed.ts";
import { type Loss, LostBirths } from "../../src/tables/lost-births.ts";
import type { Row } from "../../src/tables/row.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue, valuesEqual } from "../../src/tables/value.ts";
import type { Incarnation } from "./incarnation.ts";
import { type Merging, mergedValue } from "./merging.ts";
import type { Oracle } from "./oracle.ts";
import type { Report } from "./state-checker.ts";

/** Sums over one run. */
export interface FaceCounters {
  changes: number;
  expiries: number;
  losses: number;
}

/** What one life was told of one table. */
interface Told {
  readonly table: TableState;
  /** Values shown by key: of a set one at most. */
  readonly mirror: Map<string, string[]>;
  readonly lost: Map<number, Loss>;
  readonly merging: Merging | undefined;
  /** The life's log when it declared the table: what it had lost before is not told again. */
  readonly fromSeq: number;
}

/** The checker. */
export class FaceChecker {
  readonly counters: FaceCounters = { changes: 0, expiries: 0, losses: 0 };
  readonly #oracle: Oracle;
  readonly #report: Report;
  readonly #told = new Map<Incarnation, Told[]>();

  constructor(oracle: Oracle, report: Report) {
    this.#oracle = oracle;
    this.#report = report;
  }

  /** A life has declared a table: from now on it listens. */
  declared(life: Incarnation, table: TableState, merging?: Merging): void {
    const { origins, deliveries } = life.engine.tables.replica;
    const fromSeq = life.engine.tables.replica.nextSeq;
    const told: Told = { table, mirror: new Map(), lost: new Map(), merging, fromSeq };
    const lives = this.#told.get(life) ?? [];
    this.#told.set(life, [...lives, told]);
    for (const key of table.rows.keys()) {
      const values = shownUnder(told, key);
      if (values.length > 0) told.mirror.set(key, values);
    }
    table.feed = new ChangeFeed(table, origins, deliveries);
    table.feed.add({ record: (change) => this.#changed(life, told, change), flush: () => false });
    table.lost = new LostBirths({ table, origins, deliveries }, (loss) =>
      this.#lost(life, told, loss),
    );
  }

  /** It is told nothing more of that table. */
  removed(life: Incarnation, table: TableState): void {
    const told = this.#told.get(life) ?? [];
    this.#told.set(
      life,
      told.filter((one) => one.table !== table),
    );
  }

  /** At rest nothing is left to be told. */
  checkAtRest(life: Incarnation): void {
    for (const told of this.#told.get(life) ?? []) {
      this.#checkMirror(life, told);
      this.#checkLosses(life, told);
    }
  }

  #changed(life: Incarnation, { table, mirror }: Told, change: Change): void {
    this.counters.changes++;
    if (change.reason === "expired") this.counters.expiries++;
    const values = mirror.get(change.key) ?? [];
    const { value, previous } = change;
    const at = previous === null ? -1 : values.findIndex((held) => valuesEqual(held, previous));
    const isRight = table.type === "bag" ? isBagChange(values, change) : isSetChange(values, at);
    if (!isRight || (previous === null) !== at < 0) {
      const what = `${change.reason} of ${JSON.stringify(change.key)} in ${table.id}`;
      this.#report("watch", `${life.who}: ${what} does not follow from what was told before`);
    }
    const after = values.filter((_, index) => index !== at);
    if (value !== null) after.push(value);
    if (after.length > 0) mirror.set(change.key, after);
    else mirror.delete(change.key);
  }

  #lost(life: Incarnation, { table, lost, merging }: Told, loss: Loss): void {
    this.counters.losses++;
    const what = `${life.who}: ${table.id} ${JSON.stringify(loss.key)} seq ${loss.seq}`;
    if (lost.has(loss.seq)) this.#report("conflict", `${what} is told twice as lost`);
    lost.set(loss.seq, loss);
    const place = { table: table.id, key: loss.key };
    if (this.#oracle.canBeLost(place, [life.origin, loss.seq], merging === "least")) return;
    this.#report("conflict", `${what} is told as lost, and no other has written over it`);
  }

  #checkMirror(life: Incarnation, told: Told): void {
    const { table, mirror } = told;
    const keys = new Set([...table.rows.keys(), ...mirror.keys()]);
    for (const key of keys) {
      const shown = shownUnder(told, key);
      const seen = mirror.get(key) ?? [];
      this.#checkRead(life, told, { key, shown });
      const isEqual =
        shown.length === seen.length &&
        shown.every((value) => seen.some((other) => valuesEqual(value, other)));
      if (isEqual) continue;
      const what = `${table.id} ${JSON.stringify(key)}`;
      this.#report(
        "watch",
        `${life.who}: ${what} shows ${shown.length}, told were ${seen.length}, or others`,
      );
    }
  }

  /** What a reader gets of a set is that value. */
  #checkRead(
    life: Incarnation,
    { table }: Told,
    { key, shown }: { readonly key: string; readonly shown: readonly string[] },
  ): void {
    const row = table.visible(key);
    if (table.type === "bag" || row === undefined) return;
    const read = encodeValue(table.read(row));
    if (shown.length === 1 && valuesEqual(read, shown[0] as string)) return;
    this.#report("watch", `${life.who}: ${table.id} ${key} is not read as its siblings say`);
  }

  #checkLosses(life: Incarnation, { table, lost, merging, fromSeq }: Told): void {
    const own = this.#oracle.logOf(life.origin).filter((op) => op.table === table.id);
    const killedByOwn = new Set<number>();
    for (const op of own) {
      for (const [origin, seq] of op.kills) if (origin === life.origin) killedByOwn.add(seq);
    }
    const { origins } = life.engine.tables.replica;
    for (const op of own) {
      const [, seq] = op.dot;
      if (op.kind !== "set" || seq < fromSeq || lost.has(seq)) continue;
      const row = table.find(op.key, origins.self, seq);
      const isLost = row === null ? !killedByOwn.has(seq) : isShadowed(table, row, merging);
      if (!isLost) continue;
      const how = row === null ? "ended" : "shadowed";
      this.#report("conflict", `${life.who}: ${table.id} ${op.key} seq ${seq}: ${how}, not told`);
    }
  }
}

/** Whether another row is shown in place of that one. */
function isShadowed(table: TableState, row: Row, merging: Merging | undefined): boolean {
  if (table.type === "bag" || merging === "union") return false;
  const rows: Row[] = [];
  for (let each: Row | null = table.rows.get(row.key) ?? null; each !== null; each = each.next) {
    if (!table.isGone(each)) rows.push(each);
  }
  if (merging === undefined) return rows[0] !== row;
  return (
    row.value !==
    mergedValue(
      merging,
      rows.map(({ value }) => value),
    )
  );
}

function isSetChange(values: readonly string[], at: number): boolean {
  return values.length === 0 || at === 0;
}

/** In a bag a change is one value that comes or one that goes. */
function isBagChange(values: readonly string[], { value, previous }: Change): boolean {
  if ((value === null) === (previous === null)) return false;
  return value === null || !values.some((held) => valuesEqual(held, value));
}

/** The distinct values that reads see. */
function shownUnder({ table, merging }: Told, key: string): string[] {
  const siblings = table.visibleSiblings(key).map(({ value }) => value);
  if (merging !== undefined && table.type === "set" && siblings.length > 0) {
    return [mergedValue(merging, siblings)];
  }
  const values: string[] = [];
  for (const value of siblings) {
    if (table.type === "set" && values.length > 0) break;
    if (!values.some((held) => valuesEqual(held, value))) values.push(value);
  }
  return values;
}
