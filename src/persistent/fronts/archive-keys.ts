/**
 * Keys for archived items: µs as 14 hexadecimal digits, "-", and 16 digits that are random for
 * each maker. In one process each key is greater than the one before it, also when the clock is
 * set back; two processes, and one that started again, differ in the second part.
 */
import { randomBytes } from "node:crypto";

const MAKER_BYTES = 8;
const TIME_DIGITS = 14;

/** Makes keys; one for all archives of a process is enough. */
export class ArchiveKeys {
  readonly #wall: () => number;
  readonly #maker: string;
  #last = 0;

  /** `wall`: ms since the Unix epoch. */
  constructor(wall: () => number = Date.now, maker: Uint8Array = randomBytes(MAKER_BYTES)) {
    this.#wall = wall;
    this.#maker = Buffer.from(maker).toString("hex");
  }

  /** A key that no one else makes. */
  next(): string {
    this.#last = Math.max(Math.floor(this.#wall() * 1000), this.#last + 1);
    return `${this.#last.toString(16).padStart(TIME_DIGITS, "0")}-${this.#maker}`;
  }
}
