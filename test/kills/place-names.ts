/** What the programs of this folder agree on. */
import type { Place } from "../../src/persistent/contract/driver.ts";

/** What a process is to do, as its only argument. */
export interface Task {
  readonly work: "copy" | "move";
  /** One database, for both sides. */
  readonly url: string;
  /** The tables of either side begin with it. */
  readonly fromPrefix: string;
  readonly toPrefix: string;
  /** Names the process in leases. */
  readonly holder: string;
}

/** All that is copied and moved. */
export const PLACES: readonly Place[] = [
  { host: "example.com", store: "config", kind: "keyval" },
  { host: "example.com", store: "roster", kind: "map" },
  { host: "example.com", store: "archive", kind: "archive" },
];
/** Moved stores come free so soon after a kill, ms. */
export const LEASE_MS = 600;
