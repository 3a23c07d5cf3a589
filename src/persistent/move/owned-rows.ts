/** One side of a copy of typed stores: owners, and their rows in the order of their keys. */
import { conflictTail } from "../../sql/batch.ts";
import type { SqlDatabase, SqlSession } from "../../sql/database.ts";
import type { SqlRow, SqlValue } from "../../sql/dialect.ts";
import { bigintOf, textOf } from "../../sql/row-values.ts";
import type { StoreAdapter, UserPage } from "../contract/driver.ts";
import type { TypedPlace } from "./place-kinds.ts";
import { databaseOf, type OwnedTable, type TypedTables, typedTables } from "./typed-places.ts";

/** Rows of one page. */
const PAGE_ROWS = 250;
/** Rows that are deleted at once. */
const EMPTIED_ROWS = 1_000;

/** An owner that is there. */
export interface Owner {
  readonly id: bigint;
  /** The values of `ownColumns`. */
  readonly own: readonly bigint[];
}

/** A row in values that are the same on every database: the key first. */
export type OwnedRow = readonly SqlValue[];

/** See the head of this file. */
export class OwnedSide {
  readonly database: SqlDatabase;
  readonly tables: TypedTables;
  readonly #host: string;
  readonly #where: string;

  /** @throws UnsupportedError if the back end has no tables */
  static of(adapter: StoreAdapter, place: TypedPlace): OwnedSide {
    const { database, prefix } = databaseOf(adapter, place);
    return new OwnedSide(database, typedTables(place.kind, prefix), place);
  }

  private constructor(database: SqlDatabase, tables: TypedTables, place: TypedPlace) {
    this.database = database;
    this.tables = tables;
    this.#host = place.host;
    this.#where = `${tables.only === "" ? "" : `${tables.only} and `}server = ?`;
  }

