/**
 * Follows the changes of the table of sessions: counts users, and gathers the sessions of nodes
 * that are down, so that one call tells of many.
 */
import type { DeleteEvent, WatchEvent } from "../tables/change.ts";
import type { Table } from "../tables/table.ts";
import type { FullAddress } from "./session-address.ts";
import type { SessionEntry, SessionsDown } from "./session-options.ts";
import type { SessionRow } from "./session-row.ts";
import { UserCounts } from "./user-counts.ts";

/** What the watcher tells of. */
export interface SessionWatcherEvents<S> {
  /** Sessions of one node that is down. */
  readonly down?: ((down: SessionsDown<S>) => void) | undefined;
  /** Changes were missed: what is known of this node's own sessions must be looked at again. */
  missed(): void;
}

/** The watcher. Lives as long as the table. */
export class SessionWatcher<S> {
  readonly users = new UserCounts();
  readonly #table: Table<SessionRow<S>, "node">;
  readonly #events: SessionWatcherEvents<S>;
  /** Sessions of nodes that are down, not told yet: no more than one turn of the watch brings. */
  #gathered = new Map<string, SessionsDown<S> & { sessions: SessionEntry<S>[] }>();

  constructor(table: Table<SessionRow<S>, "node">, events: SessionWatcherEvents<S>) {
    this.#table = table;
    this.#events = events;
    table.watch({}, (event) => this.#changed(event));
    this.#recount();
  }

  #changed(event: WatchEvent<SessionRow<S>>): void {
    if (event.type === "missed") {
      this.#recount();
      this.#events.missed();
      return;
    }
    const address = addressOf(event.key);
    if (event.type === "set") {
      this.users.add(...address);
      return;
    }
    this.users.remove(...address);
    if (event.reason === "ownerSuspect" || event.reason === "ownerDown") {
      this.#gather(address, event, event.reason);
    }
  }

  #recount(): void {
    this.users.clear();
    for (const key of this.#table.keys()) this.users.add(...addressOf(key));
  }

  #gather(
    address: FullAddress,
    { previous: { node, since, session } }: DeleteEvent<SessionRow<S>>,
    reason: SessionsDown<S>["reason"],
  ): void {
    const { down } = this.#events;
    if (down === undefined) return;
    if (this.#gathered.size === 0) queueMicrotask(() => this.#tell(down));
    const name = `${reason} ${node}`;
    const gathered = this.#gathered.get(name) ?? { node, reason, sessions: [] };
    gathered.sessions.push({ address, session, node, since });
    this.#gathered.set(name, gathered);
  }

  #tell(down: (down: SessionsDown<S>) => void): void {
    const due = this.#gathered;
    this.#gathered = new Map();
    for (const one of due.values()) down(one);
  }
}

/** The table's keys are addresses: nothing else is written to it here. */
export function addressOf(key: unknown): FullAddress {
  return key as FullAddress;
}
