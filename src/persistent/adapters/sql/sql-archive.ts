/**
 * Archives of one place in the table of archived items. The column that counts up is the order of
 * insertion. New items are inserted without a look at what is there; only when a key turns out to
 * exist is its item removed first.
 */
import { Batch } from "../../../sql/batch.ts";
import type { SqlDatabase, SqlSession } from "../../../sql/database.ts";
import type { SqlRow, SqlTraits, SqlValue } from "../../../sql/dialect.ts";
import { inList } from "../../../sql/in-list.ts";
import { LostRaceError } from "../../../sql/lost-race.ts";
import { bigintOf, numberOf, textOf } from "../../../sql/row-values.ts";
import type { ArchiveSummary } from "../../contract/archive-query.ts";
import type {
  ArchiveDriver,
  ArchiveRow,
  Budget,
  PlacedRow,
  Selection,
  SelectionPage,
  UserPage,
} from "../../contract/driver.ts";
import { type Deadlines, limitsOf } from "../../deadlines/deadlines.ts";
import { selectionText } from "./selection-text.ts";

/** Users that one statement looks for: databases limit how deep a recursion goes. */
const USERS_MAX = 500;
const COLUMNS = "sort_id, item_key, at_us, peer, value";

/** The texts of all statements, made once for an adapter. */
export class ArchiveStatements {
  readonly batch: Batch;
  readonly insert: string;
  readonly select: string;
  readonly position: string;
  readonly count: string;
  readonly delete: string;
  readonly update: string;
  readonly updateWhere: string;
  readonly boundary: string;
  readonly summary: string;
  readonly users: string;

  constructor(traits: SqlTraits, table: string) {
    const ofUser = "store_id = ? and user_name = ?";
    this.batch = new Batch(traits, {
      table,
      columns: [
        { name: "store_id", type: "bigint" },
        { name: "user_name", type: "text" },
        { name: "item_key", type: "text" },
        { name: "at_us", type: "bigint" },
        { name: "peer", type: "text" },
        { name: "value", type: "text" },
      ],
    });
    this.insert =
      `insert into ${table} (store_id, user_name, item_key, at_us, peer, value) ` +
      "values (?, ?, ?, ?, ?, ?)";
    this.select = `select ${COLUMNS} from ${table} where ${ofUser}`;
    this.position = `select sort_id from ${table} where ${ofUser} and item_key = ?`;
    this.count = `select count(*) as number from ${table} where ${ofUser}`;
    this.delete = `delete from ${table} where ${ofUser}`;
    this.update = `update ${table} set value = ?`;
    this.updateWhere = ` where ${ofUser} and item_key = ?`;
    this.boundary = `select sort_id from ${table} where ${ofUser} order by sort_id desc limit 1 offset ?`;
    this.summary =
      `select peer, count(*) as number, min(at_us) as earliest, max(at_us) as latest ` +
      `from ${table} where ${ofUser}`;
    // Goes from one user to the next in the index, instead of through all their items.
    const least = `select min(user_name) from ${table} where store_id = ? and user_name`;
    this.users =
      `with recursive found (name, number) as (select (${least} > ?), 1 union all ` +
      `select (${least} > found.name), number + 1 from found ` +
      "where found.name is not null and number < ?) " +
      "select name from found where name is not null";
  }
}

export interface SqlArchiveParts {
  readonly database: SqlDatabase;
  readonly statements: ArchiveStatements;
  readonly deadlines: Deadlines;
  readonly storeId: bigint;
}

/** See the head of this file. */
export class SqlArchive implements ArchiveDriver {
  readonly #database: SqlDatabase;
  readonly #texts: ArchiveStatements;
  readonly #deadlines: Deadlines;
  readonly #storeId: bigint;

  constructor(parts: SqlArchiveParts) {
    this.#database = parts.database;
    this.#texts = parts.statements;
    this.#deadlines = parts.deadlines;
    this.#storeId = parts.storeId;
  }

  append(user: string, rows: readonly ArchiveRow[], budget: Budget): Promise<void> {
    return this.#deadlines.within(budget, "write", async () => {
      const last = new Map<string, ArchiveRow>();
      for (const row of rows) {
        last.delete(row.key);
        last.set(row.key, row);
      }
      const values = [...last.values()].map((row) => this.#valuesOf(user, row));
      try {
        await this.#insert(values, budget);
      } catch (error) {
        if (!this.#database.traits.isDuplicate(error)) throw error;
        await this.#replace(user, [...last.keys()], values, budget);
      }
    });
  }

  page(user: string, page: SelectionPage, budget: Budget): Promise<readonly PlacedRow[]> {
    return this.#deadlines.within(budget, "read", async () => {
      const where = selectionText(this.#database.traits, page);
      const order = ` order by sort_id${page.reverse ? " desc" : ""} limit ?`;
      const params = [this.#storeId, user, ...where.params, BigInt(page.limit)];
      const rows = await this.#database.query(this.#texts.select + where.text + order, params);
      return rows.map(placed);
    });
  }

  count(user: string, selection: Selection, budget: Budget): Promise<number> {
    return this.#deadlines.within(budget, "read", async () => {
      const where = selectionText(this.#database.traits, selection);
      const params = [this.#storeId, user, ...where.params];
      const rows = await this.#database.query(this.#texts.count + where.text, params);
      return numberOf(rows[0]?.number);
    });
  }

