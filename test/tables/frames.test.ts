/** Bytes from peers: whatever they are, they are refused as a whole or understood. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/errors.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { TableIdentity } from "../../src/tables/table-state.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { Pair } from "./pair.ts";

const rooms: TableIdentity = { name: "rooms", type: "set", lifetime: "cluster" };
const tags: TableIdentity = { name: "tags", type: "bag", lifetime: "node" };
const KINDS = [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27];

/** Every kind of frame, as two real nodes send them. */
function realFrames(): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const opRingOps of [1000, 2]) {
    const pair = new Pair({ opRingOps, chunkKeys: 3 });
    const push = pair.sent.push.bind(pair.sent);
    pair.sent.push = (...sent) => {
      frames.push(...sent.map(({ frame }) => frame));
      return push(...sent);
    };
    fill(pair.a, 0);
    fill(pair.b, 5);
    pair.link();
    pair.a.write.patch(pair.a.open(rooms), encodeKey("k1"), encodeValue({ n: "patched" }));
    pair.a.write.deleteMany(pair.a.open(rooms), [encodeKey("k2"), encodeKey("k7")]);
    pair.settle();
    pair.unlink();
    fill(pair.a, 2);
    fill(pair.b, 9);
    pair.link();
    pair.tick(1000);
  }
  return frames;
}

function fill(tables: Tables, from: number): void {
  for (let at = from; at < from + 6; at++) {
    tables.write.set(tables.open(rooms), encodeKey(`k${at}`), encodeValue({ n: at }));
    tables.write.add(tables.open(tags), encodeKey([at, "tag"]), encodeValue(new Map([[at, at]])));
  }
}

/** What a linked node makes of the frame: nothing, or a ProtocolError and nothing changed. */
function receive(frame: Uint8Array): void {
  const pair = new Pair({ opRingOps: 4 });
  fill(pair.a, 0);
  pair.link();
  const { sumA, births } = pair.a.open(rooms);
  try {
    pair.a.receive(2, frame);
    for (let run = 0; run < 20; run++) pair.a.run();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    expect(pair.a.open(rooms)).toMatchObject({ sumA, births });
  }
  // Whatever was understood, the node goes on.
  expect(pair.a.write.set(pair.a.open(rooms), encodeKey("mine"), encodeValue(1))).toBeGreaterThan(
    0,
  );
  expect(pair.a.open(rooms).visible(encodeKey("mine"))?.read()).toBe(1);
}

describe("frames between tables", () => {
  const frames = realFrames();

  it("the sample holds every kind", () => {
    expect([...new Set(frames.map((frame) => frame[0]))].sort()).toEqual(KINDS);
  });

  it("random bytes give a ProtocolError or nothing", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.uint8Array({ maxLength: 60 }), (kind, bytes) => {
        receive(Uint8Array.of(kind, ...bytes));
      }),
      { numRuns: 200 },
    );
  });

  it("real frames with bytes changed, cut or added give a ProtocolError or nothing", () => {
    const change = fc.record({
      frame: fc.constantFrom(...frames),
      at: fc.nat(),
      byte: fc.nat({ max: 255 }),
      cut: fc.option(fc.nat(), { nil: null }),
      tail: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(change, ({ frame, at, byte, cut, tail }) => {
        const changed = Uint8Array.of(...frame, ...tail);
        changed[1 + (at % (changed.length - 1))] = byte;
        receive(cut === null ? changed : changed.slice(0, 1 + (cut % changed.length)));
      }),
      { numRuns: 600 },
    );
  });

  it("a frame that is cut short anywhere is refused, each kind", () => {
    for (const kind of KINDS) {
      const frame = frames.find((one) => one[0] === kind && one.length > 1) as Uint8Array;
      const pair = new Pair();
      pair.link();
      expect(() => pair.a.receive(2, frame.slice(0, frame.length - 1))).toThrow(ProtocolError);
    }
  });

  it("a kind that is not known is refused", () => {
    const pair = new Pair();
    pair.link();
    expect(() => pair.a.receive(2, Uint8Array.of(0x3f))).toThrow(/unknown to this protocol/);
  });

  it("an acknowledgement of what was not written is refused", () => {
    const pair = new Pair();
    pair.link();
    expect(() => pair.a.receive(2, Uint8Array.of(0x21, 5, 0))).toThrow(/not written/);
  });

  it("an op that is not the next of its origin is refused, and counted", () => {
    const pair = new Pair();
    pair.link();
    const frame = Uint8Array.of(
      0x20,
      1,
      2,
      1,
      2,
      0,
      ...[1, 97],
      0,
      9,
      1,
      0,
      0,
      ...[0, 1, 107],
      1,
      1,
    );
    const value = encodeValue(1);
    const bytes = [...value].map((unit) => unit.charCodeAt(0));
    expect(() => pair.a.receive(2, Uint8Array.of(...frame, value.length, ...bytes))).toThrow(
      /op 9/,
    );
    expect(pair.a.counters.gaps).toBe(1);
  });
});
