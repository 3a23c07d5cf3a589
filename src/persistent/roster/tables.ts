/** The tables of the rosters; migration 3 makes them. */
import { STORE_PREFIX } from "../migrations/store-migrations.ts";

/** The names of the tables. */
export interface RosterTables {
  readonly owner: string;
  readonly item: string;
}

/** The names under a prefix, by default that of all stores. */
export function rosterTables(prefix: string = STORE_PREFIX): RosterTables {
  return { owner: `${prefix}roster_owner`, item: `${prefix}roster_item` };
}
