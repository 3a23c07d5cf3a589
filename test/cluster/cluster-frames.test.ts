import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ClusterFrame,
  decodeClusterFrame,
  encodeClusterFrame,
} from "../../src/cluster/cluster-frames.ts";
import { HANDSHAKE_FRAME_BYTES_MAX } from "../../src/cluster/frame-limits.ts";
import { ProtocolError, type RefusalReason } from "../../src/errors.ts";

const text = (maxBytes: number) =>
  fc
    .string({ minLength: 1, maxLength: Math.floor(maxBytes / 4), unit: "grapheme" })
    .filter((value) => new TextEncoder().encode(value).length <= maxBytes)
    .filter(
      (value) => !value.includes("\ufffd") && ![...value].some((c) => c < " " || c === "\x7f"),
    );
const nat = fc.maxSafeNat();
const origin = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const identity = {
  origin,
  name: text(255),
  nodeNumber: fc.nat(255),
  address: text(512),
};
const introduction = {
  protocols: fc.record({ min: fc.nat(9), max: fc.nat(9) }),
  cluster: text(255),
  ...identity,
  features: fc.array(text(32), { maxLength: 64 }),
  nonce: bytes(16),
  wall: nat,
  side: fc.record({ openMembers: nat, lowestOrigin: nat }),
};
const verdict = fc.constantFrom("open" as const, "closed" as const, "superseded" as const);
const reasons: RefusalReason[] = [
  "protocol",
  "cluster",
  "secret",
  "name",
  "self",
  "fenced",
  "clock",
  "busy",
  "malformed",
  "timeout",
];
const stamp = fc.double({ noNaN: true, noDefaultInfinity: true });
const pingMember = fc.record({ ...identity, beat: nat, linked: fc.boolean() });
const frames: fc.Arbitrary<ClusterFrame> = fc.oneof(
  fc.record({ kind: fc.constant("hello" as const), ...introduction }),
  fc.record({
    kind: fc.constant("welcome" as const),
    ...introduction,
    protocol: fc.nat(9),
    verdict,
    proof: bytes(32),
  }),
  fc.record({ kind: fc.constant("proof" as const), verdict, proof: bytes(32) }),
  fc.record({
    kind: fc.constant("refuse" as const),
    reason: fc.constantFrom(...reasons),
    message: text(512),
  }),
  fc.record({
    kind: fc.constant("ping" as const),
    stamp,
    members: fc.array(pingMember, { maxLength: 20 }),
    absent: fc.array(origin, { maxLength: 20 }),
  }),
  fc.record({ kind: fc.constant("pong" as const), stamp }),
  fc.record({ kind: fc.constant("goodbye" as const) }),
);

/** Whatever the bytes are: a frame, or a ProtocolError, and never anything else. */
function decodeOrRefuse(input: Uint8Array): void {
  try {
    decodeClusterFrame(input);
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
}

const changed = (input: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  const copy = input.slice();
  change(copy);
  return copy;
};

describe("cluster frames", () => {
  it("every frame comes back as it went", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeClusterFrame(encodeClusterFrame(frame))).toEqual(frame);
      }),
    );
  });

  it("random bytes give a frame or a ProtocolError", () => {
    const input = fc.uint8Array({ maxLength: 300 });
    const kinds = fc.tuple(fc.nat(9), input).map(([kind, rest]) => Uint8Array.of(kind, ...rest));
    fc.assert(fc.property(fc.oneof(input, kinds), decodeOrRefuse), { numRuns: 2000 });
  });

  it("frames with some bytes changed give a frame or a ProtocolError", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    const property = fc.property(frames, edits, (frame, list) => {
      const input = changed(encodeClusterFrame(frame), (copy) => {
        for (const [at, byte] of list) copy[at % copy.length] = byte;
      });
      decodeOrRefuse(input);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it("a frame cut short, or with bytes behind it, is refused", () => {
    const property = fc.property(frames, fc.nat(), (frame, cut) => {
      const whole = encodeClusterFrame(frame);
      const short = whole.subarray(0, cut % whole.length);
      // The text of a refusal has its length before it, so no cut goes unnoticed.
      expect(() => decodeClusterFrame(short)).toThrow(ProtocolError);
      const long = Uint8Array.of(...whole, 0);
      // A hello of a newer version may say more.
      if (frame.kind === "hello") expect(decodeClusterFrame(long)).toEqual(frame);
      else expect(() => decodeClusterFrame(long)).toThrow(ProtocolError);
    });
    fc.assert(property);
  });

  it("the largest introduction fits into a handshake frame", () => {
    const wide = (length: number) => "x".repeat(length);
    const about = {
      protocols: { min: 65_535, max: 65_535 },
      cluster: wide(255),
      origin: Number.MAX_SAFE_INTEGER,
      name: wide(255),
      nodeNumber: 2 ** 32 - 1,
      address: wide(512),
      features: Array.from({ length: 64 }, () => wide(32)),
      nonce: new Uint8Array(16),
      wall: Number.MAX_SAFE_INTEGER,
      side: { openMembers: 10_001, lowestOrigin: Number.MAX_SAFE_INTEGER },
    };
    const hello = encodeClusterFrame({ kind: "hello", ...about });
    const rest = { protocol: 65_535, verdict: "open", proof: new Uint8Array(32) } as const;
    const welcome = encodeClusterFrame({ kind: "welcome", ...about, ...rest });
    expect(hello.length).toBeLessThanOrEqual(HANDSHAKE_FRAME_BYTES_MAX);
    expect(welcome.length).toBeLessThanOrEqual(HANDSHAKE_FRAME_BYTES_MAX);
  });

  it("names that would garble a log or merge two nodes are refused", () => {
    for (const name of ["", "a\nb", "a\u0000", "\u007f", "\ufffd"]) {
      const member = { origin: 1, name, nodeNumber: 0, address: "x", beat: 1, linked: false };
      const ping = { kind: "ping", stamp: 0, members: [member], absent: [] } as const;
      expect(() => decodeClusterFrame(encodeClusterFrame(ping)), name).toThrow(ProtocolError);
    }
  });

  it("a ping of more members than a cluster may have is refused before they are read", () => {
    const ping = { kind: "ping", stamp: 0, members: [], absent: [] } as const;
    const input = changed(encodeClusterFrame(ping), (copy) => copy.fill(0x7f, 9, 10));
    const many = Uint8Array.of(...input.subarray(0, 9), 0xff, 0xff, 0x7f, ...input.subarray(10));
    expect(() => decodeClusterFrame(many)).toThrow(/at most 10001/);
  });

  it("a hello of another protocol, which lacks the magic word, is refused", () => {
    const property = fc.property(
      fc.record({ kind: fc.constant("hello" as const), ...introduction }),
      (hello) => {
        const input = changed(encodeClusterFrame(hello), (copy) => copy.set([0x58], 3));
        expect(() => decodeClusterFrame(input)).toThrow(/magic word/);
      },
    );
    fc.assert(property, { numRuns: 10 });
  });

  it("origin 0 and stamps that are no numbers are refused", () => {
    const absent = { kind: "ping", stamp: 0, members: [], absent: [0] } as const;
    expect(() => decodeClusterFrame(encodeClusterFrame(absent))).toThrow(/origin 0/);
    const pong = { kind: "pong", stamp: Number.NaN } as const;
    expect(() => decodeClusterFrame(encodeClusterFrame(pong))).toThrow(/stamp NaN/);
  });
});