  position(user: string, key: string, budget: Budget): Promise<bigint | undefined> {
    return this.#deadlines.within(budget, "read", async () => {
      const row = await this.#database.first(this.#texts.position, [this.#storeId, user, key]);
      return row === undefined ? undefined : bigintOf(row.sort_id);
    });
  }

  read(user: string, key: string, budget: Budget): Promise<PlacedRow | undefined> {
    return this.#deadlines.within(budget, "read", async () => {
      const text = `${this.#texts.select} and item_key = ?`;
      const row = await this.#database.first(text, [this.#storeId, user, key]);
      return row === undefined ? undefined : placed(row);
    });
  }

  update(
    user: string,
    key: string,
    change: {
      readonly value: string;
      readonly when: bigint | undefined;
      readonly with: string | undefined;
    },
    budget: Budget,
  ): Promise<boolean> {
    return this.#deadlines.within(budget, "write", async () => {
      let text = this.#texts.update;
      const params: SqlValue[] = [change.value];
      if (change.when !== undefined) {
        text += ", at_us = ?";
        params.push(change.when);
      }
      if (change.with !== undefined) {
        text += ", peer = ?";
        params.push(change.with);
      }
      params.push(this.#storeId, user, key);
      return (await this.#database.execute(text + this.#texts.updateWhere, params)) > 0;
    });
  }

  delete(user: string, selection: Selection, budget: Budget): Promise<number> {
    return this.#deadlines.within(budget, "write", () => {
      const where = selectionText(this.#database.traits, selection);
      const params = [this.#storeId, user, ...where.params];
      return this.#database.execute(this.#texts.delete + where.text, params);
    });
  }

  truncate(user: string, keep: number, budget: Budget): Promise<number> {
    return this.#deadlines.within(budget, "write", async () => {
      const params = [this.#storeId, user, BigInt(keep)];
      const rows = await this.#database.query(this.#texts.boundary, params);
      if (rows[0] === undefined) return 0;
      return this.#database.execute(`${this.#texts.delete} and sort_id <= ?`, [
        this.#storeId,
        user,
        bigintOf(rows[0].sort_id),
      ]);
    });
  }

  summary(
    user: string,
    selection: Selection,
    budget: Budget,
  ): Promise<ReadonlyMap<string, ArchiveSummary>> {
    return this.#deadlines.within(budget, "read", async () => {
      const where = selectionText(this.#database.traits, selection);
      const text = `${this.#texts.summary}${where.text} group by peer order by peer`;
      const rows = await this.#database.query(text, [this.#storeId, user, ...where.params]);
      return new Map(rows.map((row) => [textOf(row.peer), summaryOf(row)]));
    });
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#deadlines.within(budget, "read", async () => {
      const found: string[] = [];
      let { after } = page;
      // The least of all names is the empty one, which "greater than" does not reach.
      if (after === undefined) {
        const first = await this.#database.query(`${this.#texts.select} limit 1`, [
          this.#storeId,
          "",
        ]);
        if (first.length > 0) found.push("");
        after = "";
      }
      while (found.length < page.limit) {
        const wanted = Math.min(USERS_MAX, page.limit - found.length);
        const params = [this.#storeId, after, this.#storeId, BigInt(wanted)];
        const rows = await this.#database.query(this.#texts.users, params);
        for (const row of rows) found.push(textOf(row.name));
        after = found.at(-1) ?? "";
        if (rows.length < wanted) break;
      }
      return found;
    });
  }

  #valuesOf(user: string, row: ArchiveRow): readonly SqlValue[] {
    return [this.#storeId, user, row.key, row.when, row.with, row.value];
  }

  async #insert(values: readonly (readonly SqlValue[])[], budget: Budget): Promise<void> {
    const [first] = values;
    if (first === undefined) return;
    if (values.length === 1) await this.#database.execute(this.#texts.insert, first);
    else await this.#database.transact((tx) => this.#texts.batch.run(tx, values), limitsOf(budget));
  }

  async #replace(
    user: string,
    keys: readonly string[],
    values: readonly (readonly SqlValue[])[],
    budget: Budget,
  ): Promise<void> {
    await this.#database.transact(async (tx: SqlSession) => {
      const some = inList(tx.traits, "item_key", "text", keys);
      const params = [this.#storeId, user, ...some.params];
      await tx.execute(`${this.#texts.delete} and ${some.text}`, params);
      try {
        await this.#texts.batch.run(tx, values);
      } catch (error) {
        if (!tx.traits.isDuplicate(error)) throw error;
        throw new LostRaceError("the key was added once more", { cause: error });
      }
    }, limitsOf(budget));
  }
}

function placed(row: SqlRow): PlacedRow {
  return {
    position: bigintOf(row.sort_id),
    key: textOf(row.item_key),
    when: bigintOf(row.at_us),
    with: textOf(row.peer),
    value: textOf(row.value),
  };
}

function summaryOf(row: SqlRow): ArchiveSummary {
  return {
    count: numberOf(row.number),
    earliest: bigintOf(row.earliest),
    latest: bigintOf(row.latest),
  };
}
