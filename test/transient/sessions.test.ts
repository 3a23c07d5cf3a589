/** The rules of sessions on two nodes that are cut and linked by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  InvalidArgumentError,
  InvalidOptionsError,
  InvalidValueError,
  TooLargeError,
} from "../../src/errors.ts";
import {
  type FullAddress,
  openSessions,
  type SessionLost,
  type Sessions,
  type SessionsDown,
  type SessionsOptions,
} from "../../src/transient.ts";
import { TransientPair } from "./nodes.ts";

interface Presence {
  readonly priority: number;
}

const PHONE: FullAddress = ["example.com", "ann", "phone"];

let pair: TransientPair;
let lost: { a: SessionLost<Presence>[]; b: SessionLost<Presence>[] };
let downs: SessionsDown<Presence>[];
let nowMs: { a: number; b: number };

beforeEach(() => {
  pair = new TransientPair();
  lost = { a: [], b: [] };
  downs = [];
  nowMs = { a: 1_000, b: 2_000 };
});

afterEach(() => pair.check());

function open(on: "a" | "b", options: SessionsOptions<Presence> = {}): Sessions<Presence> {
  return openSessions<Presence>(pair[on], {
    onLost: (event) => lost[on].push(event),
    onNodeDown: (down) => downs.push(down),
    now: () => nowMs[on],
    ...options,
  });
}

const reasons = (on: "a" | "b") => lost[on].map(({ reason, by }) => [reason, by]);

/** What waits for the end of the turn. */
const turn = () => Promise.resolve();

describe("a session", () => {
  it("is found on every node, by full and by bare address", () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    a.register(["example.com", "ann", "phone"], { priority: 1 });
    b.register(["example.com", "ann", "tablet"], { priority: 5 });
    b.register(["example.com", "anna", "phone"], { priority: 0 });
    b.register(["example.org", "ann", "phone"], { priority: 0 });
    pair.settle();
    for (const one of [a, b]) {
      const found = [...one.of(["example.com", "ann"])];
      expect(found.map(({ address, node }) => [address[2], node])).toEqual([
        ["phone", "a"],
        ["tablet", "b"],
      ]);
      expect(one.get(PHONE)).toEqual({
        address: PHONE,
        session: { priority: 1 },
        node: "a",
        since: 1_000,
      });
      expect([...one.all("example.com")]).toHaveLength(3);
      expect([...one.all()]).toHaveLength(4);
    }
  });

  it("is updated by its owner, and keeps when it began", () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const own = a.register(PHONE, { priority: 1 });
    nowMs.a = 9_000;
    void own.update({ priority: 7 });
    pair.settle();
    expect(b.get(PHONE)).toMatchObject({ session: { priority: 7 }, since: 1_000 });
    expect([lost.a, lost.b]).toEqual([[], []]);
  });

  it("of a wrong address is refused before anything changes", () => {
    const a = open("a");
    for (const wrong of [
      ["example.com", "ann"],
      ["example.com", "", "x"],
      "ann",
      null,
      [1, 2, 3],
    ]) {
      expect(() => a.register(wrong as never, { priority: 0 })).toThrow(InvalidArgumentError);
      expect(() => a.get(wrong as never)).toThrow(InvalidArgumentError);
    }
    const tooLong: FullAddress = ["example.com", "ann", "x".repeat(2_000)];
    expect(() => a.register(tooLong, { priority: 0 })).toThrow(TooLargeError);
    expect(() => a.of(PHONE as never)).toThrow("allowed is [domain, user]");
    expect(a.size).toBe(0);
  });

  it("whose write is refused says so, and ends no other", async () => {
    const a = open("a");
    const first = a.register(PHONE, { priority: 0 });
    const second = a.register(PHONE, { priority: (() => 1) as never });
    expect([first.state, second.state]).toEqual(["current", "failed"]);
    await expect(second.written).rejects.toThrow(InvalidValueError);
    expect(await second.unregister()).toMatchObject({ applied: false });
    expect(a.get(PHONE)?.session).toEqual({ priority: 0 });
  });
});

