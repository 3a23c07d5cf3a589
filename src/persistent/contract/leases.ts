/**
 * Leases that a shared back end keeps: who has what, until when. By the back end's own clock, so
 * that processes need not agree on the time.
 */
import type { Budget } from "./driver.ts";

/** A lease that has not run out. */
export interface Lease {
  readonly name: string;
  /** Who has it. */
  readonly holder: string;
  /** It runs out in so many ms unless it is renewed. */
  readonly leftMs: number;
}

export interface Leases {
  /**
   * Takes a lease that is free or has run out, or renews one's own. Resolves with the lease as it
   * is then: somebody else's, if they have it.
   */
  take(name: string, holder: string, ttlMs: number, budget: Budget): Promise<Lease>;
  /** Gives one's own lease back; one of somebody else's stays. */
  release(name: string, holder: string, budget: Budget): Promise<void>;
  /** Leases whose names begin so and that have not run out, by name; at most 1,000. */
  list(prefix: string, budget: Budget): Promise<readonly Lease[]>;
}
