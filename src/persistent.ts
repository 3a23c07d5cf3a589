/** Persistent stores: their kinds, and the contract that back ends implement. */
export type { AdapterEnvironment, AdapterFactory } from "./persistent/adapters/adapter-factory.ts";
export type { CacheCounts, CacheOptions } from "./persistent/cache/cached-rows.ts";
export type { CacheCoherence, Invalidation } from "./persistent/cache/coherence.ts";
export type { Collection, CollectionOptions } from "./persistent/collections/collection.ts";
export type {
  ConnectionOptions,
  StoreChoice,
  StoresConfiguration,
} from "./persistent/configuration/stores-configuration.ts";
export {
  ARCHIVE_BATCH_MAX,
  ARCHIVE_LIMIT_MAX,
  type ArchiveFilter,
  type ArchiveFound,
  type ArchiveInput,
  type ArchiveItem,
  type ArchiveQuery,
  type ArchiveSummary,
  WHEN_MAX,
} from "./persistent/contract/archive-query.ts";
export type { Capabilities, StoreKind } from "./persistent/contract/capabilities.ts";
export type {
  ArchiveDriver,
  ArchiveRow,
  Budget,
  Place,
  PlacedRow,
  PlaceKind,
  RowsDriver,
  Selection,
  SelectionPage,
  StoreAdapter,
  UserPage,
} from "./persistent/contract/driver.ts";
export type {
  AnyStore,
  ArchiveStore,
  CallOptions,
  KeyvalPlusStore,
  KeyvalStore,
  MapStore,
  User,
} from "./persistent/contract/kinds.ts";
export { STORE_VALUE_BYTES_MAX, type StoreValue } from "./persistent/contract/store-value.ts";
export {
  type ConnectionStatus,
  type OpenConnection,
  type OpenStoreOptions,
  openStores,
  type Stores,
  type StoresEnvironment,
} from "./persistent/stores.ts";
