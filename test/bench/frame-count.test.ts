import { expect, test } from "vitest";
import { FrameCount } from "../../bench/frame-count.ts";

/** A frame as a client (masked) or a server sends it. */
function frame(payload: number, masked: boolean): Buffer {
  const mask = masked ? 4 : 0;
  const extended = payload < 126 ? 0 : payload < 65_536 ? 2 : 8;
  const bytes = Buffer.alloc(2 + extended + mask + payload);
  bytes[0] = 0x82;
  bytes[1] = (masked ? 0x80 : 0) | (extended === 0 ? payload : extended === 2 ? 126 : 127);
  if (extended === 2) bytes.writeUInt16BE(payload, 2);
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(payload), 2);
  return bytes;
}

const upgrade = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
const stream = Buffer.concat([
  upgrade,
  ...[0, 5, 125, 126, 300, 65_535, 65_536, 70_000, 1].map((size, at) => frame(size, at % 2 === 0)),
]);

test.each([1, 7, 1000, stream.length])("frames are counted in pieces of %i bytes", (piece) => {
  const count = new FrameCount();
  for (let at = 0; at < stream.length; at += piece) count.take(stream.subarray(at, at + piece));
  expect(count).toMatchObject({ frames: 9, bytes: stream.length });
});
