/** The configuration of persistent stores, read and checked: which store is kept where. */
import type { ServerFacts } from "../../sql/connection.ts";
import type { PoolOptions } from "../../sql/pool-options.ts";
import type { DatabaseTarget } from "../../sql/target.ts";
import type { AdapterFactory } from "../adapters/adapter-factory.ts";

/**
 * What a program gives: the same keys as in TOML (doc/configuration.md), in camel case or with
 * "_" as there.
 */
export interface StoresConfiguration extends StorageInput {
  /** Goes before what is said for all hosts. */
  readonly hosts?: Readonly<Record<string, StorageInput>>;
  /** Back ends by name: the adapter (default: what the name says) and its options. */
  readonly connections?: Readonly<Record<string, ConnectionInput>>;
}

/** Where stores are kept, for all hosts or for one. */
export interface StorageInput {
  /** One connection for all stores, or one for each store by its name. */
  readonly storage?: string | Readonly<Record<string, string>>;
  /** For stores that `storage` does not name. */
  readonly defaultStorage?: string;
}

/** An adapter and its own options. */
export interface ConnectionInput {
  readonly adapter?: string;
  readonly [option: string]: unknown;
}

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
  /** Everything is kept under this prefix, which one process owns at a time. */
  readonly ephemeralPrefix?: string;
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
  /** Whether the URL is that of a node of a Redis Cluster. */
  readonly isCluster: boolean;
  readonly prefix: string;
  /** See above. */
  readonly ephemeralPrefix?: string;
}

/** Without a connection. */
export interface PlainSettings {
  readonly adapter: "memory" | "none" | "null";
}

/** By an adapter that a program brings along, which reads its options itself. */
export interface ForeignSettings {
  readonly adapter: "foreign";
  readonly factory: AdapterFactory;
  readonly options: Readonly<Record<string, unknown>>;
}

/** How a connection is made. */
export type ConnectionSettings =
  | ForeignSettings
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

/** The configuration, checked. */
export interface ReadConfiguration {
  /** By name; `memory`, `none` and `null` are there if a store is kept by them. */
  readonly connections: ReadonlyMap<string, ConnectionSettings>;
  readonly storage: StorageChoice;
  readonly hosts: ReadonlyMap<string, StorageChoice>;
}

/**
 * The name of the connection for a store of a host: the host's own word on the store, then its
 * default, then the word on the store for all hosts, then the default for all. Undefined if
 * nothing is said: there is no hidden choice.
 */
export function connectionFor(
  configuration: ReadConfiguration,
  { host, store }: { readonly host: string; readonly store: string },
): string | undefined {
  const { storage, hosts } = configuration;
  const own = hosts.get(host);
  return own?.stores.get(store) ?? own?.default ?? storage.stores.get(store) ?? storage.default;
}
