/**
 * A session of this node, as its owner holds it.
 *
 *   current --unregister--> closed
 *   current --another session of the address--> replaced (keep "newest") or refused ("oldest")
 *   current --somebody deleted the row--> removed
 *   current --the node goes on as a new incarnation--> fenced
 *   a session that was refused at once, or whose write was, starts as refused or failed
 */
import type { WriteOptions, WriteResult } from "../tables/write-calls.ts";
import type { FullAddress } from "./session-address.ts";

/** Where a session of this node stands. All but `current` are final. */
export type OwnSessionState =
  | "current"
  | "closed"
  | "replaced"
  | "refused"
  | "removed"
  | "fenced"
  | "failed";

/** What an own session asks of the table. */
export interface SessionWrites<S> {
  update(own: OwnSession<S>, session: S, options?: WriteOptions): Promise<WriteResult>;
  unregister(own: OwnSession<S>, options?: WriteOptions): Promise<WriteResult>;
}

/** Made by `sessions.register`. */
export class OwnSession<S> {
  readonly address: FullAddress;
  readonly id: string;
  readonly since: number;
  /** Settles as any write does, when the other nodes have the session. */
  readonly written: Promise<WriteResult>;
  readonly #writes: SessionWrites<S>;
  #state: OwnSessionState;

  /** Use `sessions.register`. */
  constructor(
    row: { readonly address: FullAddress; readonly id: string; readonly since: number },
    begun: { readonly state: OwnSessionState; readonly written: Promise<WriteResult> },
    writes: SessionWrites<S>,
  ) {
    this.address = row.address;
    this.id = row.id;
    this.since = row.since;
    this.written = begun.written;
    this.#state = begun.state;
    this.#writes = writes;
  }

  get state(): OwnSessionState {
    return this.#state;
  }

  /**
   * Writes another payload (a new presence, say). A session that is over stays so: then it
   * resolves `{ applied: false }`.
   */
  update(session: S, options?: WriteOptions): Promise<WriteResult> {
    return this.#writes.update(this, session, options);
  }

  /** Ends the session, if it is not over already; never one that has taken its place. */
  unregister(options?: WriteOptions): Promise<WriteResult> {
    return this.#writes.unregister(this, options);
  }

  /** For `Sessions`: it is over. */
  end(state: Exclude<OwnSessionState, "current">): void {
    if (this.#state === "current") this.#state = state;
  }
}
