/** Copying and moving stores from one set of tables to another. */
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { STORE_MIGRATIONS } from "../../src/persistent/migrations/store-migrations.ts";
import { silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { MIGRATION_POOL, migrate } from "../../src/sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { numberOf } from "../../src/sql/row-values.ts";
import { contents, empty, fill, fillTyped, traces, typedContents } from "./contents.ts";
import type { Task } from "./place-names.ts";
import { compare, type Work } from "./work.ts";

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
const SIDES = ["a_", "b_"] as const;
const END_LIMIT_MS = 10_000;
/** Connections to this database but for the one that asks. */
const OTHERS = {
  postgres: `select count(*) as n from pg_stat_activity where datname = current_database()
    and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  mysql: `select count(*) as n from information_schema.processlist where db = database()
    and id <> connection_id()`,
};

/** See the head of this file. `database` has one connection. */
export class StoresWork implements Work {
  readonly #database: SqlDatabase;
  readonly #url: string;
  readonly #work: "copy" | "move";
  #wanted: readonly string[] = [];
  #trial = 0;

  constructor(database: SqlDatabase, url: string, work: "copy" | "move") {
    this.#database = database;
    this.#url = url;
    this.#work = work;
  }

  async open(): Promise<void> {
    const options = { database: this.#url, pool: MIGRATION_POOL };
    const database = await openSqlDatabase(options, SURROUNDINGS);
    for (const prefix of SIDES) {
      await migrate({ database, migrations: STORE_MIGRATIONS, prefix, ...SURROUNDINGS });
    }
    await database.close();
    await this.reset();
  }

  async begin(holder: string): Promise<Task> {
    this.#trial++;
    const { from, to } = this.#sides();
    if (this.#work === "copy") await empty(this.#database, to);
    return { work: this.#work, url: this.#url, fromPrefix: from, toPrefix: to, holder };
  }

  async look(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const prefix of SIDES) {
      lines.push(prefix, ...(await this.#contents(prefix)));
      if (this.#work === "move") lines.push(...(await traces(this.#database, prefix)));
    }
    return lines;
  }

  /** A lease runs out by itself; its time is not waited for, but all that was sent is done then. */
  async bury(holder: string): Promise<void> {
    if (this.#work === "copy") return;
    const { dialect } = this.#database;
    if (dialect === "postgres" || dialect === "mysql") {
      const until = performance.now() + END_LIMIT_MS;
      while (numberOf((await this.#database.query(OTHERS[dialect]))[0]?.n) > 0) {
        if (performance.now() > until) throw new Error("a dead process is still connected");
      }
    }
    for (const prefix of SIDES) {
      await this.#database.execute(`delete from ${prefix}lease where holder = ?`, [holder]);
    }
  }

  async judge(): Promise<string | undefined> {
    const { from, to } = this.#sides();
    const source = await this.#contents(from);
    const left = this.#work === "copy" ? this.#wanted : [];
    if (source.length !== left.length) {
      return `the source has ${source.length} rows instead of ${left.length}`;
    }
    return compare(this.#wanted, await this.#contents(to), "rows");
  }

  async reset(): Promise<void> {
    for (const prefix of SIDES) await empty(this.#database, prefix);
    this.#trial = 0;
    await fill(this.#database, SIDES[0]);
    await fillTyped(this.#database, SIDES[0]);
    this.#wanted = await this.#contents(SIDES[0]);
  }

  async #contents(prefix: string): Promise<readonly string[]> {
    const lines = await contents(this.#database, prefix);
    return [...lines, ...(await typedContents(this.#database, prefix))];
  }

  /** What was moved is moved back by the next trial. */
  #sides(): { readonly from: string; readonly to: string } {
    const isBack = this.#work === "move" && this.#trial % 2 === 0;
    return isBack ? { from: SIDES[1], to: SIDES[0] } : { from: SIDES[0], to: SIDES[1] };
  }
}
