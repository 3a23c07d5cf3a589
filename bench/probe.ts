/**
 * A writer and a reader that go on, with 1 ms pauses, while something else happens. A stall is
 * the time from when a call was due to its end: an event loop that is busy shows as much as a
 * write that is not acknowledged.
 */
import type { Table } from "../src/index.ts";
import { DelayWatch, type LoopDelay } from "./loop.ts";
import { keyOf, type Session, sessionOf } from "./session-rows.ts";

/** What a probe has seen since it started. */
export interface ProbeResult {
  readonly writes: number;
  readonly reads: number;
  readonly writeStallMs: number;
  readonly readStallMs: number;
  readonly delay: LoopDelay;
}

const PAUSE_MS = 1;
const WRITTEN_ROWS = 1000;

/** Starts with its construction. */
export class Probe {
  readonly #table: Table<Session>;
  readonly #rows: number;
  readonly #name: string;
  readonly #delay = new DelayWatch();
  readonly #loops: Promise<void>[];
  #over = false;
  #writes = 0;
  #reads = 0;
  #writeStallMs = 0;
  #readStallMs = 0;

  /** Reads among the first `rows` rows; writes rows that carry `name`, few of them, repeatedly. */
  constructor(table: Table<Session>, rows: number, name: string) {
    this.#table = table;
    this.#rows = rows;
    this.#name = name;
    this.#delay.start();
    this.#loops = [this.#writer(), this.#reader()];
  }

  /** Throws what a write has thrown. */
  async stop(): Promise<ProbeResult> {
    this.#over = true;
    const delay = this.#delay.stop();
    await Promise.all(this.#loops);
    return {
      writes: this.#writes,
      reads: this.#reads,
      writeStallMs: this.#writeStallMs,
      readStallMs: this.#readStallMs,
      delay,
    };
  }

  async #writer(): Promise<void> {
    let last = performance.now();
    while (!this.#over) {
      await oneMillisecond();
      const row = this.#writes++ % WRITTEN_ROWS;
      await this.#table.set(["probe", this.#name, row], sessionOf(row));
      const now = performance.now();
      this.#writeStallMs = Math.max(this.#writeStallMs, now - last - PAUSE_MS);
      last = now;
    }
  }

  async #reader(): Promise<void> {
    let last = performance.now();
    while (!this.#over) {
      await oneMillisecond();
      this.#table.get(keyOf(this.#reads++ % this.#rows));
      const now = performance.now();
      this.#readStallMs = Math.max(this.#readStallMs, now - last - PAUSE_MS);
      last = now;
    }
  }
}

function oneMillisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
