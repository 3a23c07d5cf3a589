/** Fills the tables of one side and reads them, by plain SQL: it knows nothing of what it judges. */
import type { SqlDatabase, SqlSession } from "../../src/sql/database.ts";
import type { SqlRow, SqlValue } from "../../src/sql/dialect.ts";
import { bigintOf, textOf } from "../../src/sql/row-values.ts";

const USERS = 8;
const ROWS = 3;
const ITEMS = 12;

/** Makes three stores of 8 users. */
export async function fill(database: SqlDatabase, prefix: string): Promise<void> {
  const stores = ["config/keyval", "contacts/map", "log/archive"];
  const ids: bigint[] = [];
  for (const text of stores) {
    const [store = "", kind = ""] = text.split("/");
    const insert = `insert into ${prefix}store (host, store, kind) values ('example.com', ?, ?)`;
    await database.execute(insert, [store, kind]);
    const [row] = await database.query(`select id from ${prefix}store where store = ?`, [store]);
    ids.push(bigintOf(row?.id));
  }
  const [config = 0n, contacts = 0n, log = 0n] = ids;
  const rows: SqlValue[][] = [];
  const items: SqlValue[][] = [];
  for (let user = 0; user < USERS; user++) {
    const name = `user ${user}`;
    rows.push([config, name, "", `"config of ${user}"`]);
    for (let row = 0; row < ROWS; row++) {
      rows.push([contacts, name, `friend ${row}`, `${user * row}`]);
    }
    for (let at = 0; at < ITEMS; at++) {
      items.push([log, name, `id ${at}`, BigInt(at) * 1_000n, `peer ${at % 3}`, `"${at}"`]);
    }
  }
  await insertAll(database, `${prefix}item (store_id, user_name, item_key, value)`, rows);
  const into = `${prefix}archive (store_id, user_name, item_key, at_us, peer, value)`;
  await insertAll(database, into, items);
}

/** Rows by one statement. */
export async function insertAll(
  session: SqlSession,
  into: string,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const lists = rows.map((row) => `(${row.map(() => "?").join(", ")})`).join(", ");
  await session.execute(`insert into ${into} values ${lists}`, rows.flat());
}

/**
 * All that the three stores of a side hold, in their order, as lines. In maps the row under the
 * empty key is what writers of one user take turns by.
 */
export async function contents(database: SqlDatabase, prefix: string): Promise<string[]> {
  const ours = "s.host = 'example.com'";
  const items = await database.query(
    `select s.store, i.user_name, i.item_key, i.value from ${prefix}item i
      join ${prefix}store s on s.id = i.store_id where ${ours}
      and not (s.kind = 'map' and i.item_key = '') order by s.store, i.user_name, i.item_key`,
  );
  const messages = await database.query(
    `select a.user_name, a.item_key, a.at_us, a.peer, a.value from ${prefix}archive a
      join ${prefix}store s on s.id = a.store_id where ${ours}
      order by a.user_name, a.sort_id`,
  );
  return [...items, ...messages].map(lineOf);
}

/** What moving keeps for itself there: marks and notes. */
export async function traces(database: SqlDatabase, prefix: string): Promise<string[]> {
  const rows = await database.query(
    `select s.store, i.item_key, i.value from ${prefix}item i
      join ${prefix}store s on s.id = i.store_id where s.host <> 'example.com'
      order by s.store, i.user_name, i.item_key`,
  );
  return rows.map(lineOf);
}

/** Empties the tables of a side. */
export async function empty(database: SqlDatabase, prefix: string): Promise<void> {
  for (const table of ["item", "archive", "store", "lease"]) {
    await database.execute(`delete from ${prefix}${table}`);
  }
}

/** A row as text. */
export function lineOf(row: SqlRow): string {
  const texts = Object.values(row).map((value) => {
    if (value === null) return "-";
    return typeof value === "string" || value instanceof Uint8Array ? textOf(value) : `${value}`;
  });
  return texts.join("|");
}
