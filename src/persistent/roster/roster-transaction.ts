/**
 * One roster, changed. Whoever has touched the row of the owner has the turn until the commit:
 * what is read here stays true, and changes of two processes follow one another.
 */
import { TooLargeError } from "../../errors.ts";
import { conflictTail } from "../../sql/batch.ts";
import type { SqlTransaction } from "../../sql/database.ts";
import type { SqlTraits, SqlValue } from "../../sql/dialect.ts";
import { bigintOf, numberOf, textOf } from "../../sql/row-values.ts";
import {
  checkContact,
  ITEM_COLUMNS,
  itemOf,
  itemValues,
  REMOVED,
  REMOVED_VALUES,
  type RosterItem,
  type RosterItemInput,
} from "./roster-item.ts";
import type { RosterTables } from "./tables.ts";

/** Changes of one roster in one commit. */
export interface RosterTransaction {
  /** All items, in the byte order of addresses. */
  items(): Promise<readonly RosterItem[]>;
  /** One item; undefined if there is none. */
  entry(jid: string): Promise<RosterItem | undefined>;
  /** Replaces an item, or adds it. An item that is like that already keeps its version. */
  set(jid: string, item: RosterItemInput): Promise<RosterItem>;
  /** Deletes an item; false if there is none. */
  delete(jid: string): Promise<boolean>;
}

/** The texts of the statements, made once. */
export class RosterStatements {
  readonly tables: RosterTables;
  readonly items: string;
  readonly entry: string;
  readonly upsert: string;
  readonly count: string;
  readonly oldRemovals: string;
  readonly forget: string;
  readonly advance: string;
  readonly now: string;

  constructor(traits: SqlTraits, tables: RosterTables) {
    const { owner, item } = tables;
    const columns = ["roster_id", "jid", ...ITEM_COLUMNS];
    this.tables = tables;
    this.items =
      `select jid, ${ITEM_COLUMNS.join(", ")} from ${item} ` +
      `where roster_id = ? and subscription <> '${REMOVED}' order by jid`;
    this.entry = `select jid, ${ITEM_COLUMNS.join(", ")} from ${item} where roster_id = ? and jid = ?`;
    this.upsert =
      `insert into ${item} (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})` +
      conflictTail(traits, {
        table: item,
        columns: [],
        onConflict: { key: ["roster_id", "jid"], update: ITEM_COLUMNS },
      });
    this.count =
      `select count(*) as number from ${item} where roster_id = ? ` +
      `and subscription <> '${REMOVED}'`;
    this.oldRemovals =
      `select version from ${item} where roster_id = ? and subscription = '${REMOVED}' ` +
      "order by version desc limit 1 offset ?";
    this.forget = `delete from ${item} where roster_id = ? and subscription = '${REMOVED}' and version <= ?`;
    this.now = `select ${traits.nowUs} as now`;
    this.advance = `update ${owner} set version = ?, floor_version = ? where id = ?`;
  }
}

/** What a roster's row says. */
export interface RosterRow {
  readonly id: bigint;
  /** 0 before the first change. */
  readonly version: bigint;
  /** Deletions up to this version may be forgotten. */
  readonly floor: bigint;
}

/** Limits of a roster. */
export interface RosterLimits {
  readonly itemsMax: number;
  readonly removalsMax: number;
}

/** See the head of this file. */
export class LockedRoster implements RosterTransaction {
  readonly #tx: SqlTransaction;
  readonly #texts: RosterStatements;
  readonly #limits: RosterLimits;
  readonly #row: RosterRow;
  #version: bigint;
  #floor: bigint;

  constructor(
    tx: SqlTransaction,
    row: RosterRow,
    options: { readonly texts: RosterStatements; readonly limits: RosterLimits },
  ) {
    this.#tx = tx;
    this.#row = row;
    this.#texts = options.texts;
    this.#limits = options.limits;
    this.#version = row.version;
    this.#floor = row.floor;
  }

  async items(): Promise<readonly RosterItem[]> {
    const rows = await this.#tx.query(this.#texts.items, [this.#row.id]);
    return rows.map(itemOf).filter((item) => item !== undefined);
  }

  async entry(jid: string): Promise<RosterItem | undefined> {
    checkContact(jid);
    const [row] = await this.#tx.query(this.#texts.entry, [this.#row.id, jid]);
    return row === undefined ? undefined : itemOf(row);
  }

  async set(jid: string, item: RosterItemInput): Promise<RosterItem> {
    const values = itemValues(item);
    const known = await this.entry(jid);
    if (known !== undefined && isSame(itemValues(inputOf(known)), values)) return known;
    if (known === undefined) await this.#checkRoom();
    await this.#write(jid, values);
    const columns = [...values, this.#version].map((value, at) => [ITEM_COLUMNS[at], value]);
    const written = itemOf({ jid, ...Object.fromEntries(columns) });
    if (written === undefined) throw new TypeError("an item was written as a deletion");
    return written;
  }

  async delete(jid: string): Promise<boolean> {
    const known = await this.entry(jid);
    if (known === undefined) return false;
    await this.#write(jid, REMOVED_VALUES);
    const { id } = this.#row;
    const params = [id, BigInt(this.#limits.removalsMax)];
    const [old] = await this.#tx.query(this.#texts.oldRemovals, params);
    if (old !== undefined) {
      this.#floor = bigintOf(old.version);
      await this.#tx.execute(this.#texts.forget, [id, this.#floor]);
    }
    return true;
  }

  /** Writes the new version down; to be called once, at the end. Gives it. */
  async finish(): Promise<bigint> {
    if (this.#version !== this.#row.version) {
      await this.#tx.execute(this.#texts.advance, [this.#version, this.#floor, this.#row.id]);
    }
    return this.#version;
  }

  async #write(jid: string, values: readonly SqlValue[]): Promise<void> {
    if (this.#version === 0n) {
      // Read by who has the turn: whatever was removed before has ended before this time.
      this.#version = await nowUs(this.#tx, this.#texts);
      this.#floor = this.#version;
    }
    this.#version++;
    await this.#tx.execute(this.#texts.upsert, [this.#row.id, jid, ...values, this.#version]);
  }

  async #checkRoom(): Promise<void> {
    const [row] = await this.#tx.query(this.#texts.count, [this.#row.id]);
    if (numberOf(row?.number) < this.#limits.itemsMax) return;
    throw new TooLargeError(`the roster has ${this.#limits.itemsMax} items, which are all it may`);
  }
}

/** The database's time. */
export async function nowUs(tx: SqlTransaction, texts: RosterStatements): Promise<bigint> {
  const [row] = await tx.query(texts.now);
  return bigintOf(row?.now);
}

/** An item without what the store adds. */
export function inputOf(item: RosterItem): RosterItemInput {
  const { askMessage, jid: _jid, version: _version, ...input } = item;
  return askMessage === undefined ? input : { ...input, askMessage };
}

/** The address of a row. */
export function jidOf(row: { readonly jid?: unknown }): string {
  return textOf(row.jid);
}

function isSame(left: readonly SqlValue[], right: readonly SqlValue[]): boolean {
  return left.every((value, at) => value === right[at]);
}
