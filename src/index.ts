/** Skein: replicated in-memory tables, linked into each node of a cluster. */
export type { Member, MemberIdentity, Peer, Refusal } from "./cluster/cluster-events.ts";
export type { ClusterTimings } from "./cluster/cluster-options.ts";
export {
  AbortedError,
  AckTimeoutError,
  type AnySkeinError,
  CommitUnknownError,
  ConflictError,
  DisabledError,
  FencedError,
  InvalidArgumentError,
  InvalidKeyError,
  InvalidOptionsError,
  InvalidValueError,
  MissingDriverError,
  NotFoundError,
  NotRunningError,
  OverloadedError,
  ProtocolError,
  type RefusalReason,
  RetryableError,
  SerialUnknownError,
  SkeinError,
  SplitError,
  type SplitRefusal,
  TableError,
  TooLargeError,
  UnavailableError,
  UnsupportedError,
  type ValueIssue,
} from "./errors.ts";
export { type Node, startNode } from "./node/node.ts";
export type { NodeEvents } from "./node/node-events.ts";
export type { ListenOptions, NodeOptions, NodeTlsOptions } from "./node/options.ts";
export type {
  LeaseStatus,
  LinkStatus,
  NodeStatus,
  PausedTables,
  StatusLists,
} from "./node/status.ts";
export type { Log } from "./runtime.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type { BagTable } from "./tables/bag-table.ts";
export type {
  ChangeReason,
  ConflictEvent,
  DeleteEvent,
  MissedEvent,
  OwnerDownEvent,
  SetEvent,
  WatchEvent,
} from "./tables/change.ts";
export type { Key } from "./tables/key.ts";
export type { TablesLimits } from "./tables/limits.ts";
export type {
  HoldOptions,
  KeyHold,
  SerialMode,
  SerialOptions,
} from "./tables/serial-calls.ts";
export type { SplitPolicy } from "./tables/split.ts";
export type { Entry, Table } from "./tables/table.ts";
export type { IndexFunction, TableOptions } from "./tables/table-options.ts";
export type { DumpedRow, ScanOptions, TableInfo } from "./tables/table-reads.ts";
export type {
  PeerVerification,
  Verification,
  VerifyFault,
} from "./tables/table-verify.ts";
export type { Watch, WatchOptions } from "./tables/watch.ts";
export type { WriteOptions, WriteResult } from "./tables/write-calls.ts";
