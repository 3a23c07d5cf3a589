/**
 * Rows of one place in the table of items.
 *
 * A change of several keys, and one of all keys, first writes the row of the empty key, which no
 * `map` store has otherwise: so two such changes of one user wait for each other, and none is
 * seen in parts. A change of one key is one statement and needs no such thing.
 */
import { BATCH_ROWS_MAX, Batch, conflictTail } from "../../../sql/batch.ts";
import type { Question, Receiver, SqlDatabase, SqlSession } from "../../../sql/database.ts";
import type { SqlRow, SqlTraits } from "../../../sql/dialect.ts";
import { inList } from "../../../sql/in-list.ts";
import { textOf } from "../../../sql/row-values.ts";
import type { Budget, RowsDriver, UserPage } from "../../contract/driver.ts";
import { type Deadlines, limitsOf } from "../../deadlines/deadlines.ts";

/** Rows of one statement; a user who has more is read in one view, page by page. */
const PAGE = 1000;

/** The texts of all statements, made once for an adapter. */
export class RowStatements {
  readonly batch: Batch;
  readonly upsert: string;
  readonly set: Question<void>;
  readonly read: Question<string | undefined>;
  readonly readUser: string;
  readonly deleteOne: Question<void>;
  readonly deleteUser: string;
  readonly deleteKey: string;
  readonly users: string;
  readonly usersAfter: string;
  readonly readKey: string;
  readonly readKeyAfter: string;
  readonly deleteSome: string;

  /** `isMap`: rows have keys, and that of the empty key is the lock's, not a value. */
  constructor(traits: SqlTraits, table: string, isMap: boolean) {
    const plan = {
      table,
      columns: [
        { name: "store_id", type: "bigint" },
        { name: "user_name", type: "text" },
        { name: "item_key", type: "text" },
        { name: "value", type: "text" },
      ],
      onConflict: { key: ["store_id", "user_name", "item_key"], update: ["value"] },
    } as const;
    const ofUser = "store_id = ? and user_name = ?";
    this.batch = new Batch(traits, plan);
    this.upsert =
      `insert into ${table} (store_id, user_name, item_key, value) values (?, ?, ?, ?)` +
      conflictTail(traits, plan);
    this.set = { text: this.upsert, isFirst: false, pick: nothing };
    const ofKey = `${ofUser} and item_key = ?`;
    this.read = {
      text: `select value from ${table} where ${ofKey}`,
      isFirst: true,
      pick: valueOfFirst,
    };
    this.readUser =
      `select item_key, value from ${table} where ${ofUser} and item_key > ? ` +
      "order by item_key limit ?";
    const deleteOne = `delete from ${table} where ${ofKey}`;
    this.deleteOne = { text: deleteOne, isFirst: false, pick: nothing };
    this.deleteUser = `delete from ${table} where ${ofUser}`;
    this.deleteSome = `${this.deleteUser} and `;
    this.deleteKey = `delete from ${table} where store_id = ? and item_key = ?`;
    const users = (after: string) =>
      `select distinct user_name from ${table} where store_id = ? and item_key ` +
      `${isMap ? "<>" : "="} ''${after} order by user_name limit ?`;
    this.users = users("");
    this.usersAfter = users(" and user_name > ?");
    const readKey = (after: string) =>
      `select user_name, value from ${table} where store_id = ? and item_key = ?${after} ` +
      "order by user_name limit ?";
    this.readKey = readKey("");
    this.readKeyAfter = readKey(" and user_name > ?");
  }
}

export interface SqlRowsParts {
  readonly database: SqlDatabase;
  readonly statements: RowStatements;
  readonly deadlines: Deadlines;
  readonly storeId: bigint;
  /** Whether rows have keys; else the sole key is the empty one. */
  readonly isMap: boolean;
}

/** See the head of this file. */
export class SqlRows implements RowsDriver {
  readonly #database: SqlDatabase;
  readonly #texts: RowStatements;
  readonly #deadlines: Deadlines;
  readonly #storeId: bigint;
  readonly #isMap: boolean;
  /** Where one transaction writes at a time there is nothing to take turns for. */
  readonly #takesTurns: boolean;

  constructor(parts: SqlRowsParts) {
    this.#database = parts.database;
    this.#texts = parts.statements;
    this.#deadlines = parts.deadlines;
    this.#storeId = parts.storeId;
    this.#isMap = parts.isMap;
    this.#takesTurns = parts.isMap && !parts.database.traits.writesInTransactions;
  }

