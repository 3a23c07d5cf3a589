/**
 * Makes one owner's rows of a typed store in a target equal to those in a source: both are walked
 * through in the order of their keys, which are kept. Archives are written batch by batch; a
 * roster, whose version speaks for its items, in one transaction.
 */
import { AbortedError } from "../../errors.ts";
import { Batch } from "../../sql/batch.ts";
import type { SqlSession } from "../../sql/database.ts";
import type { SqlValue } from "../../sql/dialect.ts";
import { inList } from "../../sql/in-list.ts";
import { compareBytes } from "../contract/byte-order.ts";
import type { Aligned, AlignRules, Pair } from "./aligned.ts";
import { type OwnedRow, OwnedRows, type OwnedSide, type Owner } from "./owned-rows.ts";
import type { OwnedTable } from "./typed-places.ts";

/** Rows and characters that are written at once. */
const CHANGES_MAX = 250;
const LENGTH_MAX = 4 * 1024 * 1024;

/** Aligns and counts; writes nothing if `isDry`. */
export async function alignOwned(
  pair: Pair<OwnedSide>,
  name: string,
  rules: AlignRules,
): Promise<Aligned> {
  const { source, target } = pair;
  const wanted = await source.find(source.database, name);
  if (rules.isDry || !target.tables.isOwnerData) {
    return alignOwner(pair, { name, wanted, session: target.database }, rules);
  }
  return target.database.transact((session) => {
    return alignOwner(pair, { name, wanted, session }, rules);
  });
}

interface Work {
  readonly name: string;
  readonly wanted: Owner | undefined;
  /** Writes to the target. */
  readonly session: SqlSession;
}

async function alignOwner(
  { source, target }: Pair<OwnedSide>,
  { name, wanted, session }: Work,
  rules: AlignRules,
): Promise<Aligned> {
  const { isDry, guard } = rules;
  const found = await target.find(session, name);
  let owner = found;
  const make = async () => {
    owner ??= await target.make(session, name);
    return owner.id;
  };
  let sum: Aligned = { rows: 0, bytes: 0, changed: 0 };
  for (const [at, table] of target.tables.rows.entries()) {
    const rows = {
      wanted: new OwnedRows(source.database, source.tables.rows[at] ?? table, wanted?.id),
      found: new OwnedRows(session, table, found?.id),
    };
    const aligned = await alignTable(rows, new Changes({ session, table, make, rules }));
    sum = {
      rows: sum.rows + aligned.rows,
      bytes: sum.bytes + aligned.bytes,
      changed: sum.changed + aligned.changed,
    };
  }
  const own = wanted?.own ?? [];
  const isOwnEqual = own.every((value, at) => value === found?.own[at]);
  const isGone = wanted === undefined && found !== undefined;
  if (!isDry && isGone) {
    guard();
    await target.remove(session, found.id);
  }
  if (!isDry && !isOwnEqual) {
    guard();
    await target.write(session, await make(), own);
  }
  const isOwnerChanged = !isOwnEqual || (isGone && target.tables.isOwnerData);
  return { ...sum, changed: sum.changed + (isOwnerChanged ? 1 : 0) };
}

async function alignTable(
  rows: { readonly wanted: OwnedRows; readonly found: OwnedRows },
  changes: Changes,
): Promise<Aligned> {
  let count = 0;
  let bytes = 0;
  let wanted = await rows.wanted.next();
  let found = await rows.found.next();
  while (wanted !== undefined || found !== undefined) {
    const order = compareRows(wanted, found);
    if (wanted !== undefined && order <= 0) {
      count++;
      bytes += lengthOf(wanted);
      if (order < 0) changes.add(wanted);
      else if (!isSame(wanted, found)) changes.replace(wanted);
    } else if (found !== undefined) changes.remove(found);
    // The next page is read before anything is written: what is written lies in front of it.
    if (order >= 0) found = await rows.found.next();
    if (order <= 0) wanted = await rows.wanted.next();
    if (changes.isFull) await changes.flush();
  }
  await changes.flush();
  return { rows: count, bytes, changed: changes.count };
}

interface ChangesOptions {
  readonly session: SqlSession;
  readonly table: OwnedTable;
  /** The number of the owner, which is made if need be. */
  readonly make: () => Promise<bigint>;
  readonly rules: AlignRules;
}

/** What is to be written to one table, gathered. */
class Changes {
  readonly #options: ChangesOptions;
  readonly #insert: Batch;
  #keys: SqlValue[] = [];
  #rows: OwnedRow[] = [];
  #length = 0;
  #count = 0;

  constructor(options: ChangesOptions) {
    this.#options = options;
    const { table, owner, key, columns } = options.table;
    this.#insert = new Batch(options.session.traits, {
      table,
      columns: [{ name: owner, type: "bigint" }, key, ...columns],
    });
  }

  /** Rows that were changed, or would be. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#keys.length + this.#rows.length >= CHANGES_MAX || this.#length >= LENGTH_MAX;
  }

  add(row: OwnedRow): void {
    this.#count++;
    if (this.#options.rules.isDry) return;
    this.#rows.push(row);
    this.#length += lengthOf(row);
  }

  replace(row: OwnedRow): void {
    if (!this.#options.rules.isDry) this.#keys.push(row[0] ?? null);
    this.add(row);
  }

  remove(row: OwnedRow): void {
    this.#count++;
    if (!this.#options.rules.isDry) this.#keys.push(row[0] ?? null);
  }

  /** Writes what was gathered, all or none of it. */
  async flush(): Promise<void> {
    if (this.#keys.length + this.#rows.length === 0) return;
    const { session, table, make, rules } = this.#options;
    if (rules.budget.signal?.aborted) {
      throw new AbortedError("the copy was aborted; it can go on later");
    }
    const [keys, rows] = [this.#keys, this.#rows];
    [this.#keys, this.#rows, this.#length] = [[], [], 0];
    const owner = await make();
    rules.guard();
    await session.transact(async (tx) => {
      if (keys.length > 0) {
        const type = table.key.type === "bigint" ? "bigint" : "text";
        const some = inList(tx.traits, table.key.name, type, keys);
        const text = `delete from ${table.table} where ${table.owner} = ? and ${some.text}`;
        await tx.execute(text, [owner, ...some.params]);
      }
      if (rows.length > 0) {
        await this.#insert.run(
          tx,
          rows.map((row) => [owner, ...row]),
        );
      }
    });
  }
}

/** By key; a side that has come to its end is behind all others. */
function compareRows(left: OwnedRow | undefined, right: OwnedRow | undefined): number {
  if (left === undefined || right === undefined) {
    return left === right ? 0 : left === undefined ? 1 : -1;
  }
  const [a = null, b = null] = [left[0], right[0]];
  if (typeof a === "bigint" && typeof b === "bigint") return a < b ? -1 : a > b ? 1 : 0;
  return compareBytes(String(a), String(b));
}

function isSame(left: OwnedRow, right: OwnedRow | undefined): boolean {
  return left.every((value, at) => value === right?.[at]);
}

function lengthOf(row: OwnedRow): number {
  let length = 0;
  for (const value of row) length += typeof value === "string" ? value.length : 8;
  return length;
}
