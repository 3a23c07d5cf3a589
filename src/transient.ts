/** Ready-made tables: sessions. */
export { OwnSession, type OwnSessionState } from "./transient/own-session.ts";
export type { BareAddress, FullAddress } from "./transient/session-address.ts";
export type {
  SessionEntry,
  SessionLost,
  SessionsDown,
  SessionsOptions,
} from "./transient/session-options.ts";
export type { SessionKeep, SessionRow } from "./transient/session-row.ts";
export { openSessions, Sessions } from "./transient/sessions.ts";
export type { TransientNode } from "./transient/transient-node.ts";
