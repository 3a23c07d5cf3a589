/** Ready-made tables: sessions and stream management. */
export { OwnSession, type OwnSessionState } from "./transient/own-session.ts";
export { OwnStream, type OwnStreamState } from "./transient/own-stream.ts";
export type { BareAddress, FullAddress } from "./transient/session-address.ts";
export type {
  SessionEntry,
  SessionLost,
  SessionsDown,
  SessionsOptions,
} from "./transient/session-options.ts";
export type { SessionKeep, SessionRow } from "./transient/session-row.ts";
export { openSessions, Sessions } from "./transient/sessions.ts";
export type { Resumption, StreamPackage, StreamsOptions } from "./transient/stream-options.ts";
export { openStreams, Streams } from "./transient/streams.ts";
export type { TransientNode } from "./transient/transient-node.ts";
