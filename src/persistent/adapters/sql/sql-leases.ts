/** Leases as rows of a table, by the database's clock. */
import type { SqlDatabase, SqlSession } from "../../../sql/database.ts";
import { bigintOf, textOf } from "../../../sql/row-values.ts";
import type { Budget } from "../../contract/driver.ts";
import type { Lease, Leases } from "../../contract/leases.ts";
import { type Deadlines, limitsOf } from "../../deadlines/deadlines.ts";

const LIST_MAX = 1_000;
/** Greater than any text that goes on behind a prefix. */
const LAST = "\u{10ffff}";

/** What all statements of one table are made of: built once. */
interface LeaseTexts {
  readonly renew: string;
  readonly find: string;
  readonly drop: string;
  readonly insert: string;
  readonly release: string;
  readonly list: string;
}

export class SqlLeases implements Leases {
  readonly #database: SqlDatabase;
  readonly #deadlines: Deadlines;
  readonly #texts: LeaseTexts;

  constructor(database: SqlDatabase, deadlines: Deadlines, table: string) {
    const { nowUs } = database.traits;
    this.#database = database;
    this.#deadlines = deadlines;
    this.#texts = {
      renew: `update ${table} set expires_us = ${nowUs} + ? where name = ? and holder = ?
        and expires_us > ${nowUs}`,
      find: `select name, holder, expires_us - ${nowUs} as left_us from ${table} where name = ?`,
      drop: `delete from ${table} where name = ? and expires_us <= ${nowUs}`,
      insert: `insert into ${table} (name, holder, expires_us) values (?, ?, ${nowUs} + ?)`,
      release: `delete from ${table} where name = ? and holder = ?`,
      list: `select name, holder, expires_us - ${nowUs} as left_us from ${table}
        where name >= ? and name < ? and expires_us > ${nowUs} order by name limit ${LIST_MAX}`,
    };
  }

  async take(name: string, holder: string, ttlMs: number, budget: Budget): Promise<Lease> {
    const { renew, drop, insert } = this.#texts;
    const ttlUs = BigInt(ttlMs) * 1_000n;
    return this.#deadlines.within(budget, "write", async () => {
      if ((await this.#database.execute(renew, [ttlUs, name, holder])) > 0) {
        return { name, holder, leftMs: ttlMs };
      }
      try {
        const found = await this.#database.transact(async (tx) => {
          await tx.execute(drop, [name]);
          const other = await this.#find(tx, name);
          if (other === undefined) await tx.execute(insert, [name, holder, ttlUs]);
          return other;
        }, limitsOf(budget));
        return found ?? { name, holder, leftMs: ttlMs };
      } catch (error) {
        if (!this.#database.traits.isDuplicate(error)) throw error;
        // Another was first; if that one is gone again already, the caller has to ask again.
        const other = await this.#find(this.#database, name);
        return other ?? { name, holder: "another process", leftMs: 0 };
      }
    });
  }

  async release(name: string, holder: string, budget: Budget): Promise<void> {
    await this.#deadlines.within(budget, "write", () =>
      this.#database.execute(this.#texts.release, [name, holder]),
    );
  }

  async list(prefix: string, budget: Budget): Promise<readonly Lease[]> {
    return this.#deadlines.within(budget, "read", async () => {
      const rows = await this.#database.query(this.#texts.list, [prefix, prefix + LAST]);
      return rows.map(leaseOf);
    });
  }

  async #find(session: SqlSession, name: string): Promise<Lease | undefined> {
    const [row] = await session.query(this.#texts.find, [name]);
    return row === undefined ? undefined : leaseOf(row);
  }
}

function leaseOf(row: Readonly<Record<string, unknown>>): Lease {
  const leftMs = Math.max(0, Math.ceil(Number(bigintOf(row.left_us)) / 1_000));
  return { name: textOf(row.name), holder: textOf(row.holder), leftMs };
}
