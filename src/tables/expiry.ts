/**
 * Rows whose time is over: one table's births of this node in the order in which they were made,
 * which is the order in which they end, for all of a table live equally long.
 *
 * Intuition: a queue with one entry for each set. A row that is renewed leaves its old entry
 * behind, so with every few entries that come one piece of the queue is gone through and freed of
 * entries whose birth is no longer held: the queue stays within a few times the rows.
 *
 * Time is the monotonic clock of the node that wrote the row. Rows of lifetime `cluster` outlive
 * their writer: those of an owner that has been absent for as long as they may live, and nothing
 * of whose log has come meanwhile, are overdue whenever they were written.
 */
import type { Origins } from "./origins.ts";
import type { Row } from "./row.ts";
import type { TableState } from "./table-state.ts";

/** Entries of one piece. */
const PIECE_MAX = 512;
/** Entries beyond twice the rows held before pieces are swept. */
const SPARE_MAX = 1024;

/** A birth whose time is over. */
export interface Overdue {
  readonly key: string;
  readonly origin: number;
  readonly seq: number;
}

interface Piece {
  keys: string[];
  seqs: number[];
  madeAt: number[];
  /** Entries before it have been taken. */
  head: number;
}

/** An owner that is not there. */
interface Absence {
  readonly sinceMs: number;
  /** How much of its log was covered then. */
  readonly seq: number;
}

/** The births of one table that will end. */
export class Expiry {
  readonly ttlMs: number;
  readonly #table: TableState;
  readonly #origins: Origins;
  #pieces: Piece[] = [];
  #size = 0;
  #sweepAt = 0;
  /** Owners of rows here that are not there, by local index. */
  readonly #absences = new Map<number, Absence>();

  constructor(ttlMs: number, table: TableState, origins: Origins) {
    this.ttlMs = ttlMs;
    this.#table = table;
    this.#origins = origins;
  }

  /** Entries held, overtaken ones too. */
  get size(): number {
    return this.#size;
  }

  /** Rows of this node that were here before the table had a time to live: it begins now. */
  adopt(nowMs: number): void {
    for (const head of this.#table.rows.values()) {
      for (let row: Row | null = head; row !== null; row = row.next) {
        if (row.birthOrigin === this.#origins.self) this.made(row.key, row.birthSeq, nowMs);
      }
    }
  }

  /** This node has made a birth. */
  made(key: string, seq: number, nowMs: number): void {
    let piece = this.#pieces.at(-1);
    if (piece === undefined || piece.keys.length >= PIECE_MAX) {
      piece = { keys: [], seqs: [], madeAt: [], head: 0 };
      this.#pieces.push(piece);
      if (this.#size > 2 * this.#table.birthsOf(this.#origins.self) + SPARE_MAX) this.#sweep();
    }
    piece.keys.push(key);
    piece.seqs.push(seq);
    piece.madeAt.push(nowMs);
    this.#size++;
  }

  /** Births of this node that are held and overdue, oldest first; looks at up to `most` entries. */
  overdue(nowMs: number, most: number): Overdue[] {
    const found: Overdue[] = [];
    const { self } = this.#origins;
    for (let looked = 0; looked < most; looked++) {
      const piece = this.#pieces[0];
      if (piece === undefined) break;
      if (piece.head >= piece.keys.length) {
        this.#pieces.shift();
        if (this.#sweepAt > 0) this.#sweepAt--;
        continue;
      }
      if (nowMs - (piece.madeAt[piece.head] as number) < this.ttlMs) break;
      const key = piece.keys[piece.head] as string;
      const seq = piece.seqs[piece.head] as number;
      piece.head++;
      this.#size--;
      if (this.#table.find(key, self, seq) !== null) found.push({ key, origin: self, seq });
    }
    return found;
  }

  /** Whether the oldest entry is overdue. */
  isDue(nowMs: number): boolean {
    const piece = this.#pieces[0];
    if (piece === undefined) return false;
    const madeAt = piece.madeAt[piece.head];
    return madeAt === undefined || nowMs - madeAt >= this.ttlMs;
  }

  /**
   * Owners of rows here that have been absent for the time to live and `graceMs` more, with the
   * last seq of theirs that is as old as that.
   */
  absentOwners(nowMs: number, graceMs: number): Map<number, number> {
    const overdue = new Map<number, number>();
    const { ids, hidden, vector } = this.#origins;
    for (let owner = 0; owner < ids.length; owner++) {
      if (hidden[owner] === false || this.#table.birthsOf(owner) === 0) {
        this.#absences.delete(owner);
        continue;
      }
      const absence = this.#absences.get(owner);
      if (absence === undefined || absence.seq !== vector[owner]) {
        this.#absences.set(owner, { sinceMs: nowMs, seq: vector[owner] as number });
      } else if (nowMs - absence.sinceMs >= this.ttlMs + graceMs) overdue.set(owner, absence.seq);
    }
    return overdue;
  }

  /** Frees one piece of entries whose birth is gone. */
  #sweep(): void {
    // The last piece is still being filled, the first one being taken from.
    if (this.#pieces.length < 3) return;
    if (this.#sweepAt < 1 || this.#sweepAt >= this.#pieces.length - 1) this.#sweepAt = 1;
    for (let swept = 0; swept < 2 && this.#sweepAt < this.#pieces.length - 1; swept++) {
      const piece = this.#pieces[this.#sweepAt] as Piece;
      const kept = this.#heldOf(piece);
      this.#size -= piece.keys.length - kept.keys.length;
      if (kept.keys.length === 0) this.#pieces.splice(this.#sweepAt, 1);
      else this.#pieces[this.#sweepAt++] = kept;
    }
  }

  #heldOf(piece: Piece): Piece {
    const kept: Piece = { keys: [], seqs: [], madeAt: [], head: 0 };
    for (let at = 0; at < piece.keys.length; at++) {
      const key = piece.keys[at] as string;
      const seq = piece.seqs[at] as number;
      if (this.#table.find(key, this.#origins.self, seq) === null) continue;
      kept.keys.push(key);
      kept.seqs.push(seq);
      kept.madeAt.push(piece.madeAt[at] as number);
    }
    return kept;
  }
}
