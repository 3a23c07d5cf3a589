/** The configuration of persistent stores, read and checked: which store is kept where. */
import type { ServerFacts } from "../../sql/connection.ts";
import type { PoolOptions } from "../../sql/pool-options.ts";
import type { DatabaseTarget } from "../../sql/target.ts";

/** An SQL database. It holds the password: do not print it. */
export interface SqlConnectionSettings {
  readonly adapter: "sql";
  readonly target: DatabaseTarget;
  readonly pool: PoolOptions;
  readonly applicationName: string;
  readonly tablePrefix: string;
  readonly pooler?: ServerFacts["pooler"];
  /** What is done about missing migrations at the start. */
  readonly migrate: "auto" | "refuse";
  /** Where migrations go, if not to `target`. */
  readonly migrationTarget?: DatabaseTarget;
}

/** A folder of files. */
export interface FileConnectionSettings {
  readonly adapter: "file";
  readonly folder: string;
}

/** A Redis. The URL may hold a password: do not print it. */
export interface RedisConnectionSettings {
  readonly adapter: "redis";
  readonly url: string;
  readonly prefix: string;
}

/** Without a connection. */
export interface PlainSettings {
  readonly adapter: "memory" | "none" | "null";
}

/** How a connection is made. */
export type ConnectionSettings =
  | SqlConnectionSettings
  | FileConnectionSettings
  | RedisConnectionSettings
  | PlainSettings;

/** Which connection is for which store. */
export interface StorageChoice {
  /** For stores that are not named. */
  readonly default: string | undefined;
  readonly stores: ReadonlyMap<string, string>;
}

/** See the head of this file. */
export interface StoresConfiguration {
  /** By name; `memory`, `none` and `null` are always there. */
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  readonly storage: StorageChoice;
  readonly hosts: ReadonlyMap<string, StorageChoice>;
}

/** Where stores are kept that nothing else is said of. */
export const STORAGE_DEFAULT = "memory";

/**
 * The name of the connection for a store of a host: the host's own word on the store, then its
 * default, then the word on the store for all hosts, then the default for all.
 */
export function connectionFor(
  configuration: StoresConfiguration,
  { host, store }: { readonly host: string; readonly store: string },
): string {
  const { storage, hosts } = configuration;
  const own = hosts.get(host);
  return (
    own?.stores.get(store) ??
    own?.default ??
    storage.stores.get(store) ??
    storage.default ??
    STORAGE_DEFAULT
  );
}
