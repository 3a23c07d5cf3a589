/**
 * Hybrid logical clock: a stamp is never below one that was seen before, and stays near the wall
 * clock otherwise. A stamp is two small integers, for V8 keeps those without a heap number each:
 * `hi` counts seconds since 2020, `lo` is milliseconds * 2^20 plus a counter.
 */

const EPOCH_MS = Date.UTC(2020, 0, 1);
const COUNTER_RANGE = 1 << 20;
const LO_END = 1000 * COUNTER_RANGE;

/** Highest `hi` that a frame may carry (2^31 - 1 seconds after 2020). */
export const STAMP_HI_MAX = 0x7fffffff;
/** Highest `lo`. */
export const STAMP_LO_MAX: number = LO_END - 1;

/** One node's clock; `hi` and `lo` are the newest stamp seen or given out. */
export class HybridClock {
  hi = 0;
  lo = 0;

  /** Moves past every stamp seen and up to the wall clock; read `hi` and `lo` afterwards. */
  tick(wallMs: number): void {
    const sinceEpoch = Math.max(0, Math.floor(wallMs) - EPOCH_MS);
    const hi = Math.floor(sinceEpoch / 1000);
    const lo = (sinceEpoch % 1000) * COUNTER_RANGE;
    if (hi > this.hi || (hi === this.hi && lo > this.lo)) {
      this.hi = hi;
      this.lo = lo;
    } else if (++this.lo >= LO_END) {
      this.lo = 0;
      this.hi++;
    }
  }

  /** Remembers a stamp made elsewhere. */
  see(hi: number, lo: number): void {
    if (hi > this.hi || (hi === this.hi && lo > this.lo)) {
      this.hi = hi;
      this.lo = lo;
    }
  }
}

/** Wall clock of a stamp, ms since the Unix epoch. */
export function stampToMs(hi: number, lo: number): number {
  return EPOCH_MS + hi * 1000 + Math.floor(lo / COUNTER_RANGE);
}
