/**
 * A short sum of the births held, by bucket: two replicas with equal buckets hold equal births
 * there. Sums are exclusive-or of 64 hash bits, so rows come and go in any order at O(1), and
 * a coarser digest is the fold of the finer one.
 */

/** Buckets of the finest digest, a power of two. 2^14 * 8 bytes = 128 KiB per node. */
export const DIGEST_BUCKETS = 16384;

/** Set by {@link hashBirth}: the two hash words and the finest bucket of the last birth. */
export const birthHash = { a: 0, b: 0, bucket: 0 };

/** Hashes a birth (cluster-wide origin id, seq) into {@link birthHash}. */
export function hashBirth(originId: number, seq: number): void {
  const originLow = originId | 0;
  const originHigh = (originId / 4294967296) | 0;
  const seqLow = seq | 0;
  const seqHigh = (seq / 4294967296) | 0;
  const a = mix(mix(mix(mix(0x9e3779b9 ^ originLow) ^ originHigh) ^ seqLow) ^ seqHigh);
  const b = mix(mix(mix(mix(0x85ebca6b ^ seqLow) ^ seqHigh) ^ originLow) ^ originHigh);
  birthHash.a = a;
  birthHash.b = b;
  birthHash.bucket = mix(a ^ (b >>> 7)) & (DIGEST_BUCKETS - 1);
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The sums; words 2i and 2i+1 belong to bucket i. */
export class Digest {
  readonly words: Int32Array;
  /** The same over all births. */
  totalA = 0;
  totalB = 0;
  readonly #mask: number;

  constructor(buckets: number = DIGEST_BUCKETS) {
    this.words = new Int32Array(buckets * 2);
    this.#mask = buckets - 1;
  }

  get buckets(): number {
    return this.#mask + 1;
  }

  /** Adds a birth, or takes it out again: the same operation. */
  toggle(originId: number, seq: number): void {
    hashBirth(originId, seq);
    this.totalA ^= birthHash.a;
    this.totalB ^= birthHash.b;
    const at = (birthHash.bucket & this.#mask) * 2;
    this.words[at] = (this.words[at] as number) ^ birthHash.a;
    this.words[at + 1] = (this.words[at + 1] as number) ^ birthHash.b;
  }

  /** The same sums over fewer buckets (a power of two). */
  fold(buckets: number): Int32Array {
    const folded = new Int32Array(buckets * 2);
    const mask = buckets * 2 - 1;
    for (let at = 0; at < this.words.length; at++) {
      folded[at & mask] = (folded[at & mask] as number) ^ (this.words[at] as number);
    }
    return folded;
  }
}

/** How many buckets a digest over `rows` births should have: about four births in each. */
export function bucketsFor(rows: number): number {
  let buckets = 16;
  while (buckets < DIGEST_BUCKETS && buckets * 4 < rows) buckets *= 2;
  return buckets;
}
