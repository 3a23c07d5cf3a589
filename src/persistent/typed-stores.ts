/** Typed stores with tables of their own, on the SQL connection that the configuration chooses. */
import { UnsupportedError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import { SqlAdapter } from "./adapters/sql/sql-adapter.ts";
import {
  type MessageArchives,
  type MessageArchivesOptions,
  openMessageArchives,
} from "./mam/open-archives.ts";
import type { TypedHomes } from "./move/typed-homes.ts";
import { RosterStore, type RosterStoreOptions } from "./roster/roster-store.ts";
import type { OpenConnection } from "./stores.ts";

type Lent = "database" | "clock" | "random" | "log" | "tablePrefix" | "tenures" | "tenure";

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

/**
 * Message archives on a connection, once the rows that the configuration wants there are there.
 * @throws UnsupportedError if the connection is not one to an SQL database
 * @throws ConflictError if rows cannot be brought there: see `settleStore`
 */
export async function archivesOn(
  connection: OpenConnection,
  { host: _, ...options }: OpenArchivesOptions,
  { typed, ...surroundings }: TypedSurroundings & { readonly typed: TypedHomes },
): Promise<MessageArchives> {
  const tables = tablesOf(connection, "archive");
  const home = { connection: connection.name, adapter: connection.adapter };
  const tenures = { users: typed.of(home, "messages"), rooms: typed.of(home, "room messages") };
  // Before anything is moved: its options may be refused.
  const archives = openMessageArchives({ ...options, ...tables, ...surroundings, tenures });
  await typed.settleAll(home, "archive");
  return archives;
}

/** The same for rosters. */
export async function rostersOn(
  connection: OpenConnection,
  { host: _, ...options }: OpenRostersOptions,
  { typed, clock }: TypedSurroundings & { readonly typed: TypedHomes },
): Promise<RosterStore> {
  const tables = tablesOf(connection, "roster");
  const home = { connection: connection.name, adapter: connection.adapter };
  const rosters = new RosterStore({
    ...options,
    ...tables,
    clock,
    tenure: typed.of(home, "roster"),
  });
  await typed.settleAll(home, "roster");
  return rosters;
}

/** Removes a user's archive of messages, preferences and roster. Rooms are not a user's. */
export async function purgeTyped(
  { adapter }: OpenConnection,
  owner: { readonly server: string; readonly name: string },
  surroundings: TypedSurroundings,
): Promise<void> {
  if (!(adapter instanceof SqlAdapter)) return;
  const { database, tablePrefix } = adapter;
  const shared = { database, tablePrefix, ...surroundings };
  await new RosterStore(shared).removeUser(owner);
  // It gives no ids, so that the number of the node does not matter.
  const archives = openMessageArchives({ ...shared, node: 1 });
  try {
    await archives.users.remove(owner);
  } finally {
    await archives.stop();
  }
}

function tablesOf({ name, adapter }: OpenConnection, store: string) {
  if (adapter instanceof SqlAdapter) {
    return { database: adapter.database, tablePrefix: adapter.tablePrefix };
  }
  throw new UnsupportedError(
    `the store "${store}" is on the connection "${name}", which is of the adapter ` +
      `"${adapter.name}"; it can be kept by the adapter "sql" only: name a connection of that ` +
      `adapter for it, as in storage = { ${store} = "…" }`,
  );
}
