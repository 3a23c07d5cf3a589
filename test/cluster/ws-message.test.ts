import { describe, expect, test } from "vitest";
import { maskingFor, WsMessages } from "../../src/cluster/ws-message.ts";

const SIZES = [0, 1, 2, 3, 4, 125, 126, 127, 16_384, 16_385, 65_535, 65_536, 65_539, 300_001];

/** Reads a message as RFC 6455 has it. */
function read(message: Buffer) {
  const form = (message[1] as number) & 0x7f;
  const isMasked = ((message[1] as number) & 0x80) !== 0;
  let at = 2;
  let size = form;
  if (form === 126) size = message.readUInt16BE(at);
  if (form === 127) size = Number(message.readBigUInt64BE(at));
  at += form === 126 ? 2 : form === 127 ? 8 : 0;
  const mask = isMasked ? message.subarray(at, at + 4) : Buffer.alloc(4);
  if (isMasked) at += 4;
  const content = message.subarray(at).map((byte, index) => byte ^ (mask[index % 4] as number));
  return { first: message[0], isMasked, size, mask: mask.toString("hex"), content };
}

function contentOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + size) & 0xff);
}

describe("a message in one piece", () => {
  for (const masking of ["none", "zero", "random"] as const) {
    test(`says what RFC 6455 asks for at every size, masking ${masking}`, () => {
      const messages = new WsMessages(masking);
      for (const size of SIZES) {
        const content = contentOf(size);
        const message = messages.of(content);
        if (message === undefined) {
          expect(masking === "random" || size <= 16_384).toBe(false);
          continue;
        }
        const { first, isMasked, size: said, content: got } = read(message);
        expect({ first, isMasked, said }).toEqual({
          first: 0x82,
          isMasked: masking !== "none",
          said: size,
        });
        expect(Buffer.compare(got, content)).toBe(0);
        // Peers share what is sent: it must not change.
        expect(Buffer.compare(content, contentOf(size))).toBe(0);
      }
    });
  }

  test("has a mask of its own each time, unless that is to be zero", () => {
    const masksOf = (masking: "zero" | "random") => {
      const messages = new WsMessages(masking);
      const all = Array.from({ length: 3000 }, () => messages.of(contentOf(20)) as Buffer);
      return new Set(all.map((message) => read(message).mask));
    };
    expect(masksOf("zero")).toEqual(new Set(["00000000"]));
    expect(masksOf("random").size).toBeGreaterThan(2990);
  });
});

test("the mask is zero by default only where no proxy can be on the way", () => {
  const sheltered = ["wss://10.0.0.5:7400", "ws://127.0.0.1:1", "ws://127.9.9.9:1", "ws://[::1]:1"];
  const open = [
    "ws://10.0.0.5:7400",
    "ws://a.example:1",
    "ws://127.0.0.1.example:1",
    "ws://[::2]:1",
  ];
  for (const address of [...sheltered, "ws://localhost:1"]) {
    expect(maskingFor(address, undefined)).toBe("zero");
    expect(maskingFor(address, false)).toBe("random");
  }
  for (const address of open) {
    expect(maskingFor(address, undefined)).toBe("random");
    expect(maskingFor(address, true)).toBe("zero");
  }
  expect(() => maskingFor("nowhere", undefined)).toThrow();
});
