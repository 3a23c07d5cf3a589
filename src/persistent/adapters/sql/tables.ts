/**
 * The tables of the stores: which stores there are, their rows, their archives, and leases on
 * them. A user that is the host itself is the empty string. Text that is compared is compared
 * byte by byte.
 */
import type { SqlTraits } from "../../../sql/dialect.ts";
import { HOST_BYTES_MAX, KEY_BYTES_MAX } from "../../contract/inputs.ts";

/** What the names of the tables begin with unless told otherwise. */
export const TABLE_PREFIX = "skein_";

/** The names of the tables. */
export interface StoreTables {
  readonly store: string;
  readonly item: string;
  readonly archive: string;
  readonly lease: string;
}

/** The names under a prefix. */
export function storeTables(prefix: string): StoreTables {
  return {
    store: `${prefix}store`,
    item: `${prefix}item`,
    archive: `${prefix}archive`,
    lease: `${prefix}lease`,
  };
}

/** The statements that make the tables, in their order. */
export function storeTableStatements(traits: SqlTraits, prefix = TABLE_PREFIX): readonly string[] {
  const { store, item, archive, lease } = storeTables(prefix);
  const { identity, longText, createTableTail: tail } = traits;
  const key = `${traits.bytewiseText(KEY_BYTES_MAX)} not null`;
  // SQLite's counting column is its own primary key, and says so in its type.
  const primary = identity.includes("primary key") ? "" : ", primary key (id)";
  const primarySort = primary.replace("(id)", "(sort_id)");
  return [
    `create table ${store} (id ${identity}, host ${traits.bytewiseText(HOST_BYTES_MAX)} not null,
      store ${traits.bytewiseText(100)} not null, kind ${traits.bytewiseText(20)} not null${primary},
      constraint ${store}_place unique (host, store)) ${tail}`,
    `create table ${item} (store_id bigint not null, user_name ${key}, item_key ${key},
      value ${longText} not null, primary key (store_id, user_name, item_key)) ${tail}`,
    `create index ${item}_key on ${item} (store_id, item_key, user_name)`,
    `create table ${archive} (sort_id ${identity}, store_id bigint not null, user_name ${key},
      item_key ${key}, at_us bigint not null, peer ${key}, value ${longText} not null${primarySort},
      constraint ${archive}_item unique (store_id, user_name, item_key)) ${tail}`,
    `create index ${archive}_sort on ${archive} (store_id, user_name, sort_id)`,
    `create index ${archive}_time on ${archive} (store_id, user_name, at_us)`,
    `create index ${archive}_peer on ${archive} (store_id, user_name, peer, at_us)`,
    `create table ${lease} (name ${key}, holder ${key}, expires_us bigint not null,
      primary key (name)) ${tail}`,
  ];
}
