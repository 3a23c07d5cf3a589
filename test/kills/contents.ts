/** Fills the tables of one side and reads them, by plain SQL: it knows nothing of what it judges. */
import type { SqlDatabase, SqlSession } from "../../src/sql/database.ts";
import type { SqlRow, SqlValue } from "../../src/sql/dialect.ts";
import { bigintOf, textOf } from "../../src/sql/row-values.ts";

const USERS = 8;
const ROWS = 3;
const ITEMS = 12;
/** More than a page of messages. */
const MESSAGES = 400;
const CONTACTS = 20;
/** Messages of the room. */
const SAID = 60;

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

/** Makes archives of two users and a room, and rosters of two others. */
export async function fillTyped(database: SqlDatabase, prefix: string): Promise<void> {
  const names = async (table: string, name: string) => {
    const [row] = await database.query(`select id from ${prefix}${table} where name = ?`, [name]);
    return bigintOf(row?.id);
  };
  const archives = ["ann", "bob"].map((name) => ["u", "example.com", name]);
  archives.push(["r", "example.com", "hall"]);
  await insertAll(database, `${prefix}mam_archive (kind, server, name)`, archives);
  const hall = await names("mam_archive", "hall");
  const said = Array.from({ length: SAID }, (_, at): SqlValue[] => [
    ...[hall, BigInt(at + 1) << 40n, `nick ${at % 5}`, `peer ${at % 7}`],
    ...[`origin ${at}`, `<message ${at}/>`, null, at % 9 === 0 ? BigInt(at) : null],
  ]);
  const roomMessage = `${prefix}mam_muc_message (archive_id, id, nick, sender, origin_id, message,
    search_body, retracted_us)`;
  await insertAll(database, roomMessage, said);
  const owners = ["cat", "dan"].map((name) => ["example.com", name, 9n, 2n]);
  const owner = `${prefix}roster_owner (server, name, version, floor_version)`;
  await insertAll(database, owner, owners);
  const message = `${prefix}mam_message (archive_id, id, remote_bare, remote_res, from_jid,
    direction, is_groupchat, origin_id, message, search_body, retracted_us)`;
  const preference = `${prefix}mam_pref (archive_id, remote_jid, behaviour)`;
  for (const name of ["ann", "bob"]) {
    const id = await names("mam_archive", name);
    const rows = Array.from({ length: MESSAGES }, (_, at): SqlValue[] => [
      ...[id, BigInt(at + 1) << 40n, `peer ${at % 7}`, "", "peer", "I", 0n],
      ...[`origin ${at}`, `<message ${at}/>`, at % 2 === 0 ? `text ${at}` : null, null],
    ]);
    for (let at = 0; at < rows.length; at += 100) {
      await insertAll(database, message, rows.slice(at, at + 100));
    }
    await insertAll(database, preference, [[id, "peer", "A"]]);
  }
  const item = `${prefix}roster_item (roster_id, jid, nick, subscription, ask, ask_message,
    preapproved, group_list, version)`;
  for (const name of ["cat", "dan"]) {
    const id = await names("roster_owner", name);
    const rows = Array.from({ length: CONTACTS }, (_, at): SqlValue[] => [
      ...[id, `contact ${at}`, "nick", "B", "N", null, 0n, "[]", BigInt(at + 1)],
    ]);
    await insertAll(database, item, rows);
  }
}

/** All that archives and rosters of a side hold, in their order, as lines. */
export async function typedContents(database: SqlDatabase, prefix: string): Promise<string[]> {
  const texts = [
    `select a.name, m.id, m.remote_bare, m.origin_id, m.message, m.search_body
      from ${prefix}mam_message m join ${prefix}mam_archive a on a.id = m.archive_id
      order by a.name, m.id`,
    `select a.name, m.id, m.nick, m.sender, m.origin_id, m.message, m.retracted_us
      from ${prefix}mam_muc_message m join ${prefix}mam_archive a on a.id = m.archive_id
      order by a.name, m.id`,
    `select a.name, p.remote_jid, p.behaviour
      from ${prefix}mam_pref p join ${prefix}mam_archive a on a.id = p.archive_id
      order by a.name, p.remote_jid`,
    `select server, name, version, floor_version from ${prefix}roster_owner order by name`,
    `select o.name, i.jid, i.nick, i.subscription, i.version
      from ${prefix}roster_item i join ${prefix}roster_owner o on o.id = i.roster_id
      order by o.name, i.jid`,
  ];
  const lines: string[] = [];
  for (const text of texts) lines.push(...(await database.query(text)).map(lineOf));
  return lines;
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
  const own = ["item", "archive", "store", "lease"];
  const typed = [
    "mam_message",
    "mam_muc_message",
    "mam_pref",
    "mam_archive",
    "roster_item",
    "roster_owner",
  ];
  for (const table of [...own, ...typed]) {
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
