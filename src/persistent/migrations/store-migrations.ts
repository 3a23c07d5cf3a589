/**
 * The tables of the stores, as migrations. A released migration never changes, and a new one only
 * adds: programs of the version before must go on working while a cluster is upgraded.
 */
import type { Migration } from "../../sql/migrations/migration.ts";
import { storesTables } from "./0001-stores.ts";
import { messageTables } from "./0002-messages.ts";
import { rosterTables } from "./0003-rosters.ts";

/** All of them, in order. */
export const STORE_MIGRATIONS: readonly Migration[] = [storesTables, messageTables, rosterTables];

/** What goes before the names of all tables, unless another is chosen. */
export const STORE_PREFIX = "skein_";
/** What such a prefix may be. */
export const TABLE_PREFIX = /^[a-z_][a-z0-9_]{0,39}$/;

/** Names of the tables. */
export interface StoreTableNames {
  /** Which stores there are: id, host, name, kind. */
  readonly store: string;
  /** The rows of keyval, map and keyval+. */
  readonly item: string;
  /** The rows of archives. */
  readonly archive: string;
  /** Who holds what, until when. */
  readonly lease: string;
}

/** The names with a prefix. */
export function storeTableNames(prefix: string): StoreTableNames {
  return {
    store: `${prefix}store`,
    item: `${prefix}item`,
    archive: `${prefix}archive`,
    lease: `${prefix}lease`,
  };
}
