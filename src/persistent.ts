/** Persistent stores: their kinds, and the contract that back ends implement. */
export type { AdapterEnvironment, AdapterFactory } from "./persistent/adapters/adapter-factory.ts";
export type { CacheCounts, CacheOptions } from "./persistent/cache/cached-rows.ts";
export type { CacheCoherence, Invalidation } from "./persistent/cache/coherence.ts";
export type { Collection, CollectionOptions, Peeked } from "./persistent/collections/collection.ts";
export type {
  ConnectionInput,
  StorageInput,
  StoresConfiguration,
} from "./persistent/config/configuration.ts";
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
export type {
  MessageArchive,
  MessageLookup,
  MessagePage,
} from "./persistent/mam/message-archive.ts";
export { formatMessageId, MESSAGE_ID_MAX, parseMessageId } from "./persistent/mam/message-ids.ts";
export type { SetAsideMessage } from "./persistent/mam/message-queue.ts";
export type { RetractionAuthor } from "./persistent/mam/message-shape.ts";
export type {
  AnyMessage,
  AnyMessageInput,
  ArchiveOwner,
  MessageFilter,
  RoomMessage,
  RoomMessageInput,
  UserMessage,
  UserMessageInput,
} from "./persistent/mam/messages.ts";
export type { MessageArchives } from "./persistent/mam/open-archives.ts";
export type { PageRequest } from "./persistent/mam/paging.ts";
export type { ArchivePreferences, Behaviour, Preferences } from "./persistent/mam/preferences.ts";
export type {
  Ask,
  RosterItem,
  RosterItemInput,
  RosterOwner,
  Subscription,
} from "./persistent/roster/roster-item.ts";
export type {
  Roster,
  RosterChange,
  RosterNews,
  RosterStore,
} from "./persistent/roster/roster-store.ts";
export type { RosterTransaction } from "./persistent/roster/roster-transaction.ts";
export {
  type ConnectionStatus,
  type OpenConnection,
  type OpenStoreOptions,
  openStores,
  type Stores,
  type StoresEnvironment,
} from "./persistent/stores.ts";
export type { OpenArchivesOptions, OpenRostersOptions } from "./persistent/typed-stores.ts";
