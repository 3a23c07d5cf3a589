/** Frames behind features: today's code reads the recorded bytes, and writes the same. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FRAME_KIND } from "../../src/cluster/cluster-frames.ts";
import { FRAME_RETIRED } from "../../src/tables/frame-kinds.ts";
import { SERIAL_KIND_MAX, SERIAL_KIND_MIN } from "../../src/tables/serial/serial-frames.ts";
import { FEATURE_FRAMES } from "./features.ts";

/** Lines of name and bytes; "#" begins a remark. */
function recorded(): Map<string, Uint8Array> {
  const frames = new Map<string, Uint8Array>();
  const text = readFileSync(new URL("features.hex", import.meta.url), "utf8");
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [name = "", hex = ""] = line.split("\t");
    frames.set(name, new Uint8Array(Buffer.from(hex, "hex")));
  }
  return frames;
}

const FRAMES = recorded();
const TABLE_KINDS = Array.from({ length: 8 }, (_, at) => FRAME_RETIRED + at);
const SERIAL_KINDS = Array.from(
  { length: SERIAL_KIND_MAX - SERIAL_KIND_MIN + 1 },
  (_, at) => SERIAL_KIND_MIN + at,
);

/** Dumps, the lease, the caches of stores. */
const NODE_KINDS = [0x41, 0x42, 0x43, 0x44, 0x45, 0x46];

describe("frames behind features", () => {
  it("are recorded for every kind, each with its meaning", () => {
    const kinds = new Set([...FRAMES.values()].map((bytes) => bytes[0]));
    const known = [...TABLE_KINDS, ...SERIAL_KINDS, FRAME_KIND.link, ...NODE_KINDS];
    expect([...kinds].sort()).toEqual(known.sort());
    expect([...FRAMES.keys()].sort()).toEqual(Object.keys(FEATURE_FRAMES).sort());
    for (const [name, bytes] of FRAMES) expect(bytes[0]).toBe(FEATURE_FRAMES[name]?.kind);
  });

  it.each([...FRAMES])("%s: is read to the same meaning", (name, bytes) => {
    expect(FEATURE_FRAMES[name]?.read(bytes)).toEqual(FEATURE_FRAMES[name]?.meaning);
  });

  it.each([...FRAMES])("%s: is written to the same bytes", (name, bytes) => {
    const written = FEATURE_FRAMES[name]?.write() ?? new Uint8Array();
    expect(Buffer.from(written).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
  });

  it.each([...FRAMES])("%s: is refused when a byte is missing", (name, bytes) => {
    expect(() => FEATURE_FRAMES[name]?.read(bytes.subarray(0, -1))).toThrow();
  });
});
