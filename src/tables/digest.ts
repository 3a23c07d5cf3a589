/**
 * A short sum of the births held, by bucket: two replicas with equal buckets hold equal births
 * there. Sums are exclusive-or of 64 hash bits, so rows come and go in any order at O(1), and
 * a coarser digest is the fold of the finer one.
 */

/** Buckets of the finest digest, a power of two. 2^14 * 8 bytes = 128 KiB per node. */
export const DIGEST_BUCKETS = 16384;

/** Buckets of the coarsest one. */
const FEWEST_BUCKETS = 16;

/**
 * Sums over so many buckets are kept as well: the digests of small tables are folded from these,
 * in a hundredth of the time.
 */
const COARSE_BUCKETS = 128;

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
  readonly #coarse: Int32Array;
  readonly #mask: number;

  constructor(buckets: number = DIGEST_BUCKETS) {
    this.words = new Int32Array(buckets * 2);
    this.#coarse = new Int32Array(Math.min(buckets, COARSE_BUCKETS) * 2);
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
    toggleAt(this.words, birthHash.bucket & this.#mask);
    toggleAt(this.#coarse, birthHash.bucket & this.#mask & (COARSE_BUCKETS - 1));
  }

  /** Adds all births of another digest of as many buckets, none of which is in this one. */
  add(other: Digest): void {
    this.totalA ^= other.totalA;
    this.totalB ^= other.totalB;
    addWords(this.words, other.words);
    addWords(this.#coarse, other.#coarse);
  }

  /** Whether all sums are the same. */
  equals(other: Digest): boolean {
    if (this.totalA !== other.totalA || this.totalB !== other.totalB) return false;
    const isSame = (word: number, at: number): boolean => word === other.words[at];
    return this.words.every(isSame) && this.#coarse.every((word, at) => word === other.#coarse[at]);
  }

  /** Takes over the sums of another digest of as many buckets. */
  become(other: Digest): void {
    this.words.set(other.words);
    this.#coarse.set(other.#coarse);
    this.totalA = other.totalA;
    this.totalB = other.totalB;
  }

  /** The same sums over fewer buckets (a power of two). */
  fold(buckets: number): Int32Array {
    const words = buckets * 2 <= this.#coarse.length ? this.#coarse : this.words;
    const folded = new Int32Array(buckets * 2);
    const mask = buckets * 2 - 1;
    for (let at = 0; at < words.length; at++) {
      folded[at & mask] = (folded[at & mask] as number) ^ (words[at] as number);
    }
    return folded;
  }
}

function addWords(words: Int32Array, other: Int32Array): void {
  for (let at = 0; at < words.length; at++) {
    words[at] = (words[at] as number) ^ (other[at] as number);
  }
}

/** Adds the hash of the last birth to a bucket, or takes it out. */
function toggleAt(words: Int32Array, bucket: number): void {
  words[bucket * 2] = (words[bucket * 2] as number) ^ birthHash.a;
  words[bucket * 2 + 1] = (words[bucket * 2 + 1] as number) ^ birthHash.b;
}

/**
 * How many buckets a digest over `births` should have for a peer that answers with the keys of
 * buckets that differ: about four births in each.
 */
export function bucketsForKeys(births: number): number {
  let buckets = FEWEST_BUCKETS;
  while (buckets < DIGEST_BUCKETS && buckets * 4 < births) buckets *= 2;
  return buckets;
}

/** A birth in a list of births that are sorted and close to one another. */
const LISTED_BYTES = 1.3;

/**
 * How many buckets it should have for a peer that answers with the births in buckets that differ,
 * if about `differing` births do: those with which digest and answer are shortest together. For
 * 100,000 births of which 2,000 differ that is 4,096: 33 kB of sums and 50 kB of births.
 */
export function bucketsForBirths(births: number, differing: number): number {
  let best = FEWEST_BUCKETS;
  let bestBytes = Number.POSITIVE_INFINITY;
  for (let buckets = FEWEST_BUCKETS; buckets <= DIGEST_BUCKETS; buckets *= 2) {
    const differingShare = 1 - Math.exp(-differing / buckets);
    const bytes = buckets * 8 + births * differingShare * LISTED_BYTES;
    if (bytes >= bestBytes) continue;
    best = buckets;
    bestBytes = bytes;
  }
  return best;
}
