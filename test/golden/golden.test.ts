/** Frames as the first version wrote them: today's code reads them, and writes the same. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FRAME_KIND } from "../../src/cluster/cluster-frames.ts";
import { FRAME_REPORT } from "../../src/node/report.ts";
import { PROTOCOL_1 } from "./protocol-1.ts";
import { meaningOf } from "./reading.ts";
import { bytesOf } from "./writing.ts";

/** Lines of name and bytes; "#" begins a remark. */
function recorded(file: string): Map<string, Uint8Array> {
  const frames = new Map<string, Uint8Array>();
  for (const line of readFileSync(new URL(file, import.meta.url), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [name = "", hex = ""] = line.split("\t");
    if (!/^([0-9a-f]{2})+$/.test(hex)) throw new Error(`"${name}" has no bytes`);
    frames.set(name, new Uint8Array(Buffer.from(hex, "hex")));
  }
  return frames;
}

const FRAMES = recorded("protocol-1.hex");
const TABLE_KINDS = [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27];

describe("frames of protocol 1", () => {
  it("are recorded for every kind that version 0.1.0 had, each with its meaning", () => {
    const kinds = new Set([...FRAMES.values()].map((bytes) => bytes[0]));
    const { link: _later, ...ofClusters } = FRAME_KIND;
    const known = [...Object.values(ofClusters), ...TABLE_KINDS, FRAME_REPORT];
    expect([...kinds].sort()).toEqual(known.sort());
    expect([...FRAMES.keys()].sort()).toEqual(Object.keys(PROTOCOL_1).sort());
  });

  it.each([...FRAMES])("%s: is read to the same meaning", (name, bytes) => {
    expect(meaningOf(bytes)).toEqual(PROTOCOL_1[name]);
  });

  it.each([...FRAMES])("%s: is written to the same bytes", (name, bytes) => {
    const meaning = PROTOCOL_1[name];
    if (meaning === undefined) throw new Error("no meaning");
    expect(Buffer.from(bytesOf(meaning)).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
  });

  it.each([...FRAMES])("%s: is refused when a byte is missing", (name, bytes) => {
    // A chunk ends where its frame does, so one that loses a whole key is a chunk too.
    if (name === "goodbye") return;
    expect(() => meaningOf(bytes.subarray(0, -1))).toThrow();
  });
});
