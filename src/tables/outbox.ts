/** What the tables ask of the world: the only way out of the pure core. */

/** Made by src/node/engine.ts. `send` never calls back into its caller. */
export interface Outbox {
  /** Hands a frame to the link of that peer; nothing happens without one. */
  send(peerId: number, frame: Uint8Array): void;
  /** Closes the link of that peer. `linkDown` follows, later. */
  disconnect(peerId: number, reason: string): void;
  /** Asks for a call of `run` at the end of this turn. */
  wake(): void;
}

/** What the tables have to tell. Called synchronously; must not call back into the tables. */
export interface TablesEvents {
  /** The cluster has closed this node's own origin. Writes are refused from now on. */
  fenced?(reason: string): void;
  /** An origin was closed here, by whatever message. */
  originClosed?(originId: number): void;
  /** That peer's rows are here, and its log flows. */
  caughtUp?(peerId: number): void;
  /** A listener of the user's has thrown, or a filter of a watcher. */
  listenerFailed?(error: unknown): void;
  /** That peer holds other rows at the same view. It is repaired, without further calls. */
  diverged?(peerId: number): void;
  /** That member is too far behind and is no longer waited for. */
  lagging?(peerId: number): void;
}
