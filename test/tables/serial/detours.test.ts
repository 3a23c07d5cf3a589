/** Serial operations of nodes of which two have no link to one another. */
import { describe, expect, it } from "vitest";
import { ProtocolError, UnavailableError } from "../../../src/errors.ts";
import { SERIAL_FEATURE } from "../../../src/tables/features.ts";
import { encodeSerial } from "../../../src/tables/serial/serial-frames.ts";
import { Wired } from "./wired.ts";

/** Rounds of pings in which all has come around. */
const ROUNDS = 8;

function rounds(wired: Wired, except: readonly number[] = []): void {
  for (let round = 0; round < ROUNDS; round++) wired.tick(100, except);
}

/** Nodes 1 and 2 have a link to 3 each, and none to one another from the start. */
function bent(features?: readonly string[]): Wired {
  const wired = new Wired(3, { clusterSize: 3 });
  wired.meet(1, 2);
  wired.link(1, 3, features);
  wired.link(2, 3, features);
  for (const node of wired.nodes) node.serial.open();
  wired.settle();
  return wired;
}

describe("with one broken link among three nodes", () => {
  it("every node is served, the leader among them, in both modes", () => {
    const wired = bent();
    rounds(wired);
    expect(wired.nodes.map(({ serial }) => serial.leader)).toEqual([1, 1, 1]);
    expect(wired.nodes.map(({ serial }) => serial.isVoter)).toEqual([true, true, true]);
    for (const quorum of [false, true]) {
      const inserts = [1, 2, 3].map((origin) => wired.insert(origin, `k${quorum}`, origin, quorum));
      rounds(wired);
      expect(inserts.map(({ result }) => result).sort()).toEqual([false, false, true]);
    }
    expect(wired.nodes.map(({ serial }) => serial.reserved + serial.pending)).toEqual([0, 0, 0]);
  });

  it("a call that was under way when the link broke is asked again around it", () => {
    const wired = Wired.joined(3);
    wired.drop(() => true);
    const insert = wired.insert(2, "k", "a");
    wired.step();
    wired.unlink(1, 2);
    wired.settle();
    expect(insert.result).toBeUndefined();
    rounds(wired);
    expect(insert.result).toBe(true);
    expect(wired.value(1, "k")).toBe("a");
  });

  it("a call is done only when the one behind the broken link has the row", () => {
    const wired = bent();
    rounds(wired);
    const insert = wired.insert(2, "k", "a");
    wired.settle();
    expect([insert.result, wired.value(2, "k"), wired.value(1, "k")]).toEqual([
      undefined,
      "a",
      undefined,
    ]);
    rounds(wired);
    expect([insert.result, wired.value(1, "k")]).toEqual([true, "a"]);
  });

  it("a key that code holds on to stays reserved when the way to the leader changes", () => {
    const wired = bent();
    rounds(wired);
    const hold = wired.hold(2, "k");
    wired.settle();
    const insert = wired.insert(3, "k", 1);
    wired.link(1, 2);
    wired.settle();
    wired.unlink(1, 2);
    rounds(wired);
    expect([insert.result, wired.node(2).serial.leader]).toEqual([undefined, 1]);
    wired.finish(2, hold);
    rounds(wired);
    expect([hold.result, insert.result]).toEqual(["held", true]);
  });

  it("a dead requester's key is freed by the word that comes around", () => {
    const wired = Wired.joined(4);
    wired.unlink(1, 2);
    rounds(wired);
    const hold = wired.hold(4, "k");
    wired.settle();
    const insert = wired.insert(2, "k", 1);
    wired.kill(4);
    rounds(wired, [4]);
    expect([hold.result, insert.result]).toEqual([undefined, true]);
  });
});

describe("a detour", () => {
  it("ends when the neighbour loses either link, and is found again", () => {
    const wired = bent();
    rounds(wired);
    expect(wired.node(2).serial.leader).toBe(1);
    wired.unlink(1, 3);
    wired.settle();
    expect(wired.node(2).serial.leader).toBeNull();
    wired.link(1, 3);
    rounds(wired);
    expect(wired.node(2).serial.leader).toBe(1);
  });

  it("loses nothing in the middle: what was under way is asked for anew", () => {
    const wired = bent();
    rounds(wired);
    const insert = wired.insert(2, "k", "a");
    wired.step();
    wired.step();
    wired.unlink(2, 3);
    wired.link(2, 3);
    rounds(wired);
    expect(insert.result).toBe(true);
    expect(wired.nodes.map(({ serial }) => serial.reserved)).toEqual([0, 0, 0]);
  });

  it("is not looked for where no neighbour passes on; the call names the broken link", () => {
    const wired = bent([SERIAL_FEATURE]);
    const insert = wired.insert(2, "k", 1);
    rounds(wired);
    expect(insert.result).toBeUndefined();
    wired.tick(6000);
    expect(insert.error).toBeInstanceOf(UnavailableError);
    expect(insert.error?.message).toContain("no link to n1, who leads");
  });

  it("is nobody's who has not negotiated it, or who speaks for another", () => {
    const open = { kind: "detour", from: 3, to: 1, number: 1, act: "open" } as const;
    const old = new Wired(3);
    old.link(1, 3, [SERIAL_FEATURE]);
    expect(() => old.node(1).receive(3, encodeSerial(open))).toThrow(ProtocolError);
    const wired = Wired.joined(3);
    const forged = encodeSerial({ ...open, from: 2, to: 3 });
    expect(() => wired.node(1).receive(3, forged)).toThrow(/speaks for/);
    const nested = encodeSerial({ ...open, act: "carry", bytes: encodeSerial(open) });
    const around = bent();
    rounds(around);
    expect(() => around.node(1).receive(3, forgedBy(2, nested))).toThrow(/within a detour/);
  });
});

/** The same frame, from that origin. */
function forgedBy(origin: number, frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy[1] = origin;
  return copy;
}
