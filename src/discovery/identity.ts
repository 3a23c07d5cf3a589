/** The identity of a node that has no database to get one from. */
import { UnsupportedError } from "../errors.ts";
import type { Clock, Random } from "../runtime.ts";
import type { Identity } from "./discovery.ts";

/** 2020-01-01T00:00:00Z. Counting from here keeps origins below 2^53 until 2089. */
const EPOCH_MS = 1_577_836_800_000;
const RANDOM_STEPS = 4096;

/**
 * An origin from the wall clock and twelve random bits, so that a restart gets a greater one
 * and two nodes started in one millisecond rarely get the same. Peers that have seen a greater
 * one of this name say so at the handshake.
 */
export function selfIdentity(clock: Clock, random: Random): Identity {
  const sinceEpochMs = Math.floor(clock.wall()) - EPOCH_MS;
  const origin = sinceEpochMs * RANDOM_STEPS + Math.floor(random.float() * RANDOM_STEPS);
  if (!(sinceEpochMs > 0) || !Number.isSafeInteger(origin)) {
    throw new UnsupportedError(
      `the wall clock shows ${clock.wall()} ms since 1970; allowed is a time from 2020 to 2089`,
    );
  }
  return { origin, nodeNumber: 0 };
}
