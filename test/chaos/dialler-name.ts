/**
 * Who has dialled: every node has one address for all others, so the proxy reads the name from
 * the first frame that the dialling end sends, its hello.
 */
import { decodeClusterFrame } from "../../src/cluster/cluster-frames.ts";

const HEAD_BYTES_MAX = 16 * 1024;
const FIN_BINARY = 0x82;
const MASKED = 0x80;

/** Takes the bytes that the dialling end sends, until it knows the name. */
export class DiallerName {
  #bytes = Buffer.alloc(0);

  /** The name, once the hello is complete. Throws if there will never be one. */
  read(bytes: Buffer): string | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const headEnd = this.#bytes.indexOf("\r\n\r\n");
    if (this.#bytes.length > HEAD_BYTES_MAX) throw new Error("no hello in the first bytes");
    const frame = headEnd < 0 ? undefined : unmasked(this.#bytes.subarray(headEnd + 4));
    if (frame === undefined) return undefined;
    const hello = decodeClusterFrame(frame);
    if (hello.kind !== "hello") throw new Error(`a ${hello.kind} before the hello`);
    return hello.name;
  }
}

/** The payload of one WebSocket message; undefined if there is more to come. */
function unmasked(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 2) return undefined;
  const lengthByte = bytes.readUInt8(1);
  if (bytes.readUInt8(0) !== FIN_BINARY || lengthByte < MASKED) throw new Error("no hello");
  const isLong = lengthByte === MASKED + 126;
  if (lengthByte > MASKED + 126) throw new Error("a hello is not that long");
  const maskAt = isLong ? 4 : 2;
  if (bytes.length < maskAt + 4) return undefined;
  const size = isLong ? bytes.readUInt16BE(2) : lengthByte - MASKED;
  const mask = bytes.subarray(maskAt, maskAt + 4);
  const masked = bytes.subarray(maskAt + 4, maskAt + 4 + size);
  if (masked.length < size) return undefined;
  return Buffer.from(masked.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
}
