/**
 * Who is connected where: one row for each session under its full address, on every node. Rows
 * live as long as the node that wrote them. Each node ends its own rows only; of two sessions of
 * one address that were made at once every node shows the same one, and the node of the other is
 * told and takes its row back.
 */
import type { ConflictEvent } from "../tables/change.ts";
import type { Table } from "../tables/table.ts";
import type { ScanOptions } from "../tables/table-reads.ts";
import type { WriteOptions, WriteResult } from "../tables/write-calls.ts";
import { OwnSession, type SessionWrites } from "./own-session.ts";
import {
  type BareAddress,
  checkBareAddress,
  checkFullAddress,
  type FullAddress,
} from "./session-address.ts";
import {
  checkSessionsOptions,
  type SessionEntry,
  type SessionLost,
  type SessionsOptions,
} from "./session-options.ts";
import { keptOf, type SessionRow } from "./session-row.ts";
import { addressOf, SessionWatcher } from "./session-watcher.ts";
import type { TransientNode } from "./transient-node.ts";

/**
 * Declares the table of sessions on this node. Once for each name, before the first session.
 * @throws InvalidOptionsError with all faults
 */
export function openSessions<S>(
  node: TransientNode,
  options: SessionsOptions<S> = {},
): Sessions<S> {
  checkSessionsOptions(options);
  return new Sessions(node, options);
}

