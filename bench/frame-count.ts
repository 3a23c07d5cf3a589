/**
 * Counts the WebSocket frames in a stream of bytes, as a proxy sees it pass. What comes before
 * the first frame is the HTTP upgrade and ends with an empty line.
 */

const UPGRADE_END = Buffer.from("\r\n\r\n");

/** One direction of one connection. */
export class FrameCount {
  frames = 0;
  bytes = 0;
  #isUpgraded = false;
  /** Bytes of the present frame that are still to come. */
  #left = 0;
  /** What has come of a header that is not complete. */
  #header: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    let rest = this.#header.length > 0 ? Buffer.concat([this.#header, chunk]) : chunk;
    this.#header = Buffer.alloc(0);
    if (!this.#isUpgraded) {
      const end = rest.indexOf(UPGRADE_END);
      if (end < 0) {
        this.#header = rest;
        return;
      }
      this.#isUpgraded = true;
      rest = rest.subarray(end + UPGRADE_END.length);
    }
    this.#frames(rest);
  }

  #frames(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, rest.length);
        this.#left -= taken;
        rest = rest.subarray(taken);
        continue;
      }
      const size = frameSize(rest);
      if (size === null) {
        this.#header = rest;
        return;
      }
      this.frames++;
      this.#left = size;
    }
  }
}

/** Header, mask and payload of the frame that begins here; null if its header is cut off. */
function frameSize(bytes: Buffer): number | null {
  const second = bytes[1];
  if (second === undefined) return null;
  const mask = second & 0x80 ? 4 : 0;
  const short = second & 0x7f;
  if (short < 126) return 2 + mask + short;
  if (short === 126) return bytes.length < 4 ? null : 4 + mask + bytes.readUInt16BE(2);
  return bytes.length < 10 ? null : 10 + mask + Number(bytes.readBigUInt64BE(2));
}
