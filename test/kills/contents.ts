/** Fills the tables of one side and reads them, by plain SQL: it knows nothing of what it judges. */
import type { SqlDatabase } from "../../src/sql/database.ts";
import { textOf } from "../../src/sql/row-values.ts";

const USERS = 60;
const ROWS = 4;
const MESSAGES = 30;

/** Makes the source: three stores of 60 users. */
export async function fill(database: SqlDatabase, prefix: string): Promise<void> {
  const stores = ["config/keyval", "roster/map", "archive/archive"];
  const ids: bigint[] = [];
  for (const text of stores) {
    const [store = "", kind = ""] = text.split("/");
    const insert = `insert into ${prefix}store (host, store, kind) values ('example.com', ?, ?)`;
    await database.execute(insert, [store, kind]);
    const [row] = await database.query(`select id from ${prefix}store where store = ?`, [store]);
    if (typeof row?.id !== "bigint") throw new Error("a store without a number");
    ids.push(row.id);
  }
  const [config = 0n, roster = 0n, archive = 0n] = ids;
  const item = `insert into ${prefix}item (store_id, user_name, item_key, value) values (?, ?, ?, ?)`;
  const message = `insert into ${prefix}archive
    (store_id, user_name, item_key, at_us, peer, value) values (?, ?, ?, ?, ?, ?)`;
  await database.transact(async (tx) => {
    for (let user = 0; user < USERS; user++) {
      const name = `user ${user}`;
      await tx.execute(item, [config, name, "", `"config of ${user}"`]);
      for (let row = 0; row < ROWS; row++) {
        await tx.execute(item, [roster, name, `friend ${row}`, `${user * row}`]);
      }
      for (let at = 0; at < MESSAGES; at++) {
        const when = BigInt(at) * 1_000n;
        await tx.execute(message, [archive, name, `id ${at}`, when, `peer ${at % 3}`, `"${at}"`]);
      }
    }
  });
}

/**
 * All that the three stores of a side hold, in their order, as lines. In maps the row under the
 * empty key is what writers of one user take turns by.
 */
export async function contents(database: SqlDatabase, prefix: string): Promise<string[]> {
  const ours = "s.host = 'example.com' and s.store in ('config', 'roster', 'archive')";
  const items = await database.query(
    `select s.store, i.user_name, i.item_key, i.value from ${prefix}item i
      join ${prefix}store s on s.id = i.store_id where ${ours}
      and not (s.kind = 'map' and i.item_key = '') order by s.store, i.user_name, i.item_key`,
    [],
  );
  const messages = await database.query(
    `select a.user_name, a.item_key, a.at_us, a.peer, a.value from ${prefix}archive a
      join ${prefix}store s on s.id = a.store_id where ${ours}
      order by a.user_name, a.sort_id`,
    [],
  );
  return [...items, ...messages].map((row) =>
    Object.values(row)
      .map((value) => (typeof value === "bigint" ? String(value) : textOf(value)))
      .join("|"),
  );
}
