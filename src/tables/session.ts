/**
 * Serving a state session: the puller is so far behind that ops do not reach. It is sent the keys
 * that may differ, in chunks, while writers go on; keys that change meanwhile are sent again; the
 * end carries our view of that very moment. The puller stages all of it and applies it whole.
 *
 * A key is sent iff a birth or its newest write is not covered by the puller, or it changed since
 * the pull arrived. Of the other keys the births in buckets that differ are listed; a puller
 * without the feature "held" is sent these keys as well.
 */
import type { PullRows } from "./control-frames.ts";
import { birthHash, hashBirth } from "./digest.ts";
import { FEATURE_HELD } from "./features.ts";
import type { DictionaryWriter } from "./frame-dictionary.ts";
import { HeldBirths } from "./held-births.ts";
import type { KeyScan, OrderedKeys } from "./ordered-keys.ts";
import type { Peer } from "./peer.ts";
import type { KeySet, Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import type { RowMap } from "./row-map.ts";
import {
  beginChunk,
  encodeEnd,
  finishChunk,
  writeItemHead,
  writeSibling,
} from "./session-frames.ts";
import type { Slice } from "./slice.ts";
import type { TableState } from "./table-state.ts";
import { type Coverage, viewOf } from "./view.ts";

/** Rows looked at between two yields of the scan: a yield takes as long as a look. */
const ROWS_PER_LOOK = 32;

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
  readonly #scan: Iterator<number>;
  /** One byte a bucket; empty when the puller holds nothing. */
  readonly #differs: Uint8Array;
  /** Births in buckets that differ; null if the puller does not know such lists. */
  readonly #held: HeldBirths | null;
  #scanned = false;
  #chunkItems = 0;
  /** Frames that wait for credit: a chunk, a list of births. */
  #ready: Uint8Array[] = [];

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
    this.#held = parts.peer.features.has(FEATURE_HELD) ? new HeldBirths() : null;
    this.#differs = this.#compareDigests();
    this.#scan = this.#scanRows();
    this.#replica.touchSets.add(this.dirty);
  }

  /** No more changes are noted. */
  close(): void {
    this.#replica.touchSets.delete(this.dirty);
  }

  /** Looks at rows for one slice; hands at most a few frames to `send`. */
  step(slice: Slice, send: (frame: Uint8Array, counted: boolean) => void): SessionStep {
    if (!this.#flushReady(send)) return "blocked";
    let looked = 0;
    do {
      looked = this.#next();
      if (this.#isComplete) {
        this.#finishChunk();
        if (!this.#flushReady(send)) return "blocked";
        this.#end(send);
        return "ended";
      }
      if (this.#chunkIsFull()) {
        this.#finishChunk();
        if (!this.#flushReady(send)) return "blocked";
      }
    } while (!slice.isOver(looked));
    // A chunk never stays open over a turn: other sessions share the writer.
    this.#finishChunk();
    return this.#flushReady(send) ? "more" : "blocked";
  }

  /** Everything was looked at, and nothing has changed since. */
  get #isComplete(): boolean {
    return this.#scanned && this.dirty.size === 0;
  }

  /** Looks at a few rows of the scan, or adds one that has changed; how many it was. */
  #next(): number {
    if (this.#scanned) {
      this.#nextDirty();
      return 1;
    }
    const next = this.#scan.next();
    this.#scanned = next.done === true;
    return next.done === true ? 0 : next.value;
  }

  /** Yields how many rows it has looked at since it did so last, and after each one that it adds. */
  *#scanRows(): Generator<number> {
    let looked = 0;
    for (const table of this.#replica.tables.values()) {
      // Where little is sent the order is worth nothing: it takes a look-up for each key.
      const rows = this.#isNews(table) ? inOrder(table) : table.rows.values();
      for (let head = rows.nextRow(); head !== undefined; head = rows.nextRow()) {
        looked++;
        const isWanted = this.#wants(table, head);
        if (isWanted) this.#add(table, head.key, head);
        else if (this.#held !== null) this.#list(table, head, this.#held);
        if (!isWanted && looked < ROWS_PER_LOOK) continue;
        yield looked;
        looked = 0;
      }
    }
  }

  /** Whether the puller has nothing of those who wrote most of its rows: then most are sent. */
  #isNews(table: TableState): boolean {
    let births = 0;
    for (let origin = 0; origin < this.#replica.origins.ids.length; origin++) {
      if (this.#coverage.seq(origin) === 0) births += table.birthsOf(origin);
    }
    return births * 2 > table.births;
  }

  /** In the turn in which the pull came: a key that changes from here on is sent anyway. */
  #compareDigests(): Uint8Array {
    if (this.#rows.kind !== "digest") return new Uint8Array(0);
    const theirs = this.#rows.words;
    const buckets = theirs.length / 2;
    const ours = this.#replica.digest.fold(buckets);
    const differs = new Uint8Array(buckets);
    for (let bucket = 0; bucket < buckets; bucket++) {
      const at = bucket * 2;
      const same = ours[at] === theirs[at] && ours[at + 1] === theirs[at + 1];
      differs[bucket] = same ? 0 : 1;
    }
    return differs;
  }

  #wants(table: TableState, head: Row): boolean {
    if (this.#rows.kind !== "digest") return true;
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (table.isGone(row)) continue;
      if (!this.#covers(row) || (this.#held === null && this.#isInDiffering(row))) return true;
    }
    return false;
  }

  #list(table: TableState, head: Row, held: HeldBirths): void {
    for (let row: Row | null = head; row !== null; row = row.next) {
      if (!table.isGone(row) && this.#isInDiffering(row)) held.add(row.birthOrigin, row.birthSeq);
    }
  }

  #isInDiffering(row: Row): boolean {
    hashBirth(this.#replica.origins.ids[row.birthOrigin] as number, row.birthSeq);
    return this.#differs[birthHash.bucket & (this.#differs.length - 1)] === 1;
  }

  /** A patch may overtake its set on another link: both the birth and the dot count. */
  #covers(row: Row): boolean {
    return (
      this.#coverage.covers(row.birthOrigin, row.birthSeq) &&
      this.#coverage.covers(row.dotOrigin, row.dotSeq)
    );
  }

  #nextDirty(): void {
    for (const [table, keys] of this.dirty) {
      const [key] = keys;
      if (key === undefined) this.dirty.delete(table);
      else {
        keys.delete(key);
        if (keys.size === 0) this.dirty.delete(table);
        this.#add(table, key, table.rows.get(key) ?? null);
      }
      return;
    }
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

  /** Ends the chunk, and the list of births if that is due. */
  #finishChunk(): void {
    if (this.#chunkItems > 0) {
      this.#ready.push(finishChunk(this.#writer));
      this.#chunkItems = 0;
      this.#replica.counters.chunks++;
    }
    if (this.#held?.isDue(this.#scanned) !== true) return;
    this.#ready.push(this.#held.take(this.#writer, this.pullId));
    this.#replica.counters.lists++;
  }

  /** False while a frame waits for credit. */
  #flushReady(send: (frame: Uint8Array, counted: boolean) => void): boolean {
    const { creditWindowBytes } = this.#replica.limits;
    for (let next = this.#ready[0]; next !== undefined; next = this.#ready[0]) {
      if (!this.#peer.hasCredit(next.length, creditWindowBytes)) return false;
      send(next, true);
      this.#ready.shift();
    }
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

/** Rows in the order of their keys where that is known: a joiner then makes its own by appending. */
function inOrder(table: TableState): { nextRow(): Row | undefined } {
  const { ordered, rows } = table;
  return ordered === null || table.isAttaching ? rows.values() : new RowsInOrder(ordered, rows);
}

class RowsInOrder {
  readonly #keys: KeyScan;
  readonly #rows: RowMap<Row>;

  constructor(ordered: OrderedKeys, rows: RowMap<Row>) {
    this.#keys = ordered.scan();
    this.#rows = rows;
  }

  nextRow(): Row | undefined {
    for (let key = this.#keys.nextKey(); key !== undefined; key = this.#keys.nextKey()) {
      const row = this.#rows.get(key);
      if (row !== undefined) return row;
    }
    return undefined;
  }
}
