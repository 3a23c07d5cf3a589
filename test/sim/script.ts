/**
 * A run as plain data: how the cluster is made, and what happens to it when. Made from a seed by
 * scenario.ts, or command by command by the convergence property, which can shrink it.
 */
import type { ClusterTimings } from "../../src/cluster/cluster-options.ts";
import type { TablesLimits } from "../../src/tables/limits.ts";
import type { SplitPolicy } from "../../src/tables/split.ts";
import type { Merging } from "./merging.ts";
import type { NetworkOptions } from "./network.ts";
import type { Shape } from "./shapes.ts";

/** A table that every node may write to. */
export interface ScriptTable {
  readonly name: string;
  readonly type: "set" | "bag";
  readonly lifetime: "node" | "cluster";
  /** Declared ordered, with an index over the property `u`. */
  readonly indexed: boolean;
  /** Its rows end by themselves. */
  readonly ttlMs?: number;
  /** What it says of concurrent writes; nothing: the newest is shown. */
  readonly merging?: Merging;
  /** What its writes do in a split; `merge` if nothing is said. */
  readonly split?: SplitPolicy;
}

/** What is written. `many` forms take several keys in one batch. */
export type WriteVerb =
  | "set"
  | "patch"
  | "delete"
  | "withdraw"
  | "setMany"
  | "deleteMany"
  | "add"
  | "addMany"
  | "remove";

/** How far a write must get before it is reported; `none` asks for no report. */
export type WriteAck = "all" | "none" | number;

/** What can happen. `node` is an index, `atMs` counts from the start. */
export type ScriptAction =
  | {
      readonly kind: "write";
      readonly atMs: number;
      readonly node: number;
      readonly verb: WriteVerb;
      readonly table: number;
      readonly keys: readonly number[];
      readonly ack: WriteAck;
      readonly timeoutMs: number;
    }
  /** That node's code takes its declaration of a table back. */
  | {
      readonly kind: "remove table";
      readonly atMs: number;
      readonly node: number;
      readonly table: number;
    }
  /** The process ends at once; `silent`: its machine does, too. Null: it never comes back. */
  | {
      readonly kind: "crash";
      readonly atMs: number;
      readonly node: number;
      readonly silent: boolean;
      readonly backAfterMs: number | null;
    }
  | {
      readonly kind: "leave";
      readonly atMs: number;
      readonly node: number;
      readonly backAfterMs: number | null;
    }
  /** Cut off, its name is given to a new process on another machine; the old one runs on. */
  | {
      readonly kind: "replace";
      readonly atMs: number;
      readonly node: number;
      readonly toldShare: number;
      readonly forMs: number;
      /** A node that the old process is not cut off from. */
      readonly hearer?: number;
    }
  | {
      readonly kind: "cut";
      readonly atMs: number;
      readonly from: number;
      readonly to: number;
      readonly oneWay: boolean;
      readonly toldShare: number;
      readonly forMs: number;
    }
  /** Nodes whose bit is set in `side` on one side, the others on the other. */
  | {
      readonly kind: "split";
      readonly atMs: number;
      readonly side: number;
      readonly toldShare: number;
      readonly forMs: number;
    }
  | { readonly kind: "reset"; readonly atMs: number; readonly from: number; readonly to: number }
  /** Nobody is let in at its address, though it runs: what stands in front of it is away. */
  | {
      readonly kind: "refuse";
      readonly atMs: number;
      readonly node: number;
      /** Its links to those break at once. */
      readonly resets: readonly number[];
      readonly forMs: number;
    }
  | {
      readonly kind: "stall";
      readonly atMs: number;
      readonly node: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "slow";
      readonly atMs: number;
      readonly node: number;
      readonly readMs: number;
      readonly forMs: number;
    }
  /** The database of the lease: away, slow, or it does what is asked and the answer is lost. */
  | {
      readonly kind: "database";
      readonly atMs: number;
      readonly mode: "away" | "slow" | "lossy";
      readonly forMs: number;
    }
  | {
      readonly kind: "clock";
      readonly atMs: number;
      readonly node: number;
      readonly stepMs: number;
    };

/** One node of a run, over all its incarnations. */
export interface ScriptNode {
  readonly bootAtMs: number;
  readonly skewMs: number;
  readonly turnMs: number;
  /** It knows none of the features that came after protocol 1. */
  readonly isOld?: boolean;
  /** It answers pulls with keys, and never with lists of births. */
  readonly listsNoBirths?: boolean;
  /** Its lives that begin before that time are old. */
  readonly oldUntilMs?: number;
}

/** A whole run. */
export interface Script {
  /** Of the network's and the nodes' own randomness. */
  readonly seed: number;
  readonly nodes: readonly ScriptNode[];
  readonly tables: readonly ScriptTable[];
  readonly network: NetworkOptions;
  readonly timings: Partial<ClusterTimings>;
  readonly limits: Partial<TablesLimits>;
  /** For how long the lease is given, where tables ask for one. */
  readonly leaseMs?: number;
  /** Origins are dense, as from a database, or far apart. */
  readonly originGap: number;
  /** In order of time. */
  readonly actions: readonly ScriptAction[];
  /** What it was made of; nothing where it was not made from a seed alone. */
  readonly shape?: Shape;
  /** Faults end here, and the cluster has to come to rest. */
  readonly activeMs: number;
}
