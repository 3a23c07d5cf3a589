/**
 * Reads in a row, in random order, in blocks of 1,000 calls that are timed as one: a single read
 * is too short for the clock. Beside the table's reads there is a bare Map of the same rows.
 */
import type { Table } from "../src/index.ts";
import { percentile } from "./latency.ts";
import { DOMAIN, keyOf, type Session, sessionOf, textKeyOf, userOf } from "./session-rows.ts";

/** `…Made` builds the string for each call, as a server does that has parsed it from a stanza. */
export type ReadKind =
  | "text"
  | "textMade"
  | "textMiss"
  | "tuple"
  | "tupleMiss"
  | "scan"
  | "find"
  | "map"
  | "mapMade"
  | "mapMiss"
  | "keysMade";

/** Nanoseconds are per call, from the means of blocks. */
export interface ReadResult {
  readonly rate: number;
  readonly p50Nanos: number;
  readonly p99Nanos: number;
  readonly maxNanos: number;
}

const CALLS_PER_BLOCK = 1000;

/** The same text as another string. */
function copyOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** One read; returns something to be summed up, so that no compiler can leave the read out. */
type Read = (row: number) => number;

/** All kinds of reads over the same rows. */
export class ReadLoop {
  readonly #rows: number;
  readonly #kinds: Readonly<Record<ReadKind, Read>>;
  #seed = 1;
  #sum = 0;

  /** `indexed` has the index `user`, and may be empty if nothing is to be found by it. */
  constructor(tables: {
    sessions: Table<Session>;
    texts: Table<Session>;
    indexed: Table<Session>;
    rows: number;
  }) {
    const { sessions, texts, indexed, rows } = tables;
    const hasIndexed = indexed.size > 0;
    const keys = Array.from({ length: rows }, (_, row) => textKeyOf(row));
    const absent = keys.map((key) => `absent/${key}`);
    // With strings of its own, as those of a replica are: who asks never has the very same.
    const map = new Map(keys.map((key, row) => [copyOf(key), sessionOf(row)]));
    const priority = (session: Session | undefined) => session?.priority ?? -1;
    this.#rows = rows;
    this.#kinds = {
      text: (row) => priority(texts.get(keys[row] ?? "")),
      textMade: (row) => priority(texts.get(textKeyOf(row))),
      textMiss: (row) => priority(texts.get(absent[row] ?? "")),
      tuple: (row) => priority(sessions.get(keyOf(row))),
      tupleMiss: (row) => priority(sessions.get(["example.net", userOf(row), "phone0"])),
      scan: (row) => {
        let sum = 0;
        for (const [, session] of sessions.scan({ prefix: [DOMAIN, userOf(row)] })) {
          sum += session.priority;
        }
        return sum;
      },
      find: (row) => {
        let sum = 0;
        for (const [, session] of indexed.find("user", userOf(row))) sum += session.priority;
        return sum;
      },
      map: (row) => priority(map.get(keys[row] ?? "")),
      mapMade: (row) => priority(map.get(textKeyOf(row))),
      mapMiss: (row) => priority(map.get(absent[row] ?? "")),
      keysMade: (row) => textKeyOf(row).length,
    };
    this.#check(hasIndexed);
  }

  run(kind: ReadKind, measuredMs: number): ReadResult {
    const read = this.#kinds[kind];
    const start = performance.now();
    const blocks: number[] = [];
    let last = start;
    while (last - start < measuredMs) {
      this.#block(read);
      const now = performance.now();
      blocks.push(((now - last) * 1e6) / CALLS_PER_BLOCK);
      last = now;
    }
    blocks.sort((a, b) => a - b);
    return {
      rate: (blocks.length * CALLS_PER_BLOCK * 1000) / (last - start),
      p50Nanos: percentile(blocks, 0.5),
      p99Nanos: percentile(blocks, 0.99),
      maxNanos: percentile(blocks, 1),
    };
  }

  #block(read: Read): void {
    for (let call = 0; call < CALLS_PER_BLOCK; call++) {
      this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      this.#sum += read(this.#seed % this.#rows);
    }
  }

  /** A quick read of nothing must not pass for a quick read. */
  #check(hasIndexed: boolean): void {
    const last = this.#rows - 1;
    const expected = sessionOf(last).priority;
    for (const kind of ["text", "textMade", "tuple", "map", "mapMade"] as const) {
      if (this.#kinds[kind](last) !== expected) throw new Error(`${kind} does not find its row`);
    }
    for (const kind of ["textMiss", "tupleMiss", "mapMiss"] as const) {
      if (this.#kinds[kind](0) !== -1) throw new Error(`${kind} finds a row`);
    }
    const three = sessionOf(0).priority + sessionOf(1).priority + sessionOf(2).priority;
    if (this.#kinds.scan(0) !== three) throw new Error("scan does not find its three rows");
    if (hasIndexed && this.#kinds.find(0) !== three) {
      throw new Error("find does not find its three rows");
    }
  }
}
