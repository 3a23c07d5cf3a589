/**
 * Pulling, the receiving side: at most one pull is open at a time, to the peer that covers more
 * than we do. What a state session brings is staged here and changes nothing until its end has
 * arrived; if it breaks off, it is forgotten.
 */
import type { PullFrame, PullRows } from "./control-frames.ts";
import { bucketsForBirths, bucketsForKeys } from "./digest.ts";
import { FEATURE_HELD } from "./features.ts";
import { ListedBirths } from "./held-births.ts";
import type { Origins } from "./origins.ts";
import type { Peer } from "./peer.ts";
import type { KeySet, Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { ChunkSink } from "./session-frames.ts";
import { StagedTable } from "./staged-table.ts";
import type { TableState } from "./table-state.ts";
import { opsApart, viewOf } from "./view.ts";

/** All births that the server holds, by table. */
export type Staged = Map<TableState, StagedTable>;

/** One pull that was sent and is not answered in full. */
export class OpenPull implements ChunkSink {
  readonly id: number;
  readonly peer: Peer;
  /** Our vector when it was sent, by local origin index. */
  readonly vector: readonly number[];
  readonly staged: Staged = new Map();
  /** Births that the server holds in buckets that differ, under keys that it did not send. */
  readonly listed = new ListedBirths();
  /** Keys that changed here since it was sent. */
  readonly changed: KeySet = new Map();
  /** When the last part of the answer came, by the monotonic clock. */
  progressAt: number;
  /** The table that was staged to last. */
  #table: TableState | null = null;
  #staged: StagedTable | null = null;
  readonly #origins: Origins;

  constructor(id: number, peer: Peer, origins: Origins, now: number) {
    this.id = id;
    this.peer = peer;
    this.vector = origins.vector.slice();
    this.progressAt = now;
    this.#origins = origins;
  }

  /** Stages what the server holds under a key; if it comes again, the later one counts. */
  take(table: TableState, first: Row): void {
    if (this.#staged === null || this.#table !== table) {
      this.#table = table;
      this.#staged = this.staged.get(table) ?? new StagedTable(table, this.#origins);
      this.staged.set(table, this.#staged);
    }
    this.#staged.take(first);
  }

  /** Keys staged so far. */
  get stagedKeys(): number {
    let keys = 0;
    for (const staged of this.staged.values()) keys += staged.size;
    return keys;
  }
}

/** Opens and closes pulls. */
export class Puller {
  open: OpenPull | null = null;
  readonly #replica: Replica;
  #lastId = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Opens a pull to that peer; the frame is to be sent at once, in the same turn. */
  start(peer: Peer, withRows: boolean, now: number): PullFrame {
    const { origins } = this.#replica;
    const open = new OpenPull(++this.#lastId, peer, origins, now);
    this.open = open;
    peer.wantsPull = false;
    this.#replica.touchSets.add(open.changed);
    this.#replica.counters.pulls++;
    return { id: open.id, view: viewOf(origins), rows: this.#rows(peer, withRows) };
  }

  /** The answer is complete, or will not come. */
  finish(): void {
    if (this.open !== null) this.#replica.touchSets.delete(this.open.changed);
    this.open = null;
  }

  #rows(peer: Peer, withRows: boolean): PullRows {
    const births = this.#replica.births();
    if (births === 0) return { kind: "none" };
    if (!withRows) return { kind: "unsaid" };
    const buckets = this.#bucketsFor(peer, births);
    return { kind: "digest", words: this.#replica.digest.fold(buckets) };
  }

  /** Each op that only one side has makes a birth there and ends one that the other side has. */
  #bucketsFor(peer: Peer, births: number): number {
    if (peer.report === null || !peer.features.has(FEATURE_HELD)) return bucketsForKeys(births);
    const differing = 2 * opsApart(viewOf(this.#replica.origins), peer.report.view);
    return bucketsForBirths(births, differing);
  }
}
