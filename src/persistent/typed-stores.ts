/** Typed stores with tables of their own, on the SQL connection that the configuration chooses. */
import { UnsupportedError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import { SqlAdapter } from "./adapters/sql/sql-adapter.ts";
import {
  type MessageArchives,
  type MessageArchivesOptions,
  openMessageArchives,
} from "./mam/open-archives.ts";
import { RosterStore, type RosterStoreOptions } from "./roster/roster-store.ts";
import type { OpenConnection } from "./stores.ts";

type Lent = "database" | "clock" | "random" | "log" | "tablePrefix";

/** Options of `stores.messageArchives`. */
export interface OpenArchivesOptions extends Omit<MessageArchivesOptions, Lent> {
  /** Whose configuration chooses the connection. Default: that of all stores. */
  readonly host?: string;
}

/** Options of `stores.rosters`. */
export interface OpenRostersOptions extends Omit<RosterStoreOptions, Lent> {
  /** Whose configuration chooses the connection. Default: that of all stores. */
  readonly host?: string;
}

/** What typed stores are lent. */
export interface TypedSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** @throws UnsupportedError if the connection is not one to an SQL database */
export function archivesOn(
  connection: OpenConnection,
  { host: _, ...options }: OpenArchivesOptions,
  surroundings: TypedSurroundings,
): MessageArchives {
  return openMessageArchives({ ...options, ...tablesOf(connection, "archive"), ...surroundings });
}

/** @throws UnsupportedError if the connection is not one to an SQL database */
export function rostersOn(
  connection: OpenConnection,
  { host: _, ...options }: OpenRostersOptions,
  { clock }: TypedSurroundings,
): RosterStore {
  return new RosterStore({ ...options, ...tablesOf(connection, "roster"), clock });
}

function tablesOf({ name, adapter }: OpenConnection, store: string) {
  if (adapter instanceof SqlAdapter) {
    return { database: adapter.database, tablePrefix: adapter.tablePrefix };
  }
  throw new UnsupportedError(
    `the store "${store}" is on the connection "${name}", which is of the adapter ` +
      `"${adapter.name}"; it can be kept by the adapter "sql" only`,
  );
}
