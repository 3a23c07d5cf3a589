/** Seeds that once failed: run first, for ever. Beside each: what was wrong. */
export const RECORDED_SEEDS: readonly number[] = [];
