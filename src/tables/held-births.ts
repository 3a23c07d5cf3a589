/**
 * What a session says of rows that the puller has already: the births held in buckets that differ,
 * without keys. A birth that the puller holds there and that is not among them is dead. Sorted,
 * each is the distance from the one before, which is a byte or two; with its key it would be forty.
 */
import { ByteReader } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { DictionaryReader, type DictionaryWriter, readSeq } from "./frame-dictionary.ts";
import { FRAME_HELD } from "./frame-kinds.ts";
import { COVERS_ALL } from "./origins.ts";
import type { Replica } from "./replica.ts";

/** Births in one frame: sorting and reading so many takes a fraction of a millisecond. */
const FRAME_BIRTHS = 2048;

/** Births of one origin (local index), by seq. */
export interface HeldRun {
  readonly origin: number;
  readonly seqs: readonly number[];
}

/** Collects the births that a session lists. */
export class HeldBirths {
  #seqs = new Map<number, number[]>();
  #count = 0;

  add(origin: number, seq: number): void {
    const seqs = this.#seqs.get(origin);
    if (seqs === undefined) this.#seqs.set(origin, [seq]);
    else seqs.push(seq);
    this.#count++;
  }

  /** Whether a frame is due; at the end of the scan any birth makes one. */
  isDue(isEnd: boolean): boolean {
    return this.#count >= (isEnd ? 1 : FRAME_BIRTHS);
  }

  /** The frame of all that was added since the last one. */
  take(writer: DictionaryWriter, pullId: number): Uint8Array {
    writer.begin();
    const { body } = writer;
    body.varint(pullId);
    for (const [origin, seqs] of this.#seqs) {
      writer.origin(origin);
      body.varint(seqs.length);
      let before = 0;
      // `Float64Array.from` asks an iterator for each, which takes longer than to sort.
      const sorted = new Float64Array(seqs).sort();
      for (let at = 0; at < sorted.length; at++) {
        const seq = sorted[at] as number;
        body.varint(seq - before);
        before = seq;
      }
    }
    this.#seqs = new Map();
    this.#count = 0;
    return writer.finish(FRAME_HELD);
  }
}

/** Reads such a frame. */
export function decodeHeld(
  frame: Uint8Array,
  replica: Replica,
): { readonly pullId: number; readonly runs: readonly HeldRun[] } {
  const reader = new ByteReader(frame);
  reader.u8();
  const dictionary = new DictionaryReader(reader, replica);
  const pullId = reader.varint();
  const runs: HeldRun[] = [];
  while (reader.remaining > 0) {
    const origin = dictionary.origin();
    const count = reader.varint(reader.remaining);
    const seqs: number[] = [];
    let seq = 0;
    for (let at = 0; at < count; at++) {
      seq += readSeq(reader);
      if (seq >= COVERS_ALL) throw new ProtocolError("a list of births beyond the last seq");
      seqs.push(seq);
    }
    runs.push({ origin, seqs });
  }
  return { pullId, runs };
}

/** Seqs of one page of marks, a power of two: 128 bytes, where rows are old a mark for each. */
const PAGE_SEQS = 1024;

/**
 * The births that the server has listed, as the puller keeps them until the merge: a bit for each
 * seq, in pages. Where births lie close that is a hundredth of a Set, and five times as fast.
 */
export class ListedBirths {
  /** Pages by origin and place. */
  readonly #pages: (Map<number, Int32Array> | undefined)[] = [];

  add({ origin, seqs }: HeldRun): void {
    let pages = this.#pages[origin];
    if (pages === undefined) {
      pages = new Map();
      this.#pages[origin] = pages;
    }
    for (const seq of seqs) {
      const at = Math.floor(seq / PAGE_SEQS);
      let page = pages.get(at);
      if (page === undefined) {
        page = new Int32Array(PAGE_SEQS / 32);
        pages.set(at, page);
      }
      const bit = seq % PAGE_SEQS;
      page[bit >> 5] = (page[bit >> 5] as number) | (1 << (bit & 31));
    }
  }

  has(origin: number, seq: number): boolean {
    const page = this.#pages[origin]?.get(Math.floor(seq / PAGE_SEQS));
    if (page === undefined) return false;
    const bit = seq % PAGE_SEQS;
    return ((page[bit >> 5] as number) & (1 << (bit & 31))) !== 0;
  }
}
