/** Serial operations of nodes that are wired by hand. */
import { describe, expect, it } from "vitest";
import {
  OverloadedError,
  ProtocolError,
  SerialUnknownError,
  UnavailableError,
  UnsupportedError,
} from "../../../src/errors.ts";
import { encodeSerial } from "../../../src/tables/serial/serial-frames.ts";
import { Wired } from "./wired.ts";

describe("insertNew", () => {
  it("has one winner of three that try at once", () => {
    const wired = Wired.joined(3);
    const outcomes = [1, 2, 3].map((origin) => wired.insert(origin, "k", origin));
    wired.settle();
    expect(outcomes.map(({ result }) => result).sort()).toEqual([false, false, true]);
    const values = [1, 2, 3].map((origin) => wired.value(origin, "k"));
    expect(new Set(values).size).toBe(1);
    expect(wired.rows(1, "k")).toBe(1);
    expect(wired.nodes.map(({ serial }) => serial.reserved + serial.pending)).toEqual([0, 0, 0]);
  });

  it("resolves only when every living member has the row", () => {
    const wired = Wired.joined(3);
    const outcome = wired.insert(2, "k", "a");
    for (let step = 0; wired.value(2, "k") === undefined && step < 20; step++) wired.step();
    expect(wired.value(2, "k")).toBe("a");
    wired.drop((from, to) => from === 2 && to === 3);
    wired.settle();
    expect(outcome.result).toBeUndefined();
  });

  it("works on a node that is alone", () => {
    const wired = Wired.joined(1);
    const outcome = wired.insert(1, "k", 1);
    wired.settle();
    expect(outcome.result).toBe(true);
  });
});

describe("a node that has just begun", () => {
  it("takes no row for absent whose owner it has not heard of and the leader has", () => {
    const wired = new Wired(4, { lifetime: "node" });
    for (const [one, other] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ] as const) {
      wired.link(one, other);
    }
    for (const node of wired.nodes) node.serial.open();
    wired.settle();
    const first = wired.insert(3, "k", "first");
    wired.settle();
    for (const peer of [1, 2]) wired.link(4, peer);
    wired.settle();
    const second = wired.insert(4, "k", "second");
    wired.settle();
    expect([first.result, second.result, wired.value(4, "k")]).toEqual([
      true,
      undefined,
      undefined,
    ]);
    wired.node(4).memberUp(3);
    wired.settle();
    expect([second.result, wired.value(4, "k")]).toEqual([false, "first"]);
  });
});

describe("the leader", () => {
  it("serves nobody before it has met those that it can reach", () => {
    const wired = new Wired(1);
    const outcome = wired.insert(1, "k", 1);
    wired.settle();
    expect(outcome.result).toBeUndefined();
    wired.node(1).serial.open();
    wired.settle();
    expect(outcome.result).toBe(true);
  });

  it("is the lowest origin; when it dies the next one knows what it granted", () => {
    const wired = Wired.joined(3);
    expect(wired.nodes.map(({ serial }) => serial.leader)).toEqual([1, 1, 1]);
    const first = wired.insert(3, "k", "first");
    wired.settle();
    wired.kill(1);
    wired.tick(1000, [1]);
    wired.tick(1000, [1]);
    expect([2, 3].map((origin) => wired.node(origin).serial.leader)).toEqual([2, 2]);
    const second = wired.insert(2, "k", "second");
    wired.settle();
    expect([first.result, second.result]).toEqual([true, false]);
  });

  it("keeps a dead requester's key until all members hold as much of its log", () => {
    const wired = Wired.joined(4);
    const first = wired.insert(4, "k", "dying");
    for (let step = 0; wired.value(4, "k") === undefined && step < 20; step++) wired.step();
    // Only node 3 gets the op before its writer dies.
    wired.drop((from, to) => from === 4 && to !== 3);
    wired.step();
    expect([wired.value(1, "k"), wired.value(3, "k")]).toEqual([undefined, "dying"]);
    wired.kill(4);
    const second = wired.insert(2, "k", "second");
    wired.settle();
    expect(second.result).toBeUndefined();
    wired.tick(1000, [4]);
    wired.tick(1000, [4]);
    wired.tick(1000, [4]);
    expect(second.result).toBe(false);
    expect(wired.value(2, "k")).toBe("dying");
    expect(first.result).toBeUndefined();
  });

  it("refuses more keys than it may reserve", () => {
    const wired = Wired.joined(2, { limits: { serialKeys: 2 } });
    const holds = [wired.hold(1, "a"), wired.hold(1, "b")];
    wired.settle();
    const third = wired.hold(2, "c");
    wired.settle();
    expect(third.error).toBeInstanceOf(OverloadedError);
    for (const hold of holds) wired.finish(1, hold);
    wired.settle();
    expect(holds.map(({ result }) => result)).toEqual(["held", "held"]);
  });
});

describe("a key that code holds on to", () => {
  it("is nobody else's until it is given back", () => {
    const wired = Wired.joined(2);
    const hold = wired.hold(1, "k");
    wired.settle();
    const insert = wired.insert(2, "k", 1);
    wired.settle();
    expect(insert.result).toBeUndefined();
    wired.finish(1, hold);
    wired.settle();
    expect([hold.result, insert.result]).toEqual(["held", true]);
  });

  it("stays held when the leader changes", () => {
    const wired = Wired.joined(3);
    const hold = wired.hold(3, "k");
    wired.settle();
    wired.kill(1);
    wired.tick(1000, [1]);
    wired.tick(1000, [1]);
    const insert = wired.insert(2, "k", 1);
    const other = wired.insert(2, "other", 1);
    wired.settle();
    expect([insert.result, other.result]).toEqual([undefined, true]);
    wired.finish(3, hold);
    wired.settle();
    expect(insert.result).toBe(true);
  });
});

