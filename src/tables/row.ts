/**
 * One row: a birth and the newest value written under it. Siblings (concurrent births of one key,
 * or the members of a bag) are chained, greatest stamp first. One shape, so that a million rows
 * stay monomorphic: ten fields, small integers where possible.
 */
import { decodeValue } from "./value.ts";

/** A value as written: what `put` holds against the rows. Origins are local indexes. */
export interface Written {
  readonly birthOrigin: number;
  readonly birthSeq: number;
  readonly dotOrigin: number;
  readonly dotSeq: number;
  readonly hi: number;
  readonly lo: number;
  readonly value: string;
}

/** A row. Origins are local indexes, see origins.ts. */
export class Row {
  readonly key: string;
  /** Encoded value. */
  value: string;
  /** The decoded value while it is kept; only what readers may share is. */
  decoded: unknown = undefined;
  birthOrigin: number;
  birthSeq: number;
  /** The op that wrote the value: the birth itself, or a patch. */
  dotOrigin: number;
  dotSeq: number;
  hi: number;
  lo: number;
  next: Row | null = null;

  constructor(
    key: string,
    value: string,
    birthOrigin: number,
    birthSeq: number,
    dotOrigin: number,
    dotSeq: number,
    hi: number,
    lo: number,
  ) {
    this.key = key;
    this.value = value;
    this.birthOrigin = birthOrigin;
    this.birthSeq = birthSeq;
    this.dotOrigin = dotOrigin;
    this.dotSeq = dotSeq;
    this.hi = hi;
    this.lo = lo;
  }

  /** The value as a reader sees it, decoded now unless it is kept; see decoded-values.ts. */
  read(): unknown {
    return this.decoded === undefined ? decodeValue(this.value) : this.decoded;
  }
}

/** Order of two writes: stamp, then cluster-wide origin id, then seq. Positive if a is newer. */
export function compareWrites(
  ids: readonly number[],
  a: { hi: number; lo: number; dotOrigin: number; dotSeq: number },
  b: { hi: number; lo: number; dotOrigin: number; dotSeq: number },
): number {
  if (a.hi !== b.hi) return a.hi - b.hi;
  if (a.lo !== b.lo) return a.lo - b.lo;
  if (a.dotOrigin !== b.dotOrigin) {
    return (ids[a.dotOrigin] as number) - (ids[b.dotOrigin] as number);
  }
  return a.dotSeq - b.dotSeq;
}
