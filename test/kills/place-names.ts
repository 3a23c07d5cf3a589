/** What the programs of this folder agree on. */
import type { AnyPlace } from "../../src/persistent/move/place-kinds.ts";

/** What is killed. */
export const WORKS = ["copy", "move", "migration"] as const;
export type WorkName = (typeof WORKS)[number];

/** What a process is to do. */
export interface Task {
  readonly work: WorkName;
  /** One database, for both sides. */
  readonly url: string;
  /** The tables of either side begin with it; what is migrated is `toPrefix`. */
  readonly fromPrefix: string;
  readonly toPrefix: string;
  /** Names the process in leases. */
  readonly holder: string;
}

/** What a process says: it has loaded its code; it begins; it has done it, or why not. */
export type Answer = "ready" | "begun" | { readonly done: true; readonly error?: string };

/** All that is copied and moved. */
export const PLACES: readonly AnyPlace[] = [
  { host: "example.com", store: "config", kind: "keyval" },
  { host: "example.com", store: "contacts", kind: "map" },
  { host: "example.com", store: "log", kind: "archive" },
  { host: "example.com", store: "archive", kind: "messages" },
  { host: "example.com", store: "archive", kind: "room messages" },
  { host: "example.com", store: "roster", kind: "roster" },
];
