/**
 * The kinds of frames between tables, by their first byte. Kinds below 0x20 are the cluster's.
 * doc/protocol.md describes every byte; a change there needs a new protocol version.
 */
export const FRAME_OPS = 0x20;
export const FRAME_ACK = 0x21;
export const FRAME_VECTOR = 0x22;
export const FRAME_PULL = 0x23;
export const FRAME_CHUNK = 0x24;
export const FRAME_END = 0x25;
export const FRAME_CAUGHT = 0x26;
export const FRAME_FAR = 0x27;
/** From here on only to peers that have the feature named in doc/protocol.md. */
export const FRAME_RETIRED = 0x28;
export const FRAME_DIGEST = 0x29;
export const FRAME_COMPARE = 0x2a;
export const FRAME_KEYS = 0x2b;
export const FRAME_SHOW = 0x2c;
export const FRAME_SHOWN = 0x2d;
export const FRAME_COMPARED = 0x2e;
export const FRAME_HELD = 0x2f;

/** Bounds of what a frame may carry, checked on receipt. */
export const KEY_BYTES_MAX = 1024;
export const VALUE_BYTES_MAX: number = 1024 * 1024 + 16;
export const NAME_BYTES_MAX = 255;
export const ORIGINS_MAX = 65_536;
export const TABLES_MAX = 10_000;
export const KILLS_MAX = 65_536;
