/** What a Skein node in a process of its own can be asked for. Types only. */
import type { LoopDelay, LoopResult } from "./loop.ts";
import type { MemoryUse } from "./memory-use.ts";
import type { ProbeResult } from "./probe.ts";
import type { ReadKind, ReadResult } from "./read-loop.ts";
import type { Load } from "./side.ts";

/** How a node starts. */
export interface Start {
  readonly cluster: string;
  readonly name: string;
  /** File of the SQLite database in which the nodes find each other. */
  readonly file: string;
  /** Rows of the table before, for a probe that goes on while the node joins; else null. */
  readonly probeRows: number | null;
  /** Default: a free one. */
  readonly port?: number;
  /** Where others dial the node, if not where it listens. */
  readonly advertise?: string;
  /** How many tables it declares; those that the benchmarks fill among them. */
  readonly tables?: number;
  /** Limits of the tables that differ from their defaults. */
  readonly limits?: Readonly<Record<string, number>>;
}

/** One heal as one node saw it. */
export interface Healed {
  /** From the link to the moment when this node had all that it had missed. */
  readonly ms: number;
  /** Read from sockets and files meanwhile; NaN without /proc. */
  readonly bytes: number;
  readonly probe: ProbeResult;
}

/** What starting took. */
export interface Started {
  /** From the call of `startNode` to the end of `ready()`. */
  readonly readyMs: number;
  /** From the first link to the end of `ready()`; NaN without a link. */
  readonly filledMs: number;
  /** Read from sockets and files meanwhile; NaN without /proc. */
  readonly bytes: number;
  readonly size: number;
}

/** What a load has written on this node. */
export interface Driven extends LoopResult {
  readonly from: number;
  readonly to: number;
}

/** Size and sum of the table as one replica sees it. */
export interface Check {
  readonly size: number;
  readonly digest: string;
}

/** A type and no interface, because only types fit the index of `Calls`. */
export type NodeCalls = {
  start(start: Start): Promise<Started>;
  /** Waits until so many nodes share all rows. */
  joined(nodes: number): Promise<void>;
  load(rows: { from: number; count: number }): Promise<void>;
  /** Fills the table that is keyed by strings, or the one with an index. */
  loadTexts(rows: { from: number; count: number }): Promise<void>;
  loadIndexed(rows: { from: number; count: number }): Promise<void>;
  drive(drive: Load & { offset: number }): void;
  mark(_: null): void;
  finish(_: null): Promise<Driven>;
  /** Ends when all members have all that this node has written, those that catch up as well. */
  sync(_: null): Promise<void>;
  check(_: null): Check;
  contents(_: null): Promise<Check>;
  forget(rows: { from: number; to: number }): Promise<void>;
  probe(rows: number): void;
  /** Waits for the next link and until this node has what it missed; probes meanwhile. */
  heal(rows: number): Promise<Healed>;
  probed(_: null): Promise<ProbeResult>;
  /** Waits until no more than so many rows are shown; answers when, ms since 1970. */
  shrunk(rows: number): Promise<number>;
  watchDelay(_: null): void;
  watchedDelay(_: null): LoopDelay;
  prepareReads(rows: number): void;
  read(read: { kind: ReadKind; measuredMs: number }): ReadResult;
  readAll(_: null): Promise<number>;
  memory(_: null): Promise<MemoryUse>;
  profile(_: null): Promise<void>;
  /** Ends the profile and writes it. */
  profiled(file: string): Promise<void>;
};
