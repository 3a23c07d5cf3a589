import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type ClusterFrame,
  decodeClusterFrame,
  encodeClusterFrame,
} from "../../src/cluster/cluster-frames.ts";

const document = readFileSync(new URL("../../doc/protocol-links.md", import.meta.url), "utf8");

/** The indented blocks of bytes behind the heading "Examples", in their order. */
function examples(): Uint8Array[] {
  const text = document.slice(document.indexOf("## Examples"));
  const blocks = text.match(/(?:^ {4}(?:[0-9a-f]{2} ?)+\n?)+/gm) ?? [];
  return blocks.map((block) => new Uint8Array(Buffer.from(block.replace(/\s/g, ""), "hex")));
}

const about = {
  protocols: { min: 1, max: 1 },
  cluster: "c",
  origin: 300,
  name: "a",
  nodeNumber: 2,
  address: "ws://h:1",
  features: ["f"],
  nonce: Uint8Array.from({ length: 16 }, (_, index) => index),
  wall: 1_700_000_000_000,
  side: { openMembers: 3, lowestOrigin: 7 },
};
const proof = new Uint8Array(32).fill(0xaa);
const self = { origin: 300, name: "a", nodeNumber: 2, address: "ws://h:1", beat: 5, linked: false };
const other = { origin: 7, name: "b", nodeNumber: 0, address: "x", beat: 200, linked: true };
const frames: readonly ClusterFrame[] = [
  { kind: "hello", ...about },
  { kind: "welcome", protocol: 1, ...about, verdict: "closed", proof },
  { kind: "proof", verdict: "superseded", proof },
  { kind: "refuse", reason: "secret", message: "no" },
  { kind: "ping", stamp: 1.5, members: [self, other], absent: [9] },
  { kind: "pong", stamp: 1.5 },
  { kind: "goodbye" },
  { kind: "link", origin: 300, linked: true },
];

describe("doc/protocol-links.md", () => {
  it("shows the bytes of version 1 as they are, so that no change goes unnoticed", () => {
    const shown = examples();
    expect(shown.length).toBe(frames.length);
    for (const [index, frame] of frames.entries()) {
      expect(Buffer.from(encodeClusterFrame(frame)).toString("hex"), frame.kind).toBe(
        Buffer.from(shown[index] ?? []).toString("hex"),
      );
      expect(decodeClusterFrame(shown[index] ?? new Uint8Array(0))).toEqual(frame);
    }
  });
});
