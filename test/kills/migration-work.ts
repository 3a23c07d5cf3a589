/** Migrating: all that a new database gets, beside a table with rows that is changed on the way. */

import { mamTables } from "../../src/persistent/mam/tables.ts";
import { storeTableNames } from "../../src/persistent/migrations/store-migrations.ts";
import { rosterTables } from "../../src/persistent/roster/tables.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { stateTable } from "../../src/sql/migrations/state.ts";
import { insertAll, lineOf } from "./contents.ts";
import { keptTable, madeTable, migrationsOf } from "./made-migrations.ts";
import type { Task } from "./place-names.ts";
import { compare, type Work } from "./work.ts";

const PREFIX = "m_";
const KEPT = 40;
const PARTS = 3;

/** Columns and indexes of our tables, as the database itself has them. */
const SCHEMA = {
  sqlite: [
    `select tbl_name, type, name, sql from sqlite_master where tbl_name like 'm\\_%' escape '\\'
      order by tbl_name, type, name`,
  ],
  postgres: [
    `select table_name, column_name, ordinal_position, data_type, is_nullable
      from information_schema.columns
      where table_schema = current_schema() and table_name like 'm\\_%' order by 1, 3`,
    `select c.relname, i.indisvalid, pg_get_indexdef(i.indexrelid) from pg_index i
      join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
      where t.relname like 'm\\_%' order by 1`,
  ],
  mysql: [
    `select table_name, column_name, ordinal_position, column_type, is_nullable, collation_name
      from information_schema.columns
      where table_schema = database() and table_name like 'm\\_%' order by 1, 3`,
    `select table_name, index_name, seq_in_index, column_name, non_unique
      from information_schema.statistics
      where table_schema = database() and table_name like 'm\\_%' order by 1, 2, 3`,
  ],
};

/** See the head of this file. */
export class MigrationWork implements Work {
  readonly #database: SqlDatabase;
  readonly #url: string;
  /** Of the first run, which nobody disturbs. */
  #schema: readonly string[] | undefined;

  constructor(database: SqlDatabase, url: string) {
    this.#database = database;
    this.#url = url;
  }

  async open(): Promise<void> {
    await this.reset();
  }

  async begin(holder: string): Promise<Task> {
    await this.reset();
    const table = keptTable(PREFIX);
    await this.#database.execute(`create table ${table} (id bigint not null primary key)`);
    const ids = Array.from({ length: KEPT }, (_, at) => [BigInt(at + 1)]);
    await insertAll(this.#database, `${table} (id)`, ids);
    return { work: "migration", url: this.#url, fromPrefix: "", toPrefix: PREFIX, holder };
  }

  async look(): Promise<readonly string[]> {
    return [...(await this.#readSchema()), ...(await this.#applied())];
  }

  async bury(): Promise<void> {
    // Whoever is killed takes the lock along; what it has sent keeps it for as long as it runs.
  }

  async judge(): Promise<string | undefined> {
    const schema = await this.#readSchema();
    this.#schema ??= schema;
    const versions = migrationsOf().map(({ version, name }) => `${version}|${name}|0`);
    const kept = Array.from({ length: KEPT }, (_, at) => `${at + 1}|${2 * (at + 1) + 1}|-`);
    const made = kept.flatMap((_, at) =>
      Array.from({ length: PARTS }, (__, part) => `${at + 1}|${part + 1}|-`),
    );
    const rows = async (text: string) => (await this.#database.query(text)).map(lineOf);
    return (
      compare(this.#schema, schema, "columns and indexes") ??
      compare(versions, await this.#applied(), "migrations") ??
      compare(
        kept,
        await rows(`select id, twice, body from ${keptTable(PREFIX)} order by id`),
        "rows that were there",
      ) ??
      compare(
        made,
        await rows(`select kept_id, part, note from ${madeTable(PREFIX)} order by kept_id, part`),
        "rows that were made",
      )
    );
  }

  async reset(): Promise<void> {
    const tables = [
      ...Object.values(storeTableNames(PREFIX)),
      ...Object.values(mamTables(PREFIX)),
      ...Object.values(rosterTables(PREFIX)),
      ...[keptTable(PREFIX), madeTable(PREFIX), stateTable(PREFIX)],
    ];
    if (this.#database.dialect !== "sqlite") {
      await this.#database.execute(`drop table if exists ${tables.join(", ")}`);
    } else {
      await this.#database.transact(async (tx) => {
        for (const table of tables) await tx.execute(`drop table if exists ${table}`);
      });
    }
    const left = await this.#readSchema();
    if (left.length > 0) throw new Error(`tables are left: ${left.join("; ")}`);
  }

  async #readSchema(): Promise<readonly string[]> {
    const { dialect } = this.#database;
    if (dialect === "cockroach") throw new Error("CockroachDB is not tried");
    const lines: string[] = [];
    for (const text of SCHEMA[dialect]) {
      lines.push(...(await this.#database.query(text)).map(lineOf));
    }
    return lines.filter((line) => !line.startsWith(`${stateTable(PREFIX)}|`));
  }

  async #applied(): Promise<readonly string[]> {
    const text = `select version, name, dirty from ${stateTable(PREFIX)} order by version`;
    try {
      return (await this.#database.query(text)).map(lineOf);
    } catch (error) {
      if (this.#database.traits.isMissingTable(error)) return [];
      throw error;
    }
  }
}
