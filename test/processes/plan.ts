/**
 * What the parent and its node processes agree on: the ten tables, what a node is told at its
 * start, and the questions it answers. Types and data only.
 */

/** One table that every node declares. */
export interface PlannedTable {
  readonly name: string;
  readonly type: "set" | "bag";
  readonly lifetime: "node" | "cluster";
  readonly ordered?: boolean;
  /** With an index "user" over the field of that name. */
  readonly indexed?: boolean;
}

export const TABLES: readonly PlannedTable[] = [
  { name: "sessions", type: "set", lifetime: "node", ordered: true, indexed: true },
  { name: "presence", type: "set", lifetime: "node" },
  { name: "routes", type: "set", lifetime: "node" },
  { name: "subscribers", type: "bag", lifetime: "node" },
  { name: "topics", type: "bag", lifetime: "node" },
  { name: "registry", type: "set", lifetime: "cluster" },
  { name: "rooms", type: "set", lifetime: "cluster" },
  { name: "settings", type: "set", lifetime: "cluster" },
  { name: "members", type: "bag", lifetime: "cluster" },
  { name: "invitations", type: "bag", lifetime: "cluster" },
];

/** What a node process is told. */
export interface NodePlan {
  readonly cluster: string;
  readonly name: string;
  readonly discovery: Readonly<Record<string, unknown>>;
  /** Those that differ from the defaults. */
  readonly timings?: Readonly<Record<string, number>>;
  readonly limits?: Readonly<Record<string, number>>;
  /** Where it listens and where others dial it, if not at a free port of its own. */
  readonly listenPort?: number;
  readonly advertise?: string;
  /** URL of the library's index.js, if it is to run on another version than today's. */
  readonly library?: string;
  /** Keeps a copy of each table by watching it. */
  readonly mirrors?: boolean;
  /** Makes serial calls, in a cluster of that size. */
  readonly clusterSize?: number;
  /** Tells its parent how its writes go each so many ms. */
  readonly pulseMs?: number;
  /** Where its logs and dumps go. */
  readonly folder: string;
  /** Each of its writers waits for so long between two writes, ms. */
  readonly pauseMs: number;
}

/** What a node process can be asked. */
export type Question =
  | { readonly kind: "facts" }
  /** Starts the writers. */
  | { readonly kind: "write" }
  /** Ends the writers, and answers when their last writes have settled. */
  | { readonly kind: "rest" }
  /** How many rows of that incarnation are held in tables of lifetime `node`. */
  | { readonly kind: "owned"; readonly origin: number }
  /** Writes all rows to a file. */
  | { readonly kind: "dump"; readonly path: string }
  /** One write to one table, and what came of it. */
  | { readonly kind: "set"; readonly table: string; readonly key: string; readonly value: unknown }
  | { readonly kind: "get"; readonly table: string; readonly key: string }
  | { readonly kind: "delete"; readonly table: string; readonly key: string }
  /** Sets the keys 0 to `keys` − 1 once each, in that order, from a moment on (ms since 1970). */
  | { readonly kind: "race"; readonly table: string; readonly keys: number; readonly at: number }
  /** Bytes that are in use after a collection of garbage. */
  | { readonly kind: "memory" }
  /** Rows of the table of serial calls. */
  | { readonly kind: "elections" }
  /** How the copies that its watchers keep compare with the tables. */
  | { readonly kind: "mirrors" }
  /** Says goodbye to the cluster and stops the node. */
  | { readonly kind: "leave" };

/** A copy kept from events, against what a reader sees. */
export interface MirrorReport {
  /** How many changes were told, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Changes that the watcher was told it had missed. */
  readonly missed: number;
  readonly faultCount: number;
  /** The first of them. */
  readonly faults: readonly string[];
}

/** How the writes of one process have gone so far. */
export interface Pulse {
  readonly acknowledged: number;
  /** By error code. */
  readonly rejected: Readonly<Record<string, number>>;
  /** The longest acknowledged write, ms. */
  readonly longestMs: number;
}

/** What a node says of itself. */
export interface Facts {
  readonly origin: number;
  readonly state: string;
  readonly joined: readonly string[];
  /** Linked nodes that have told of their tables and whose discovery works. */
  readonly available: readonly string[];
  /** No table is unknown, missing or in conflict anywhere, as far as this node sees. */
  readonly tablesAgree: boolean;
  readonly discoveryWorks: boolean;
  /** Equal on nodes that hold the same rows. */
  readonly digest: string;
  readonly rows: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  /** What the engine has counted, for the report of a run. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Told once by a node process, when `startNode` has resolved. All times: ms since the epoch. */
export interface Started {
  readonly origin: number;
  readonly address: string;
  /** When it called `startNode`. */
  readonly calledAt: number;
  /** When it listened and had its identity. */
  readonly listeningAt: number;
}

/** Messages of a node process. */
export type Message =
  | { readonly kind: "started"; readonly started: Started }
  | { readonly kind: "pulse"; readonly pulse: Pulse }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: string };