describe("of two sessions of one address the newer one", () => {
  it("takes over on the same node, and the older one is told at the end of the turn", async () => {
    const a = open("a");
    const first = a.register(PHONE, { priority: 1 });
    const second = a.register(PHONE, { priority: 2 });
    expect(lost.a).toEqual([]);
    await turn();
    expect(lost.a).toEqual([{ own: first, reason: "replaced", by: "a" }]);
    expect([first.state, second.state, a.size]).toEqual(["replaced", "current", 1]);
    expect(a.get(PHONE)?.since).toBe(1_001);
  });

  it("takes over on another node, and the older one's node is told once", async () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const first = a.register(PHONE, { priority: 1 });
    pair.settle();
    nowMs.b = 500;
    const second = b.register(PHONE, { priority: 2 });
    pair.settle();
    expect(reasons("a")).toEqual([["replaced", "b"]]);
    expect(lost.b).toEqual([]);
    expect([first.state, second.state]).toEqual(["replaced", "current"]);
    expect(await first.unregister()).toMatchObject({ applied: false });
    expect(await first.update({ priority: 9 })).toMatchObject({ applied: false });
    pair.settle();
    expect(a.get(PHONE)).toMatchObject({ node: "b", session: { priority: 2 }, since: 1_001 });
  });

  it("wins when both began at once, also after a split and an update of the older one", () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    pair.cut();
    const first = a.register(PHONE, { priority: 1 });
    const second = b.register(PHONE, { priority: 2 });
    void first.update({ priority: 3 });
    pair.link();
    expect([a.get(PHONE)?.node, b.get(PHONE)?.node]).toEqual(["b", "b"]);
    expect([reasons("a"), reasons("b")]).toEqual([[["replaced", "b"]], []]);
    expect([first.state, second.state]).toEqual(["replaced", "current"]);
  });

  it("leaves nothing of the loser that could show when the winner's node is down", () => {
    const [a, b] = [open("a"), open("b")];
    a.register(PHONE, { priority: 1 });
    b.register(PHONE, { priority: 2 });
    pair.link();
    expect([a.table.info().siblings, b.table.info().rows]).toEqual([0, 1]);
    pair.cut();
    expect([a.size, a.userCount()]).toEqual([0, 0]);
  });

  it("is not ended by the goodbye of the other, whichever comes first", () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const first = a.register(PHONE, { priority: 1 });
    pair.settle();
    const second = b.register(PHONE, { priority: 2 });
    void first.unregister();
    pair.settle();
    expect([a.get(PHONE)?.node, second.state]).toEqual(["b", "current"]);
    expect([lost.a, lost.b]).toEqual([[], []]);
  });

  it("stays when it is the one of the node with the lower number", () => {
    const [a, b] = [open("a"), open("b")];
    nowMs.a = 9_000;
    a.register(PHONE, { priority: 1 });
    b.register(PHONE, { priority: 2 });
    pair.link();
    expect([b.get(PHONE)?.node, reasons("a"), reasons("b")]).toEqual([
      "a",
      [],
      [["replaced", "a"]],
    ]);
  });

  it("is not ended by the goodbye of the other at the moment in which both are seen", () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const first = a.register(PHONE, { priority: 1 });
    const second = b.register(PHONE, { priority: 2 });
    pair.bToA();
    expect([a.table.info().siblings, first.state]).toEqual([1, "current"]);
    void first.unregister();
    pair.settle();
    expect([a.get(PHONE)?.node, b.get(PHONE)?.node, second.state]).toEqual(["b", "b", "current"]);
    expect([lost.a, lost.b]).toEqual([[], []]);
  });

  it("is not ended by late news of the one before it on its own node", async () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    a.register(PHONE, { priority: 1 });
    pair.settle();
    b.register(PHONE, { priority: 2 });
    pair.bToA();
    const third = a.register(PHONE, { priority: 3 });
    pair.settle();
    await turn();
    expect([third.state, b.get(PHONE)?.session]).toEqual(["current", { priority: 3 }]);
    expect([reasons("a"), reasons("b")]).toEqual([[["replaced", "a"]], [["replaced", "a"]]]);
  });

  it("updated while it is in the shade already, does not take the address back", async () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const first = a.register(PHONE, { priority: 1 });
    pair.settle();
    b.register(PHONE, { priority: 2 });
    pair.bToA();
    expect([a.get(PHONE)?.node, first.state]).toEqual(["b", "current"]);
    void first.update({ priority: 9 });
    pair.settle();
    expect([a.get(PHONE)?.node, reasons("a"), lost.b]).toEqual(["b", [["replaced", "b"]], []]);
  });
});

