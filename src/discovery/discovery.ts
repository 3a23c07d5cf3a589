/**
 * How nodes find one another's addresses, and where a node gets its identity from. Types only.
 * Makers: static, file, dns and function (addresses alone), and rdbms (identity too).
 */
import type { LeaseAnswer } from "./lease.ts";

/** What a node tells the others about itself. */
export interface Registration {
  /** Nodes of other clusters are never returned, though they may share the table. */
  readonly cluster: string;
  /** Unique in the cluster. A second node of the same name takes the first one's place. */
  readonly name: string;
  /** Where others can dial this node. */
  readonly address: string;
  /** The oldest protocol version that this node speaks. */
  readonly protocolMin: number;
  /** The newest protocol version that this node speaks. */
  readonly protocolMax: number;
}

/** Who a node is, from its start to its end. */
export interface Identity {
  /** The incarnation: unique in the cluster, never used again. */
  readonly origin: number;
  /** From 1 to 255 and unique among the nodes registered; 0 means that it has none. */
  readonly nodeNumber: number;
}

/** One node, as far as the backend knows it. */
export interface DiscoveredNode {
  readonly address: string;
  readonly name?: string;
  readonly origin?: number;
  readonly nodeNumber?: number;
  /** True if the node has not been heard of for so long that dialling it is no use. */
  readonly stale?: boolean;
}

/** One way of finding the others. Every promise settles by itself within seconds. */
export interface DiscoveryBackend {
  /** Names the way in logs and in the status, for example "static" or "postgres". */
  readonly kind: string;
  /**
   * What `register` claimed. The number changes if the row had expired meanwhile and its number
   * has gone to another node.
   */
  readonly identity?: Identity | undefined;
  /** Claims name, number and incarnation before the first link. Only databases have it. */
  register?(registration: Registration): Promise<Identity>;
  /**
   * Addresses of the others; the own one may be among them. Refreshes the own row where there is
   * one. Rejects with FencedError if a newer incarnation has the name, or the row is fenced.
   */
  getNodes(): Promise<readonly DiscoveredNode[]>;
  /** Calls `hint` when the answer may have changed, until `close`. Hints may be lost. */
  watch?(hint: () => void): void;
  /**
   * Marks another node's incarnation as closed: it can neither refresh its row nor come back
   * without a new one. False if that incarnation has no row any more. The caller decides who.
   */
  fence?(origin: number): Promise<boolean>;
  /** For how long `holdLease` gives a lease, ms. Only where there is one. */
  readonly leaseMs?: number;
  /**
   * Renews this node's lease, or takes one that has lapsed by the database's time; else says whose
   * it is. Only databases have it, after `register`. `leave` gives the lease back.
   */
  holdLease?(): Promise<LeaseAnswer>;
  /** Removes the own row and closes connections. Idempotent. */
  leave(): Promise<void>;
  /** Closes connections without removing the row. Idempotent. */
  close(): Promise<void>;
}