  read(user: string, key: string, budget: Budget): Promise<string | undefined> {
    return this.#deadlines.told(budget, "read", (receiver: Receiver<string | undefined>) =>
      this.#database.send(this.#texts.read, [this.#storeId, user, key], receiver),
    );
  }

  async readUser(user: string, budget: Budget): Promise<ReadonlyMap<string, string>> {
    if (!this.#isMap) {
      const value = await this.read(user, "", budget);
      return new Map(value === undefined ? [] : [["", value]]);
    }
    return this.#deadlines.within(budget, "read", async () => {
      const found = new Map<string, string>();
      if (await this.#readPage(this.#database, user, found)) return found;
      found.clear();
      const options = { isolation: "repeatable read", readOnly: true } as const;
      await this.#database.transact(async (tx) => {
        found.clear();
        while (!(await this.#readPage(tx, user, found)));
      }, options);
      return found;
    });
  }

  write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void> {
    const [first] = changes;
    if (first === undefined) return Promise.resolve();
    if (changes.size === 1) return this.#writeOne(user, first, budget);
    return this.#deadlines.within(budget, "write", async () => {
      const gone = [...changes].filter(([, value]) => value === undefined).map(([key]) => key);
      const rows = this.#rowsOf(user, changes);
      // One statement, whose first row is that of the turn.
      if (gone.length === 0 && rows.length <= BATCH_ROWS_MAX) {
        try {
          await this.#texts.batch.run(this.#database, rows);
          return;
        } catch (error) {
          if (!this.#database.traits.isTransient(error)) throw error;
        }
      }
      await this.#database.transact(async (tx) => {
        if (gone.length > 0) {
          await this.#lock(tx, user);
          await this.#delete(tx, user, gone);
        }
        if (gone.length < changes.size) await this.#texts.batch.run(tx, rows);
      }, limitsOf(budget));
    });
  }

  replaceUser(user: string, rows: ReadonlyMap<string, string>, budget: Budget): Promise<void> {
    if (!this.#isMap) return this.write(user, new Map([["", rows.get("")]]), budget);
    return this.#deadlines.within(budget, "write", async () => {
      await this.#database.transact(async (tx) => {
        await this.#lock(tx, user);
        await tx.execute(this.#texts.deleteUser, [this.#storeId, user]);
        // The deletion has taken the lock's row along, not the lock: that lasts to the end.
        if (rows.size > 0) await this.#texts.batch.run(tx, this.#rowsOf(user, rows));
      }, limitsOf(budget));
    });
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#deadlines.within(budget, "read", async () => {
      const { after, limit } = page;
      const text = after === undefined ? this.#texts.users : this.#texts.usersAfter;
      const from = after === undefined ? [] : [after];
      const rows = await this.#database.query(text, [this.#storeId, ...from, BigInt(limit)]);
      return rows.map((row) => textOf(row.user_name));
    });
  }

  readKey(
    key: string,
    page: UserPage,
    budget: Budget,
  ): Promise<readonly (readonly [user: string, value: string])[]> {
    return this.#deadlines.within(budget, "read", async () => {
      const { after, limit } = page;
      const text = after === undefined ? this.#texts.readKey : this.#texts.readKeyAfter;
      const from = after === undefined ? [] : [after];
      const params = [this.#storeId, key, ...from, BigInt(limit)];
      const rows = await this.#database.query(text, params);
      return rows.map((row) => [textOf(row.user_name), textOf(row.value)] as const);
    });
  }

  deleteKey(key: string, budget: Budget): Promise<number> {
    return this.#deadlines.within(budget, "write", () =>
      this.#database.execute(this.#texts.deleteKey, [this.#storeId, key]),
    );
  }

  /** Adds the page behind the last key that was found; true if it was the last page. */
  async #readPage(session: SqlSession, user: string, found: Map<string, string>): Promise<boolean> {
    const last = [...found.keys()].at(-1) ?? "";
    const params = [this.#storeId, user, last, BigInt(PAGE)];
    const rows = await session.query(this.#texts.readUser, params);
    for (const row of rows) found.set(textOf(row.item_key), textOf(row.value));
    return rows.length < PAGE;
  }

  #writeOne(
    user: string,
    [key, value]: readonly [string, string | undefined],
    budget: Budget,
  ): Promise<void> {
    return this.#deadlines.told(budget, "write", (receiver: Receiver<void>) => {
      if (value === undefined) {
        this.#database.send(this.#texts.deleteOne, [this.#storeId, user, key], receiver);
      } else this.#database.send(this.#texts.set, [this.#storeId, user, key, value], receiver);
    });
  }

  async #lock(tx: SqlSession, user: string): Promise<void> {
    if (this.#takesTurns) await tx.execute(this.#texts.upsert, [this.#storeId, user, "", ""]);
  }

  async #delete(tx: SqlSession, user: string, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += PAGE) {
      const some = inList(tx.traits, "item_key", "text", keys.slice(start, start + PAGE));
      const params = [this.#storeId, user, ...some.params];
      await tx.execute(this.#texts.deleteSome + some.text, params);
    }
  }

  /**
   * What is set, behind the row of the turn. In the order of the keys where several write at a
   * time: two who write the same ones wait for, and do not block each other.
   */
  #rowsOf(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
  ): readonly (readonly [bigint, string, string, string])[] {
    const rows: (readonly [bigint, string, string, string])[] = [];
    if (this.#takesTurns) rows.push([this.#storeId, user, "", ""]);
    const isAlone = this.#database.traits.writesInTransactions;
    let isSorted = true;
    for (const [key, value] of changes) {
      if (value === undefined) continue;
      isSorted &&= isAlone || (rows.at(-1)?.[2] ?? "") <= key;
      rows.push([this.#storeId, user, key, value]);
    }
    return isSorted ? rows : rows.sort((left, right) => (left[2] < right[2] ? -1 : 1));
  }
}

function valueOfFirst([row]: readonly SqlRow[]): string | undefined {
  return row === undefined ? undefined : textOf(row.value);
}

function nothing(): void {}