describe("a link that breaks", () => {
  it("ends grants that were not used, and what was asked is asked again", () => {
    const wired = Wired.joined(2);
    const insert = wired.insert(2, "k", 1);
    wired.step();
    wired.step();
    wired.unlink(1, 2);
    wired.settle();
    expect(insert.result).toBeUndefined();
    wired.link(1, 2);
    wired.settle();
    expect(insert.result).toBe(true);
    expect(wired.node(1).serial.reserved).toBe(0);
  });

  it("times out a call that no leader can be asked for", () => {
    const wired = Wired.joined(2);
    wired.unlink(1, 2);
    const insert = wired.insert(2, "k", 1);
    wired.tick(6000);
    expect(insert.error).toBeInstanceOf(UnavailableError);
    expect(wired.node(2).serial.pending).toBe(0);
  });
});

describe("quorum mode", () => {
  it("answers where a majority is, and says that it cannot know where there is none", () => {
    const wired = Wired.joined(3, { clusterSize: 3 });
    expect(wired.nodes.map(({ serial }) => serial.isVoter)).toEqual([true, true, true]);
    wired.kill(3);
    wired.node(3).memberDown(1);
    wired.node(3).memberDown(2);
    for (let round = 0; round < 3; round++) wired.tick(1000);
    const minority = wired.insert(3, "k", "minority", true);
    const majority = wired.insert(2, "k", "majority", true);
    wired.settle();
    expect([minority.result, majority.result]).toEqual([undefined, true]);
    wired.tick(6000);
    expect(minority.error).toBeInstanceOf(UnavailableError);
    expect(wired.value(3, "k")).toBeUndefined();
  });

  it("does not let a node vote that has just started, until it holds what a majority holds", () => {
    const wired = new Wired(3, { clusterSize: 3 });
    wired.link(1, 2);
    for (const node of wired.nodes) node.serial.open();
    wired.settle();
    expect(wired.nodes.map(({ serial }) => serial.isVoter)).toEqual([false, false, false]);
    wired.link(1, 3);
    wired.link(2, 3);
    wired.settle();
    expect(wired.nodes.map(({ serial }) => serial.isVoter)).toEqual([true, true, true]);
  });

  it("ends with SerialUnknownError what was written and could not be confirmed", () => {
    const wired = Wired.joined(3, { clusterSize: 3 });
    const insert = wired.insert(1, "k", "a", true);
    for (let step = 0; wired.value(1, "k") === undefined && step < 20; step++) wired.step();
    wired.kill(1);
    wired.node(1).memberDown(2);
    wired.node(1).memberDown(3);
    wired.tick(6000);
    expect(insert.error).toBeInstanceOf(SerialUnknownError);
    expect(insert.error).toMatchObject({ isWritten: true });
  });
});

describe("a key that a majority has pledged", () => {
  it("stays reserved until the caller that was cut off is heard, who may have written", () => {
    const wired = Wired.joined(3, { clusterSize: 3 });
    const lost = wired.insert(1, "k", "lost", true);
    for (let step = 0; wired.value(1, "k") === undefined && step < 20; step++) wired.step();
    wired.kill(1);
    wired.node(1).memberDown(2);
    wired.node(1).memberDown(3);
    for (let round = 0; round < 3; round++) wired.tick(100);
    const second = wired.insert(2, "k", "second", true);
    const other = wired.insert(2, "other", "free", true);
    for (let round = 0; round < 3; round++) wired.tick(100);
    expect([lost.result, second.result, other.result]).toEqual([undefined, undefined, true]);
    for (const peer of [2, 3]) wired.link(1, peer);
    for (let round = 0; round < 5; round++) wired.tick(100);
    expect(lost.error).toBeInstanceOf(SerialUnknownError);
    expect(second.result).toBe(false);
    expect([wired.value(2, "k"), wired.rows(2, "k")]).toEqual(["lost", 1]);
    expect(wired.nodes.map(({ serial }) => serial.reserved)).toEqual([0, 0, 0]);
  });

  it("comes free when the caller has ended without writing", () => {
    const wired = Wired.joined(3, { clusterSize: 3 });
    const first = wired.insert(3, "k", "first", true);
    wired.settle();
    const taken = wired.insert(3, "k", "again", true);
    wired.settle();
    wired.kill(3);
    for (let round = 0; round < 3; round++) wired.tick(100, [3]);
    const next = wired.insert(2, "k", "next", true);
    wired.settle();
    expect([first.result, taken.result, next.result]).toEqual([true, false, false]);
  });
});

describe("nodes that do not know serial operations", () => {
  it("are named by a typed error", () => {
    const wired = Wired.joined(2);
    const waiting = wired.hold(2, "k");
    wired.settle();
    const old = new Wired(2);
    old.link(1, 2, []);
    expect(() => old.insert(1, "k", 1)).toThrow(UnsupportedError);
    expect(() => old.insert(1, "k", 1)).toThrow(/n2/);
    expect(waiting.error).toBeUndefined();
  });

  it("may not send frames of it", () => {
    const old = new Wired(2);
    old.link(1, 2, []);
    const frame = encodeSerial({ kind: "lead", count: 1 });
    expect(() => old.node(1).receive(2, frame)).toThrow(ProtocolError);
  });
});