describe('with keep "oldest" the older one', () => {
  const oldest = { keep: "oldest" } as const;

  it("stays, and the newcomer is refused at once where it is known", async () => {
    const [a, b] = [open("a", oldest), open("b", oldest)];
    pair.link();
    const first = a.register(PHONE, { priority: 1 });
    pair.settle();
    const second = b.register(PHONE, { priority: 2 });
    expect(second.state).toBe("refused");
    expect(await second.written).toMatchObject({ applied: false });
    pair.settle();
    expect([b.get(PHONE)?.node, first.state]).toEqual(["a", "current"]);
    expect([lost.a, lost.b]).toEqual([[], []]);
  });

  it("stays after a split, and the newcomer is told once and leaves nothing behind", () => {
    const [a, b] = [open("a", oldest), open("b", oldest)];
    const first = a.register(PHONE, { priority: 1 });
    const second = b.register(PHONE, { priority: 2 });
    pair.link();
    expect([a.get(PHONE)?.node, b.get(PHONE)?.node]).toEqual(["a", "a"]);
    expect([reasons("a"), reasons("b")]).toEqual([[], [["refused", "a"]]]);
    expect([first.state, second.state]).toEqual(["current", "refused"]);
    void first.update({ priority: 4 });
    pair.settle();
    expect(b.table.dump({ hidden: true })).toMatchObject([{ owner: "a", value: { node: "a" } }]);
  });

  it("stays when it is updated before the newcomer has taken its row back", () => {
    const [a, b] = [open("a", oldest), open("b", oldest)];
    const first = a.register(PHONE, { priority: 1 });
    pair.cut();
    b.register(PHONE, { priority: 2 });
    // What the newcomer's node says in answer is held up.
    const { pair: two } = pair.faces;
    two.a.memberUp(2);
    two.b.memberUp(1);
    two.a.linkUp(2, "b");
    two.b.linkUp(1, "a");
    for (let run = 0; run < 50 && a.table.info().siblings === 0; run++) {
      two.a.run();
      two.b.run();
      for (const { to, from, frame } of two.sent.splice(0)) two.node(to).receive(from, frame);
    }
    expect(a.table.info().siblings).toBe(1);
    void first.update({ priority: 4 });
    pair.settle();
    expect(b.table.dump({ hidden: true })).toMatchObject([{ owner: "a", value: { node: "a" } }]);
    expect([reasons("a"), reasons("b")]).toEqual([[], [["refused", "a"]]]);
  });
});

describe("counts", () => {
  it("tell sessions, users and nodes, and follow what ends", async () => {
    const [a, b] = [open("a"), open("b")];
    pair.link();
    const phone = a.register(PHONE, { priority: 1 });
    const tablet = b.register(["example.com", "ann", "tablet"], { priority: 1 });
    b.register(["example.com", "bob", "phone"], { priority: 1 });
    b.register(["example.org", "cat", "phone"], { priority: 1 });
    pair.settle();
    for (const one of [a, b]) {
      expect([one.size, one.userCount(), one.userCount("example.com")]).toEqual([4, 3, 2]);
      expect([...one.onlineUsers("example.com")].sort()).toEqual(["ann", "bob"]);
      expect([...one.onlineUsers("example.net")]).toEqual([]);
      expect([...one.countByNode()].sort()).toEqual([
        ["a", 1],
        ["b", 3],
      ]);
    }
    void phone.unregister();
    pair.settle();
    expect([b.userCount(), a.userCount()]).toEqual([3, 3]);
    void tablet.unregister();
    pair.settle();
    expect([b.userCount(), a.userCount(), a.countOn("b")]).toEqual([2, 2, 2]);
    expect([...a.onlineUsers("example.com")]).toEqual(["bob"]);
  });

  it("are right where sessions were there before the table was opened", () => {
    const b = open("b");
    pair.link();
    b.register(PHONE, { priority: 1 });
    b.register(["example.com", "ann", "tablet"], { priority: 1 });
    pair.settle();
    expect(open("a").userCount()).toBe(1);
  });
});

describe("a node that is down", () => {
  it("closes its sessions in one call on the others; they count again when it is back", async () => {
    const [a, b] = [open("a"), open("b", { onNodeDown: () => undefined })];
    pair.link();
    a.register(PHONE, { priority: 1 });
    b.register(["example.com", "bob", "phone"], { priority: 3 });
    b.register(["example.com", "bob", "tablet"], { priority: 3 });
    pair.settle();
    pair.cut();
    await turn();
    expect(downs).toHaveLength(1);
    expect(downs[0]).toMatchObject({ node: "b", reason: "ownerSuspect" });
    expect(downs[0]?.sessions.map(({ address }) => address[2]).sort()).toEqual(["phone", "tablet"]);
    expect([a.size, a.userCount(), a.countOn("b"), a.countByNode().size]).toEqual([1, 1, 0, 1]);
    pair.link();
    expect([a.size, a.userCount(), a.countOn("b")]).toEqual([3, 2, 2]);
    expect([lost.a, lost.b]).toEqual([[], []]);
  });
});

describe("options", () => {
  it("are refused with all their faults", () => {
    const wrong = { name: "", keep: "both", onLost: 1, colour: "red" };
    expect(() => openSessions(pair.a, wrong as never)).toThrow(InvalidOptionsError);
    expect(() => openSessions(pair.a, wrong as never)).toThrow(
      'unknown option "colour"; name is "", allowed is a string of 1 to 200 characters; ' +
        'keep is "both", allowed is "newest" or "oldest"; onLost is 1, allowed is a function',
    );
  });
});