  /** Owners with rows, in byte order; rosters have a version also without any. */
  async users({ after, limit }: UserPage): Promise<readonly string[]> {
    const { owners, rows, isOwnerData } = this.tables;
    const some = rows.map(
      ({ table, owner }) => `exists (select 1 from ${table} x where x.${owner} = o.id)`,
    );
    const text =
      `select name from ${owners} o where ${this.#where}${after === undefined ? "" : " and name > ?"}` +
      `${isOwnerData ? "" : ` and (${some.join(" or ")})`} order by name limit ?`;
    const params = [this.#host, ...(after === undefined ? [] : [after]), BigInt(limit)];
    return (await this.database.query(text, params)).map((row) => textOf(row.name));
  }

  /** Undefined if there is none. */
  async find(session: SqlSession, name: string): Promise<Owner | undefined> {
    const { owners, ownColumns } = this.tables;
    const text = `select ${["id", ...ownColumns].join(", ")} from ${owners} where ${this.#where} and name = ?`;
    const [row] = await session.query(text, [this.#host, name]);
    if (row === undefined) return undefined;
    return { id: bigintOf(row.id), own: ownColumns.map((column) => bigintOf(row[column])) };
  }

  /** Finds an owner, which is made if need be. */
  async make(session: SqlSession, name: string): Promise<Owner> {
    const { owners, fixed, kind } = this.tables;
    const columns = ["server", "name", ...Object.keys(fixed)];
    const key = kind === "roster" ? ["server", "name"] : ["kind", "server", "name"];
    const tail = conflictTail(session.traits, {
      table: owners,
      columns: [],
      onConflict: { key, update: "ignore" },
    });
    await session.execute(
      `insert into ${owners} (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})${tail}`,
      [this.#host, name, ...Object.values(fixed)],
    );
    const owner = await this.find(session, name);
    if (owner === undefined) throw new TypeError(`an owner in ${owners} has no number`);
    if (kind !== "roster") {
      const unmark = `update ${owners} set removed_us = null where id = ? and removed_us is not null`;
      await session.execute(unmark, [owner.id]);
    }
    return owner;
  }

  /** Writes the columns of the owner itself. */
  async write(session: SqlSession, id: bigint, own: readonly bigint[]): Promise<void> {
    const { owners, ownColumns } = this.tables;
    const list = ownColumns.map((column) => `${column} = ?`).join(", ");
    if (list !== "")
      await session.execute(`update ${owners} set ${list} where id = ?`, [...own, id]);
  }

  /**
   * Removes an owner with all rows, batch by batch; `guard` is asked before each. May be called
   * again after any interruption.
   */
  async empty(name: string, guard: () => void): Promise<void> {
    const owner = await this.find(this.database, name);
    if (owner === undefined) return;
    const { rows, isOwnerData } = this.tables;
    // Whoever is found by rows is marked while there are some.
    if (!isOwnerData) await this.remove(this.database, owner.id);
    for (const table of rows) await this.#emptyTable(table, owner.id, guard);
    if (isOwnerData) await this.remove(this.database, owner.id);
  }

  async #emptyTable(table: OwnedTable, id: bigint, guard: () => void): Promise<void> {
    const where = `from ${table.table} where ${table.owner} = ?`;
    const key = table.key.name;
    for (;;) {
      const text = `select ${key} as last_key ${where} order by ${key} limit 1 offset ?`;
      const [row] = await this.database.query(text, [id, BigInt(EMPTIED_ROWS - 1)]);
      guard();
      if (row === undefined) {
        await this.database.execute(`delete ${where}`, [id]);
        return;
      }
      const last = keyValue(table, row.last_key);
      await this.database.execute(`delete ${where} and ${key} <= ?`, [id, last]);
    }
  }

  /** Lets an owner go that has no rows. The name of an archive stays, marked: see archive-names.ts. */
  async remove(session: SqlSession, id: bigint): Promise<void> {
    const { owners, kind } = this.tables;
    await session.execute(
      kind === "roster"
        ? `delete from ${owners} where id = ?`
        : `update ${owners} set removed_us = ${session.traits.nowUs} where id = ?`,
      [id],
    );
  }
}

/** The values of a key, whose rows come in this order. */
function keyValue({ key }: OwnedTable, value: unknown): SqlValue {
  return key.type === "bigint" ? bigintOf(value) : textOf(value);
}

/** The rows of one owner in one table, one after the other. Nothing may be written behind them. */
export class OwnedRows {
  readonly #session: SqlSession;
  readonly #table: OwnedTable;
  readonly #owner: bigint | undefined;
  readonly #text: string;
  #page: readonly OwnedRow[] = [];
  #at = 0;
  #isEnd: boolean;
  #after: SqlValue | undefined;

  /** `owner` undefined: there are none. */
  constructor(session: SqlSession, table: OwnedTable, owner: bigint | undefined) {
    this.#session = session;
    this.#table = table;
    this.#owner = owner;
    this.#isEnd = owner === undefined;
    const names = [table.key, ...table.columns].map(({ name }) => name).join(", ");
    this.#text = `select ${names} from ${table.table} where ${table.owner} = ?`;
  }

  async next(): Promise<OwnedRow | undefined> {
    if (this.#at === this.#page.length) {
      if (this.#isEnd) return undefined;
      await this.#load();
    }
    return this.#page[this.#at++];
  }

  async #load(): Promise<void> {
    const { key } = this.#table;
    const isFirst = this.#after === undefined;
    const text = `${this.#text}${isFirst ? "" : ` and ${key.name} > ?`} order by ${key.name} limit ?`;
    const params = [this.#owner ?? null, ...(this.#after === undefined ? [] : [this.#after])];
    const rows = await this.#session.query(text, [...params, BigInt(PAGE_ROWS)]);
    this.#page = rows.map((row) => this.#rowOf(row));
    this.#at = 0;
    this.#isEnd = rows.length < PAGE_ROWS;
    this.#after = this.#page.at(-1)?.[0] ?? null;
  }

  #rowOf(row: SqlRow): OwnedRow {
    return [this.#table.key, ...this.#table.columns].map(({ name, type }) => {
      const value = row[name];
      if (value === null || value === undefined) return null;
      return type === "text" ? textOf(value) : bigintOf(value);
    });
  }
}
