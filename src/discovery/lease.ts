/**
 * A lease in the database that the nodes share: of all nodes at most one holds it, by the
 * database's time. Types only. Makers: rdbms/backend.ts and the simulator.
 *
 * No two clocks are compared. The database ends a lease by its own time, and only then another
 * node takes it, with the next term. The holder counts from before it asked, by its own clock.
 */
import type { SkeinError } from "../errors.ts";

/** What the database says of the lease. */
export interface LeaseAnswer {
  /** Raised whenever another incarnation takes the lease: orders what was done under it. */
  readonly term: number;
  readonly holder: { readonly name: string; readonly origin: number };
  /** The asker holds it, from now on for the whole time. */
  readonly isOwn: boolean;
  /** Until it lapses, by the database's time, ms; 0 if it has. */
  readonly leftMs: number;
}

/** Where the lease is kept. */
export interface LeaseStore {
  /** For how long a lease is given, ms. The same on all nodes, or nearly. */
  readonly leaseMs: number;
  /**
   * Renews the asker's lease, or takes one that has lapsed; else says whose it is. Calls `done`
   * once, later and within seconds. After an error it may have been renewed or taken all the same.
   */
  hold(done: (answer: LeaseAnswer | SkeinError) => void): void;
}
