/** Waiting for a condition, never longer than a limit. */
import { setTimeout as sleep } from "node:timers/promises";

/** How a wait is done. */
export interface WaitOptions {
  readonly limitMs: number;
  /** What was waited for, as in "no … within 5 s". */
  readonly what: string;
  /** Between two looks. Default 20 ms. */
  readonly lookMs?: number;
}

/**
 * Looks until `look` gives a value, and says how long that took. Rejects at the limit with what
 * `explain` says of the last look.
 */
export async function waitFor<T>(
  { limitMs, what, lookMs = 20 }: WaitOptions,
  look: () => Promise<T | undefined>,
  explain: () => string = () => "",
): Promise<{ readonly value: T; readonly tookMs: number }> {
  const startMs = performance.now();
  for (;;) {
    const value = await look();
    const tookMs = performance.now() - startMs;
    if (value !== undefined) return { value, tookMs };
    if (tookMs > limitMs) {
      const last = explain();
      throw new Error(`no ${what} within ${limitMs / 1_000} s${last ? ` (${last})` : ""}`);
    }
    await sleep(lookMs);
  }
}
