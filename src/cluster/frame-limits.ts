/** How large the parts of cluster frames may be, and which texts may be names in them. */

/** Cluster and node names, bytes of UTF-8. */
export const NAME_BYTES_MAX = 255;
/** Addresses, bytes of UTF-8. */
export const ADDRESS_BYTES_MAX = 512;
/** Names of features in one hello. */
export const FEATURES_MAX = 64;
/** One feature's name, bytes of UTF-8: 64 of them fit into a handshake frame. */
export const FEATURE_BYTES_MAX = 32;
/** Node numbers are smaller than this. */
export const NODE_NUMBER_END = 2 ** 32;
/** Text of a refusal, bytes of UTF-8. */
export const MESSAGE_BYTES_MAX = 512;
/** Members in one ping, the sender included, and origins in its list of absent ones. */
export const PING_MEMBERS_MAX = 10_001;
/** Any frame before its sender has proved that it knows the secret. */
export const HANDSHAKE_FRAME_BYTES_MAX = 4096;
/** Bytes of a nonce. */
export const NONCE_BYTES = 16;
/** Bytes of an HMAC-SHA-256. */
export const PROOF_BYTES = 32;
/** Frames of the layer above start with this byte or a higher one. */
export const UPPER_KIND_MIN = 0x20;

const encoder = new TextEncoder();

/**
 * What is wrong with a text as a name or an address, or undefined. Control characters would
 * garble logs; U+FFFD stands for bytes that were no UTF-8, so two names could become one.
 */
export function faultOfText(text: unknown, maxBytes: number): string | undefined {
  if (typeof text !== "string") return `is of type ${typeof text}, allowed is a string`;
  if (text === "") return "is empty";
  // A code unit has three bytes at most, so that most texts need not be encoded to be judged.
  if (text.length * 3 > maxBytes && encoder.encode(text).length > maxBytes) {
    return `is longer than ${maxBytes} bytes`;
  }
  if (!text.isWellFormed() || text.includes("\ufffd")) return "is not well-formed Unicode";
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) return "holds a control character";
  }
  return undefined;
}
