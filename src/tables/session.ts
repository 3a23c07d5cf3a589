/**
 * Serving a state session: the puller is so far behind that ops do not reach. It is sent the keys
 * that may differ, in chunks, while writers go on; keys that change meanwhile are sent again; the
 * end carries our view of that very moment. The puller stages all of it and applies it whole.
 *
 * A key is sent iff a bucket of one of its births differs, or a birth or its newest write is not
 * covered by the puller, or it changed since the pull arrived.
 */
import type { PullRows } from "./control-frames.ts";
import { birthHash, hashBirth } from "./digest.ts";
import type { DictionaryWriter } from "./frame-dictionary.ts";
import type { Peer } from "./peer.ts";
import type { KeySet, Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import {
  beginChunk,
  encodeEnd,
  finishChunk,
  writeItemHead,
  writeSibling,
} from "./session-frames.ts";
import type { TableState } from "./table-state.ts";
import { type Coverage, viewOf } from "./view.ts";

/** What a step of a session came to. */
export type SessionStep = "more" | "blocked" | "ended";

/** One session. `step` is called until it says "ended". */
export class Session {
  readonly pullId: number;
  /** Keys that changed since the pull arrived. */
  readonly dirty: KeySet = new Map();
  readonly #replica: Replica;
  readonly #peer: Peer;
  readonly #coverage: Coverage;
  readonly #rows: PullRows;
  readonly #writer: DictionaryWriter;
  readonly #scan: Iterator<void>;
  /** One byte a bucket; empty when the puller holds nothing. */
  #differs = new Uint8Array(0);
  #scanned = false;
  #chunkItems = 0;
  /** A chunk that waits for credit. */
  #ready: Uint8Array | null = null;

  constructor(
    parts: { replica: Replica; peer: Peer; coverage: Coverage; writer: DictionaryWriter },
    pull: { readonly id: number; readonly rows: PullRows },
  ) {
    this.pullId = pull.id;
    this.#rows = pull.rows;
    this.#replica = parts.replica;
    this.#peer = parts.peer;
    this.#coverage = parts.coverage;
    this.#writer = parts.writer;
    this.#scan = this.#scanRows();
    this.#replica.touchSets.add(this.dirty);
  }

  /** No more changes are noted. */
  close(): void {
    this.#replica.touchSets.delete(this.dirty);
  }

  /** Looks at up to `rows` rows; hands at most a few frames to `send`. */
  step(rows: number, send: (frame: Uint8Array, counted: boolean) => void): SessionStep {
    if (!this.#flushReady(send)) return "blocked";
    for (let looked = 0; looked < rows; looked++) {
      if (!this.#scanned) this.#scanned = this.#scan.next().done === true;
      else if (!this.#nextDirty()) {
        this.#finishChunk();
        if (!this.#flushReady(send)) return "blocked";
        this.#end(send);
        return "ended";
      }
      if (this.#chunkIsFull()) {
        this.#finishChunk();
        if (!this.#flushReady(send)) return "blocked";
      }
    }
    // A chunk never stays open over a turn: other sessions share the writer.
    this.#finishChunk();
    return this.#flushReady(send) ? "more" : "blocked";
  }

  *#scanRows(): Generator<void> {
    if (this.#rows.kind === "digest") yield* this.#compareDigests(this.#rows.words);
    for (const table of this.#replica.tables.values()) {
      for (const head of table.rows.values()) {
        if (this.#wants(table, head)) this.#add(table, head.key, head);
        yield;
      }
    }
  }

  /** Sums our births that the puller covers and marks the buckets whose sums differ. */
  *#compareDigests(theirs: Int32Array): Generator<void> {
    const ours = new Int32Array(theirs.length);
    const mask = theirs.length / 2 - 1;
    const { ids } = this.#replica.origins;
    for (const table of this.#replica.tables.values()) {
      for (const head of table.rows.values()) {
        for (let row: Row | null = head; row !== null; row = row.next) {
          if (table.isGone(row) || !this.#coverage.covers(row.birthOrigin, row.birthSeq)) continue;
          hashBirth(ids[row.birthOrigin] as number, row.birthSeq);
          const at = (birthHash.bucket & mask) * 2;
          ours[at] = (ours[at] as number) ^ birthHash.a;
          ours[at + 1] = (ours[at + 1] as number) ^ birthHash.b;
        }
        yield;
      }
    }
    this.#differs = new Uint8Array(mask + 1);
    for (let bucket = 0; bucket <= mask; bucket++) {
      const at = bucket * 2;
      const same = ours[at] === theirs[at] && ours[at + 1] === theirs[at + 1];
      this.#differs[bucket] = same ? 0 : 1;
    }
  }

  #wants(table: TableState, head: Row): boolean {
    if (this.#rows.kind !== "digest") return true;
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (table.isGone(row)) continue;
      if (!this.#covers(row)) return true;
      hashBirth(this.#replica.origins.ids[row.birthOrigin] as number, row.birthSeq);
      if (this.#differs[birthHash.bucket & (this.#differs.length - 1)] === 1) return true;
    }
    return false;
  }

  /** A patch may overtake its set on another link: both the birth and the dot count. */
  #covers(row: Row): boolean {
    return (
      this.#coverage.covers(row.birthOrigin, row.birthSeq) &&
      this.#coverage.covers(row.dotOrigin, row.dotSeq)
    );
  }

  #nextDirty(): boolean {
    for (const [table, keys] of this.dirty) {
      for (const key of keys) {
        keys.delete(key);
        this.#add(table, key, table.rows.get(key) ?? null);
        return true;
      }
      this.dirty.delete(table);
    }
    return false;
  }

  #add(table: TableState, key: string, head: Row | null): void {
    if (this.#chunkItems === 0) beginChunk(this.#writer, this.pullId);
    this.#chunkItems++;
    let siblings = 0;
    for (let row = head; row !== null; row = row.next) if (!table.isGone(row)) siblings++;
    writeItemHead(this.#writer, { table, key, siblings });
    for (let row = head; row !== null; row = row.next) {
      if (!table.isGone(row)) writeSibling(this.#writer, row, !this.#covers(row));
    }
  }

  #chunkIsFull(): boolean {
    const { chunkKeys, chunkBytes } = this.#replica.limits;
    return (
      this.#chunkItems > 0 &&
      (this.#chunkItems >= chunkKeys || this.#writer.body.length >= chunkBytes)
    );
  }

  #finishChunk(): void {
    if (this.#chunkItems === 0) return;
    this.#ready = finishChunk(this.#writer);
    this.#chunkItems = 0;
    this.#replica.counters.chunks++;
  }

  /** False while the chunk waits for credit. */
  #flushReady(send: (frame: Uint8Array, counted: boolean) => void): boolean {
    if (this.#ready === null) return true;
    const { creditWindowBytes } = this.#replica.limits;
    if (!this.#peer.hasCredit(this.#ready.length, creditWindowBytes)) return false;
    send(this.#ready, true);
    this.#ready = null;
    return true;
  }

  #end(send: (frame: Uint8Array, counted: boolean) => void): void {
    const end = {
      pullId: this.pullId,
      view: viewOf(this.#replica.origins),
      buckets: this.#differs.length,
      differs: this.#differs,
      ahead: [...this.#replica.ahead.list()],
    };
    send(encodeEnd(this.#writer, end), false);
    this.close();
  }
}
