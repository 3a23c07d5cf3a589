/** Options of `openSessions`, and what its listeners are told. */
import { A_FUNCTION, A_NAME, checkOptions, type OptionRule } from "./own-options.ts";
import type { OwnSession } from "./own-session.ts";
import type { FullAddress } from "./session-address.ts";
import type { SessionKeep } from "./session-row.ts";

/** One session of any node. */
export interface SessionEntry<S> {
  readonly address: FullAddress;
  readonly session: S;
  /** Name of the node that holds it. */
  readonly node: string;
  /** When it began, ms since the Unix epoch. */
  readonly since: number;
}

/** A session of this node is over, and not because it was unregistered. */
export interface SessionLost<S> {
  readonly own: OwnSession<S>;
  /**
   * `replaced`: another session of the address has taken over. `refused`: an older one stays
   * (keep "oldest"). `removed`: its row was deleted. `fenced`: this node goes on as a new
   * incarnation, and the old one's rows are gone.
   */
  readonly reason: "replaced" | "refused" | "removed" | "fenced";
  /** The node whose session stands there now, if there is one. */
  readonly by: string | undefined;
}

/** Sessions of a node that is down, or a portion of them if they are many. */
export interface SessionsDown<S> {
  readonly node: string;
  /** `ownerSuspect`: the node may come back, and its sessions with it. */
  readonly reason: "ownerSuspect" | "ownerDown";
  readonly sessions: readonly SessionEntry<S>[];
}

/** Options of `openSessions`. */
export interface SessionsOptions<S> {
  /** Name of the table. Default "sessions". The same on all nodes. */
  readonly name?: string;
  /** Which of two sessions of one address stays. Default "newest". The same on all nodes. */
  readonly keep?: SessionKeep;
  /** Called on the node of a session that is over though it was not unregistered, once for each. */
  readonly onLost?: (lost: SessionLost<S>) => void;
  /** Called on every other node when a node is down, with its sessions. */
  readonly onNodeDown?: (down: SessionsDown<S>) => void;
  /** The wall clock, ms since the Unix epoch. Default `Date.now`. */
  readonly now?: () => number;
}

const RULES: Readonly<Record<keyof SessionsOptions<never>, OptionRule>> = {
  name: A_NAME,
  keep: {
    allows: (value) => value === "newest" || value === "oldest",
    says: '"newest" or "oldest"',
  },
  onLost: A_FUNCTION,
  onNodeDown: A_FUNCTION,
  now: A_FUNCTION,
};

/** @throws InvalidOptionsError with all faults */
export function checkSessionsOptions(options: unknown): void {
  checkOptions("openSessions", options, RULES);
}
