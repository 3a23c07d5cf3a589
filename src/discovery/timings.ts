/** The timings of discovery: their defaults and their check. Pure. */
import { SCHEDULE_DEFAULTS, type ScheduleTimings } from "./schedule.ts";

/** In milliseconds. See also {@link ScheduleTimings}. */
export interface DiscoveryTimings extends ScheduleTimings {
  /** A query that takes longer counts as failed; its late answer is dropped. Default 5,000. */
  readonly queryTimeoutMs: number;
  /** Longest wait for the backend when stopping or leaving. Default 2,000. */
  readonly stopTimeoutMs: number;
}

export const TIMING_DEFAULTS: DiscoveryTimings = {
  ...SCHEDULE_DEFAULTS,
  queryTimeoutMs: 5_000,
  stopTimeoutMs: 2_000,
};

/** A day: timers cannot be set for more than 24 of them. */
const TIMING_MAX_MS = 86_400_000;

/** What is wrong with timings, one sentence each. */
export function timingFaults(timings: object): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(timings)) {
    if (!Object.hasOwn(TIMING_DEFAULTS, name)) {
      const known = Object.keys(TIMING_DEFAULTS).join(", ");
      faults.push(`timings.${name}: is not known, allowed are ${known}`);
    } else if (!(typeof value === "number" && value >= 1 && value <= TIMING_MAX_MS)) {
      faults.push(`timings.${name}: is ${String(value)}, allowed is 1 to ${TIMING_MAX_MS} ms`);
    }
  }
  return faults;
}
