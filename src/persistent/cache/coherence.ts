/**
 * How the read caches of several processes are kept in step. Who has written tells the others to
 * forget, and its write is done when they have, or when they cannot be reached: then what they
 * have is at most as old as their caches' `ttlMs`.
 */

/** What has changed: of one user, or (undefined) of any of them. */
export interface Invalidation {
  readonly host: string;
  readonly store: string;
  /** "" for the host's own data. */
  readonly user: string | undefined;
}

/** A way to the caches of this process and of others. */
export interface CacheCoherence {
  /** Tells all to forget; resolves when those who can be reached have. Never rejects. */
  invalidate(change: Invalidation): Promise<void>;
  /**
   * Calls `forget` for what was changed; with undefined when something may have been
   * missed, and everything is to be forgotten. Gives a function that ends it.
   */
  listen(forget: (change: Invalidation | undefined) => void): () => void;
}

/** One process by itself. */
export class LocalCoherence implements CacheCoherence {
  readonly #listeners = new Set<(change: Invalidation | undefined) => void>();

  async invalidate(change: Invalidation): Promise<void> {
    for (const forget of this.#listeners) forget(change);
  }

  listen(forget: (change: Invalidation | undefined) => void): () => void {
    this.#listeners.add(forget);
    return () => this.#listeners.delete(forget);
  }
}
