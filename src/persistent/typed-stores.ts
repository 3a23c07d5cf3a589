/** Typed stores with tables of their own, on the SQL connection that the configuration chooses. */
import { ConflictError, UnsupportedError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import { SqlAdapter } from "./adapters/sql/sql-adapter.ts";
import {
  type MessageArchives,
  type MessageArchivesOptions,
  openMessageArchives,
} from "./mam/open-archives.ts";
import { OwnedSide } from "./move/owned-rows.ts";
import { type TypedPlace, typedPlaces } from "./move/typed-places.ts";
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

/** Rows of a typed store that are on a connection. */
export interface TypedRows {
  readonly connection: string;
  readonly place: TypedPlace;
}

/** Where typed stores have rows. */
export async function surveyTyped(
  connections: readonly OpenConnection[],
): Promise<readonly TypedRows[]> {
  const found: TypedRows[] = [];
  for (const { name: connection, adapter } of connections) {
    for (const place of await typedPlaces(adapter, undefined)) {
      const side = OwnedSide.of(adapter, place);
      const [user] = await side.users({ after: undefined, limit: 1 });
      if (user !== undefined) found.push({ connection, place });
    }
  }
  return found;
}

/**
 * Typed stores do not move by themselves: nobody is to find them empty because the configuration
 * names another connection than before. `chosen`: those that it names for this store.
 * @throws ConflictError if rows were left behind on a connection that is not chosen
 */
export function refuseLeftBehind(
  rows: readonly TypedRows[],
  store: TypedPlace["store"],
  { target, chosen }: { readonly target: string; readonly chosen: ReadonlySet<string> },
): void {
  const own = rows.filter(({ connection }) => connection === target);
  const isThere = ({ host, kind }: TypedPlace) =>
    own.some(({ place }) => place.host === host && place.kind === kind);
  const left = rows.find(
    ({ connection, place }) => place.store === store && !chosen.has(connection) && !isThere(place),
  );
  if (left === undefined) return;
  const { host, kind } = left.place;
  throw new ConflictError(
    `the store "${store}" of ${host} has rows (${kind}) on the connection "${left.connection}", ` +
      `and the configuration wants it on "${target}", which has none; it does not move by itself: ` +
      `run skein store copy --config FILE ${left.connection} ${target} --store ${store}, or take ` +
      `the connection "${left.connection}" out of the configuration to begin anew`,
  );
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
