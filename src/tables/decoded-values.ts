/**
 * Which rows keep their values decoded: those decoded last, within a budget. A frozen object takes
 * twice the bytes that its row takes, and one pass over a table would leave one for each of its
 * rows. First in, first out: to note each use would cost more than to decode again now and then.
 */
import type { Row } from "./row.ts";

/** What an entry is taken to cost besides its value, so that small values are bounded too. */
const ENTRY_BYTES = 64;
/** Entries given up are cut off when there are so many, and more of them than others. */
const GONE_MAX = 4096;

/** The decoded values of one node's rows. */
export class DecodedValues {
  readonly #bytesMax: number;
  #rows: Row[] = [];
  #sizes: number[] = [];
  #first = 0;
  #bytes = 0;

  /** `bytesMax`: encoded bytes of the values that are kept decoded. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Keeps a value with its row, and gives up the oldest ones that are too many. */
  keep(row: Row, value: unknown): void {
    const bytes = row.value.length + ENTRY_BYTES;
    row.decoded = value;
    this.#rows.push(row);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax && this.#first < this.#rows.length) this.#drop();
    if (this.#first < GONE_MAX || this.#first * 2 < this.#rows.length) return;
    this.#rows = this.#rows.slice(this.#first);
    this.#sizes = this.#sizes.slice(this.#first);
    this.#first = 0;
  }

  /** Its row may have been written and read again since: then that one is decoded once more. */
  #drop(): void {
    (this.#rows[this.#first] as Row).decoded = undefined;
    this.#bytes -= this.#sizes[this.#first] as number;
    this.#first++;
  }
}
