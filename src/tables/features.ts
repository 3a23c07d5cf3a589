/**
 * What these tables can do beyond protocol 1 as it was released first. Both ends name theirs at
 * the handshake; a frame that needs one goes only to a peer that has it.
 */

/** Serial operations. */
export const SERIAL_FEATURE = "serial";

/** Serial frames may go through a common neighbour. */
export const DETOUR_FEATURE = "serial-detour";

/** Retirements are told by frame, with the seq at which each origin was retired. */
export const FEATURE_RETIRED = "retired";

/** Digests go with vectors, and replicas can be compared. */
export const FEATURE_DIGEST = "digest";

/** A session lists the births in buckets that differ, not the keys. */
export const FEATURE_HELD = "held";

/** All of them, for the handshake. */
export const TABLES_FEATURES: readonly string[] = [
  FEATURE_RETIRED,
  FEATURE_DIGEST,
  FEATURE_HELD,
  SERIAL_FEATURE,
  DETOUR_FEATURE,
];