/** The sessions of all nodes. Reads are local. Made by `openSessions`. */
export class Sessions<S> {
  readonly #node: TransientNode;
  readonly #options: SessionsOptions<S>;
  readonly #table: Table<SessionRow<S>, "node">;
  readonly #watcher: SessionWatcher<S>;
  readonly #now: () => number;
  /** Current sessions of this node, by address. */
  readonly #own = new Map<string, OwnSession<S>>();
  readonly #writes: SessionWrites<S> = {
    update: (own, session, options) => this.#update(own, session, options),
    unregister: (own, options) => this.#unregister(own, options),
  };
  #made = 0;

  /** Use `openSessions`. */
  constructor(node: TransientNode, options: SessionsOptions<S>) {
    this.#node = node;
    this.#options = options;
    this.#now = options.now ?? (() => Date.now());
    const keep = options.keep ?? "newest";
    this.#table = node.table<SessionRow<S>, "node">(options.name ?? "sessions", {
      ordered: true,
      indexes: { node: (row) => row.node },
      merge: (rows) => keptOf(keep, rows),
      onConflict: (event) => this.#conflict(event),
    });
    this.#watcher = new SessionWatcher(this.#table, {
      down: options.onNodeDown,
      missed: () => this.#lookAgain(),
    });
  }

  /** The table itself, for `watch`, `info` and `export`. What writes to it must keep its rules. */
  get table(): Table<SessionRow<S>, "node"> {
    return this.#table;
  }

  /** Sessions of all nodes. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Begins a session of this node, and ends the one of the same address, wherever it is. With
   * keep "oldest" an older one stays: then the state of what is returned is `refused`. If the
   * write was not made (`failed`), `written` rejects with the reason.
   * @throws InvalidArgumentError if the address is not one, TooLargeError, TableError
   */
  register(address: FullAddress, session: S, options?: WriteOptions): OwnSession<S> {
    checkFullAddress(address);
    const key: FullAddress = [...address];
    const before = this.#table.get(key);
    const id = `${this.#node.origin}.${++this.#made}`;
    // Whoever takes over is the newer one, whatever the clocks of the two nodes say.
    const since = Math.max(this.#now(), (before?.since ?? 0) + 1);
    const begin = (state: "current" | "refused" | "failed", written: Promise<WriteResult>) =>
      new OwnSession({ address: key, id, since }, { state, written }, this.#writes);
    if (before !== undefined && this.#options.keep === "oldest") {
      return begin("refused", this.#nothing());
    }
    const row = { id, node: this.#node.name, since, session };
    const written = this.#table.set(key, row, options);
    // A write that was made is seen at once: one that is not seen was refused.
    if (this.#table.get(key)?.id !== id) return begin("failed", written);
    const own = begin("current", written);
    const former = this.#own.get(nameOf(key));
    this.#own.set(nameOf(key), own);
    if (former !== undefined) {
      former.end("replaced");
      queueMicrotask(() => this.#tell(former, "replaced", this.#node.name));
    }
    return own;
  }

  /** The session of an address. */
  get(address: FullAddress): SessionEntry<S> | undefined {
    checkFullAddress(address);
    const row = this.#table.get(address);
    return row === undefined ? undefined : entryOf(address, row);
  }

  /** The sessions of one user, by resource. */
  of(address: BareAddress): IterableIterator<SessionEntry<S>> {
    checkBareAddress(address);
    return this.#scan({ prefix: address });
  }

  /** The sessions of one domain, or of all, by address. */
  all(domain?: string): IterableIterator<SessionEntry<S>> {
    return this.#scan(domain === undefined ? {} : { prefix: [domain] });
  }

  /** Users of a domain with at least one session. As of the end of the last turn. */
  onlineUsers(domain: string): IterableIterator<string> {
    return this.#watcher.users.users(domain);
  }

  /** How many users have a session, in one domain or in all. As of the end of the last turn. */
  userCount(domain?: string): number {
    return this.#watcher.users.count(domain);
  }

  /** Sessions of one node. */
  countOn(node: string): number {
    return this.#table.count("node", node);
  }

  /** Sessions of each node that has some. */
  countByNode(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const [node] of this.#table.countBy("node")) {
      const count = this.countOn(String(node));
      if (count > 0) counts.set(String(node), count);
    }
    return counts;
  }

  *#scan(range: ScanOptions): IterableIterator<SessionEntry<S>> {
    for (const [key, row] of this.#table.scan(range)) yield entryOf(addressOf(key), row);
  }

  #update(own: OwnSession<S>, session: S, options?: WriteOptions): Promise<WriteResult> {
    // Lost, but not told yet: an update must not take the address back.
    const stands = this.#table.get(own.address)?.id === own.id;
    if (own.state !== "current" || !stands) return this.#nothing(options);
    const { id, since } = own;
    // Not a patch: where there are siblings that would go on under the row of the other node.
    const row = { id, node: this.#node.name, since, session };
    return this.#table.set(own.address, row, options);
  }

  #unregister(own: OwnSession<S>, options?: WriteOptions): Promise<WriteResult> {
    if (own.state !== "current") return this.#nothing(options);
    own.end("closed");
    this.#own.delete(nameOf(own.address));
    return this.#table.withdraw(own.address, options);
  }

  /** What a call that has nothing to do resolves with. */
  #nothing(options?: WriteOptions): Promise<WriteResult> {
    return this.#table.sync({ ...options, ack: "none" });
  }

  #conflict({ key, value, kind, current }: ConflictEvent<SessionRow<S>>): void {
    const own = this.#own.get(nameOf(addressOf(key)));
    if (own?.id !== value.id) return;
    const isRefused = kind === "shadowed" && this.#options.keep === "oldest";
    const reason = current === undefined ? "removed" : isRefused ? "refused" : "replaced";
    // What is left in the shade would show again when the winner's node is down.
    if (kind === "shadowed") void this.#table.withdraw(key, { ack: "none" });
    this.#lose(own, reason, current?.node);
  }

  /** Changes were missed: also so when this node goes on as a new incarnation. */
  #lookAgain(): void {
    const mine = `${this.#node.origin}.`;
    for (const own of [...this.#own.values()]) {
      if (own.id.startsWith(mine)) continue;
      this.#lose(own, "fenced", this.#table.get(own.address)?.node);
    }
  }

  #lose(own: OwnSession<S>, reason: SessionLost<S>["reason"], by: string | undefined): void {
    own.end(reason);
    this.#own.delete(nameOf(own.address));
    this.#tell(own, reason, by);
  }

  #tell(own: OwnSession<S>, reason: SessionLost<S>["reason"], by: string | undefined): void {
    this.#options.onLost?.({ own, reason, by });
  }
}

function nameOf(address: FullAddress): string {
  return JSON.stringify(address);
}

function entryOf<S>(address: FullAddress, row: SessionRow<S>): SessionEntry<S> {
  const { node, since, session } = row;
  return { address: [...address], session, node, since };
}
