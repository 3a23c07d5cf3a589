/** Removes messages, in batches of a limited size: no statement holds many rows for long. */
import type { SqlDatabase } from "../../sql/database.ts";
import type { SqlValue } from "../../sql/dialect.ts";
import { bigintOf } from "../../sql/row-values.ts";

/** Rows of one batch, unless told otherwise. */
export const REMOVAL_BATCH = 1000;
/** Archives of which the oldest message is asked in one statement. */
const ARCHIVES_PAGE = 500;

/** See the head of this file. */
export class MessageRemoval {
  readonly #database: SqlDatabase;
  readonly #table: string;

  constructor(database: SqlDatabase, table: string) {
    this.#database = database;
    this.#table = table;
  }

  /** Removes what an archive has below an id, or all of it. Gives the number. */
  async below(archive: bigint, id: bigint | undefined, batch: number): Promise<number> {
    const before = id === undefined ? "" : " and id < ?";
    const params: SqlValue[] = id === undefined ? [archive] : [archive, id];
    let removed = 0;
    for (;;) {
      const [last] = await this.#database.query(
        `select id from ${this.#table} where archive_id = ?${before} order by id limit 1 offset ?`,
        [...params, BigInt(batch - 1)],
      );
      if (last === undefined) {
        const text = `delete from ${this.#table} where archive_id = ?${before}`;
        return removed + (await this.#database.execute(text, params));
      }
      removed += await this.#database.execute(
        `delete from ${this.#table} where archive_id = ? and id <= ?`,
        [archive, bigintOf(last.id)],
      );
    }
  }

  /** Removes what is below an id of all archives. Gives the number. */
  async belowEverywhere(id: bigint, batch: number): Promise<number> {
    let removed = 0;
    for (let after = 0n; ; ) {
      const rows = await this.#database.query(
        `select archive_id, min(id) as oldest from ${this.#table} where archive_id > ? ` +
          "group by archive_id order by archive_id limit ?",
        [after, BigInt(ARCHIVES_PAGE)],
      );
      for (const row of rows) {
        after = bigintOf(row.archive_id);
        if (bigintOf(row.oldest) < id) removed += await this.below(after, id, batch);
      }
      if (rows.length < ARCHIVES_PAGE) return removed;
    }
  }

  /** Whether an archive has messages. */
  async has(archive: bigint): Promise<boolean> {
    const text = `select id from ${this.#table} where archive_id = ? limit 1`;
    return (await this.#database.query(text, [archive])).length > 0;
  }
}
