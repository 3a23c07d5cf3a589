/**
 * The newest ops of one origin, contiguous and bounded by count and bytes: what a broken link
 * resumes from. Whoever falls off its tail is resynchronised by state.
 */
import { type Op, opBytes } from "./op.ts";

/** Limits of one ring. */
export interface OpRingLimits {
  readonly opsMax: number;
  readonly bytesMax: number;
}

/** Ops firstSeq … lastSeq. */
export class OpRing {
  readonly #limits: OpRingLimits;
  /** Circular; its length is a power of two that grows with use. */
  #slots: (Op | undefined)[] = new Array(16);
  #firstSeq: number;
  #endSeq: number;
  #bytes = 0;

  constructor(limits: OpRingLimits, nextSeq: number) {
    this.#limits = limits;
    this.#firstSeq = nextSeq;
    this.#endSeq = nextSeq;
  }

  /** The oldest seq held; equals `lastSeq + 1` when empty. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  get lastSeq(): number {
    return this.#endSeq - 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether every op after `seq` is held. */
  reaches(seq: number): boolean {
    return seq + 1 >= this.#firstSeq;
  }

  /** Appends the op after lastSeq; whole batches fall off the other end when it is full. */
  push(op: Op): void {
    if (op.seq !== this.#endSeq) throw new Error(`ring expects ${this.#endSeq}, got ${op.seq}`);
    if (this.#endSeq - this.#firstSeq === this.#slots.length) this.#grow();
    this.#slots[op.seq & (this.#slots.length - 1)] = op;
    this.#endSeq++;
    this.#bytes += opBytes(op);
    if (op.batchEnd) this.#evict();
  }

  get(seq: number): Op {
    const op = this.#slots[seq & (this.#slots.length - 1)];
    if (op === undefined || op.seq !== seq) throw new Error(`op ${seq} is not in the ring`);
    return op;
  }

  /** Forgets everything; the next op pushed is `nextSeq`. */
  clear(nextSeq: number): void {
    this.#slots = new Array(16);
    this.#firstSeq = nextSeq;
    this.#endSeq = nextSeq;
    this.#bytes = 0;
  }

  #evict(): void {
    const { opsMax, bytesMax } = this.#limits;
    while (this.#endSeq - this.#firstSeq > opsMax || this.#bytes > bytesMax) {
      let op: Op;
      do {
        op = this.get(this.#firstSeq);
        this.#slots[this.#firstSeq & (this.#slots.length - 1)] = undefined;
        this.#bytes -= opBytes(op);
        this.#firstSeq++;
      } while (!op.batchEnd);
    }
  }

  #grow(): void {
    const grown: (Op | undefined)[] = new Array(this.#slots.length * 2);
    for (let seq = this.#firstSeq; seq < this.#endSeq; seq++) {
      grown[seq & (grown.length - 1)] = this.get(seq);
    }
    this.#slots = grown;
  }
}
