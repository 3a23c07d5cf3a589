/**
 * Answering a comparison: first the keys of all buckets whose sums differ, each with its print;
 * later, when asked for some keys, all that is held under them. In slices, with credit. Nothing
 * is sent that was read while a merge was under way: rows and view would not belong together.
 */
import type { DictionaryWriter } from "../frame-dictionary.ts";
import { FRAME_SHOWN } from "../frame-kinds.ts";
import type { Peer } from "../peer.ts";
import type { Replica } from "../replica.ts";
import { beginChunk, writeItemHead, writeSibling } from "../session-frames.ts";
import type { Slice } from "../slice.ts";
import type { TableState } from "../table-state.ts";
import { viewOf } from "../view.ts";
import {
  beginKeys,
  type CompareFrame,
  encodeCompared,
  finishKeys,
  writePrintedKey,
} from "./comparison-frames.ts";
import { printed, scanPrints } from "./print.ts";

/** What a step of an answer came to. */
export type AnswerStep = "more" | "blocked" | "ended";

/** What an answer is made with. */
export interface AnswerParts {
  readonly replica: Replica;
  readonly peer: Peer;
  readonly writer: DictionaryWriter;
  /** `counted`: the peer gives credit back for it. */
  readonly send: (frame: Uint8Array, counted: boolean) => void;
}

/** One answer. `step` is called until it says "ended". */
export class ComparisonAnswer {
  readonly #parts: AnswerParts;
  readonly #id: number;
  readonly #steps: Iterator<void>;
  readonly #finish: (writer: DictionaryWriter) => Uint8Array;
  #differs = new Uint8Array(0);
  #items = 0;
  /** A frame that waits for credit. */
  #ready: Uint8Array | null = null;

  private constructor(
    parts: AnswerParts,
    id: number,
    make: (answer: ComparisonAnswer) => {
      readonly steps: Iterator<void>;
      readonly finish: (writer: DictionaryWriter) => Uint8Array;
    },
  ) {
    this.#parts = parts;
    this.#id = id;
    const { steps, finish } = make(this);
    this.#steps = steps;
    this.#finish = finish;
  }

  /** The keys of buckets whose sums differ. */
  static ofBuckets(parts: AnswerParts, frame: CompareFrame): ComparisonAnswer {
    const make = (answer: ComparisonAnswer) => ({
      steps: answer.#listDiffering(frame.sums),
      finish: finishKeys,
    });
    return new ComparisonAnswer(parts, frame.id, make);
  }

  /** Everything that is held under some keys. */
  static ofKeys(
    parts: AnswerParts,
    frame: {
      readonly id: number;
      readonly keys: readonly { readonly table: TableState; readonly key: string }[];
    },
  ): ComparisonAnswer {
    const make = (answer: ComparisonAnswer) => ({
      steps: answer.#showKeys(frame.keys),
      finish: (writer: DictionaryWriter) => writer.finish(FRAME_SHOWN),
    });
    return new ComparisonAnswer(parts, frame.id, make);
  }

  /** Handles keys for one slice. */
  step(slice: Slice): AnswerStep {
    if (!this.#flush()) return "blocked";
    const { chunkKeys, chunkBytes } = this.#parts.replica.limits;
    do {
      if (this.#steps.next().done === true) {
        this.#close();
        if (!this.#flush()) return "blocked";
        this.#end();
        return "ended";
      }
      if (this.#items < chunkKeys && this.#parts.writer.body.length < chunkBytes) continue;
      this.#close();
      if (!this.#flush()) return "blocked";
    } while (!slice.isOver());
    // A frame never stays open over a turn: other answers share the writer.
    this.#close();
    return this.#flush() ? "more" : "blocked";
  }

  *#listDiffering(theirs: Int32Array): Generator<void> {
    const { replica, writer } = this.#parts;
    const ours = new Int32Array(theirs.length);
    const mask = theirs.length / 2 - 1;
    yield* scanPrints(replica, () => addToSums(ours));
    this.#differs = new Uint8Array(mask + 1);
    for (let bucket = 0; bucket <= mask; bucket++) {
      const at = bucket * 2;
      const same = ours[at] === theirs[at] && ours[at + 1] === theirs[at + 1];
      this.#differs[bucket] = same ? 0 : 1;
    }
    if (!this.#differs.includes(1)) return;
    yield* scanPrints(replica, (table, key) => {
      if (this.#differs[printed.bucket & mask] !== 1) return;
      if (this.#items++ === 0) beginKeys(writer, this.#id);
      writePrintedKey(writer, { table, key, print: printed });
    });
  }

  *#showKeys(
    keys: readonly { readonly table: TableState; readonly key: string }[],
  ): Generator<void> {
    const { writer } = this.#parts;
    for (const { table, key } of keys) {
      if (this.#items++ === 0) beginChunk(writer, this.#id);
      const head = table.rows.get(key) ?? null;
      let siblings = 0;
      for (let row = head; row !== null; row = row.next) if (!table.isGone(row)) siblings++;
      writeItemHead(writer, { table, key, siblings });
      for (let row = head; row !== null; row = row.next) {
        if (!table.isGone(row)) writeSibling(writer, row, true);
      }
      yield;
    }
  }

  #close(): void {
    if (this.#items === 0) return;
    this.#items = 0;
    this.#ready = this.#finish(this.#parts.writer);
  }

  /** False while a frame waits for credit. */
  #flush(): boolean {
    if (this.#ready === null) return true;
    const { peer, replica, send } = this.#parts;
    if (!peer.hasCredit(this.#ready.length, replica.limits.creditWindowBytes)) return false;
    send(this.#ready, true);
    this.#ready = null;
    return true;
  }

  #end(): void {
    const view = viewOf(this.#parts.replica.origins);
    this.#parts.send(encodeCompared({ id: this.#id, view, differs: this.#differs }), false);
  }
}

/** Adds the key just printed to the sums by bucket. */
export function addToSums(sums: Int32Array): void {
  const at = (printed.bucket & (sums.length / 2 - 1)) * 2;
  sums[at] = (sums[at] as number) ^ printed.a;
  sums[at + 1] = (sums[at + 1] as number) ^ printed.b;
}
