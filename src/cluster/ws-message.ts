/**
 * Binary messages of RFC 6455 in one piece of memory: head, mask and content. ws makes a list and
 * two writes of each, which for a frame of a few bytes is a large part of what it costs, and masks
 * byte by byte, which for a large one is nearly all of it.
 */
import { randomFillSync } from "node:crypto";

/** What a dialling end does to what it sends; an accepting one sends as it is. */
export type Masking = "none" | "zero" | "random";

/** Content of more bytes is better not copied, unless it has to be for its mask. */
const COPIED_BYTES_MAX = 16 * 1024;
const FINAL_BINARY = 0x82;
const MASKED = 0x80;
/** Stand in for the size where that takes two or eight bytes of its own. */
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;
const MASK_BYTES = 4;
const HEAD_BYTES_MAX = 14;
/** A border of words behind the longest head. */
const CONTENT_AT = 16;
const POOL_BYTES = 4096;
const IPV4_LOOPBACK = /^127\.\d+\.\d+\.\d+$/;

/**
 * What the dialling end of a link to that address does, if `zeroMask` does not say it. The mask
 * guards proxies that take what they carry for HTTP: there is none within TLS, or on the way to
 * this machine's own loopback addresses. Throws for what is no address.
 */
export function maskingFor(address: string, zeroMask: boolean | undefined): Masking {
  const { protocol, hostname } = new URL(address);
  const isLoopback =
    hostname === "localhost" || hostname === "[::1]" || IPV4_LOOPBACK.test(hostname);
  return (zeroMask ?? (protocol === "wss:" || isLoopback)) ? "zero" : "random";
}

/** Makes the messages of one end of a link. */
export class WsMessages {
  readonly #masking: Masking;
  #pool: Buffer | undefined;
  #poolAt = POOL_BYTES;

  constructor(masking: Masking) {
    this.#masking = masking;
  }

  /** The whole message, with a copy of the content; undefined where ws does as well. */
  of(content: Uint8Array): Buffer | undefined {
    const isMasked = this.#masking === "random";
    if (content.length > COPIED_BYTES_MAX) return isMasked ? this.#large(content) : undefined;
    const from = this.#headBytes(content.length);
    const message = Buffer.allocUnsafe(from + content.length);
    this.#head(message, content.length);
    message.set(content, from);
    if (!isMasked) return message;
    for (let at = from; at < message.length; at++) {
      const byte = message[from - MASK_BYTES + ((at - from) & 3)] as number;
      message[at] = (message[at] as number) ^ byte;
    }
    return message;
  }

  /** Masked by words: for that the content begins at a border. */
  #large(content: Uint8Array): Buffer {
    const from = this.#headBytes(content.length);
    const words = Math.ceil(content.length / MASK_BYTES);
    const memory = Buffer.allocUnsafeSlow(CONTENT_AT + words * MASK_BYTES);
    const message = memory.subarray(CONTENT_AT - from, CONTENT_AT + content.length);
    this.#head(message, content.length);
    message.set(content, from);
    // The mask lies right before the content, so both are words of one array.
    const view = new Int32Array(memory.buffer, memory.byteOffset + CONTENT_AT - MASK_BYTES);
    const mask = view[0] as number;
    for (let at = 1; at <= words; at++) view[at] = (view[at] as number) ^ mask;
    return message;
  }

  #headBytes(size: number): number {
    const maskBytes = this.#masking === "none" ? 0 : MASK_BYTES;
    if (size < TWO_BYTES) return 2 + maskBytes;
    return (size < 0x10000 ? 4 : HEAD_BYTES_MAX - MASK_BYTES) + maskBytes;
  }

  #head(message: Buffer, size: number): void {
    const isMasked = this.#masking !== "none";
    message[0] = FINAL_BINARY;
    const form = size < TWO_BYTES ? size : size < 0x10000 ? TWO_BYTES : EIGHT_BYTES;
    message[1] = (isMasked ? MASKED : 0) | form;
    if (form === TWO_BYTES) message.writeUInt16BE(size, 2);
    else if (form === EIGHT_BYTES) message.writeBigUInt64BE(BigInt(size), 2);
    if (!isMasked) return;
    const maskAt = this.#headBytes(size) - MASK_BYTES;
    if (this.#masking === "zero") message.fill(0, maskAt, maskAt + MASK_BYTES);
    else this.#randomMask(message, maskAt);
  }

  #randomMask(message: Buffer, at: number): void {
    if (this.#poolAt === POOL_BYTES) {
      this.#pool ??= Buffer.alloc(POOL_BYTES);
      randomFillSync(this.#pool);
      this.#poolAt = 0;
    }
    this.#pool?.copy(message, at, this.#poolAt, this.#poolAt + MASK_BYTES);
    this.#poolAt += MASK_BYTES;
  }
}
