/** Who writes to a store tells others, waits for their word, and not for ever. */
import { expect, it } from "vitest";
import { ByteWriter } from "../../src/bytes.ts";
import type { Peer } from "../../src/cluster/cluster-events.ts";
import { ProtocolError } from "../../src/errors.ts";
import { FEATURE_STORE_CACHE } from "../../src/node/coherence-frames.ts";
import { MeshCoherence } from "../../src/node/mesh-coherence.ts";
import type { Invalidation } from "../../src/persistent.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const CHANGE: Invalidation = { host: "exämple", store: "roster", user: "romeo" };

function peerOf(origin: number, features: readonly string[] = [FEATURE_STORE_CACHE]): Peer {
  return { name: `n${origin}`, origin, nodeNumber: origin, address: "", protocol: 1, features };
}

/** Nodes 1, 2 and 3; frames are delivered when the test says so. */
function mesh(features?: readonly string[]) {
  const clock = new VirtualClock();
  const underWay: { from: number; to: number; frame: Uint8Array }[] = [];
  const heard = new Map<number, (Invalidation | undefined)[]>();
  const nodes = new Map<number, MeshCoherence>();
  for (const origin of [1, 2, 3]) {
    const node = new MeshCoherence({
      clock,
      peers: () => [1, 2, 3].filter((other) => other !== origin).map((o) => peerOf(o, features)),
      send: (to, frame) => underWay.push({ from: origin, to, frame }),
    });
    nodes.set(origin, node);
    const list: (Invalidation | undefined)[] = [];
    heard.set(origin, list);
    node.listen((change) => list.push(change));
  }
  return {
    clock,
    underWay,
    heard: (origin: number) => heard.get(origin) ?? [],
    node: (origin: number) => nodes.get(origin) as MeshCoherence,
    deliver(wanted: (each: { from: number; to: number }) => boolean = () => true) {
      for (let index = underWay.findIndex(wanted); index >= 0; index = underWay.findIndex(wanted)) {
        const [each] = underWay.splice(index, 1);
        if (each === undefined) continue;
        expect(nodes.get(each.to)?.frame(peerOf(each.from), each.frame)).toBe(true);
      }
    },
  };
}

/** Whether a promise has settled, once all that is due has run. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

it("a change is told to all, and done when all have forgotten", async () => {
  const { node, heard, deliver } = mesh();
  const told = node(1).invalidate(CHANGE);
  deliver(({ to }) => to === 2);
  deliver(({ from }) => from === 2);
  expect(await isDone(told)).toBe(false);
  expect([heard(1), heard(2), heard(3)]).toEqual([[CHANGE], [CHANGE], []]);
  deliver();
  expect(await isDone(told)).toBe(true);
  expect(heard(3)).toEqual([CHANGE]);
});

it("a change of the host's own data, and one of all users, arrive as they are", () => {
  const { node, heard, deliver } = mesh();
  for (const user of ["", undefined, "😀".repeat(255)])
    void node(1).invalidate({ ...CHANGE, user });
  deliver();
  expect(heard(2).map((change) => change?.user)).toEqual(["", undefined, "😀".repeat(255)]);
});

it("who is cut off or silent for two seconds is not waited for", async () => {
  const { node, clock, deliver } = mesh();
  const first = node(1).invalidate(CHANGE);
  deliver(({ from, to }) => from === 2 || to === 2);
  node(1).linkDown(3);
  expect(await isDone(first)).toBe(true);
  const second = node(1).invalidate(CHANGE);
  clock.advance(1999);
  expect(await isDone(second)).toBe(false);
  clock.advance(1);
  expect(await isDone(second)).toBe(true);
  // What comes now comes late, and does no harm.
  deliver();
});

it("a node of an older version is told nothing and not waited for", async () => {
  const { node, underWay } = mesh(["dump"]);
  expect(await isDone(node(1).invalidate(CHANGE))).toBe(true);
  expect(underWay).toEqual([]);
});

it("a link that comes up makes this end forget everything", () => {
  const { node, heard } = mesh();
  const stop = node(2).listen(() => heard(1).push(CHANGE));
  node(2).linkUp();
  stop();
  node(2).linkUp();
  expect(heard(2)).toEqual([undefined, undefined]);
  expect(heard(1)).toEqual([CHANGE]);
});

it("frames that break the protocol are refused, others are left alone", () => {
  const { node } = mesh();
  const frame = (write: (writer: ByteWriter) => void) => {
    const writer = new ByteWriter();
    write(writer);
    return writer.take();
  };
  const form2 = frame((writer) => {
    writer.u8(0x45);
    writer.varint(1);
    writer.utf8("h");
    writer.utf8("s");
    writer.u8(2);
  });
  for (const bytes of [[0x45], [0x45, 1, 1], [0x46], [0x46, 1, 9], [0x45, 1, 0x80, 0x10]]) {
    expect(() => node(1).frame(peerOf(2), Uint8Array.from(bytes))).toThrow(ProtocolError);
  }
  expect(() => node(1).frame(peerOf(2), form2)).toThrow(/form 2, known are 0 and 1/);
  expect(node(1).frame(peerOf(2), Uint8Array.of(0x46, 99))).toBe(true);
  expect(node(1).frame(peerOf(2), Uint8Array.of(0x41))).toBe(false);
});
