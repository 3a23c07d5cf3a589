/** What a user holds of tables, on one node and on two. */
import { describe, expect, it } from "vitest";
import {
  AbortedError,
  AckTimeoutError,
  FencedError,
  InvalidArgumentError,
  InvalidKeyError,
  InvalidOptionsError,
  InvalidValueError,
  OverloadedError,
  TableError,
  TooLargeError,
} from "../../src/errors.ts";
import { DeclaredTables } from "../../src/node/declared-tables.ts";
import { BagTable } from "../../src/tables/bag-table.ts";
import { Table } from "../../src/tables/table.ts";
import { WriteCalls } from "../../src/tables/write-calls.ts";
import { Pair } from "./pair.ts";

interface Session {
  readonly user: string;
  readonly priority: number;
}

function setup(limits = {}, clusterSize?: number) {
  const pair = new Pair(limits);
  const calls = new WriteCalls(pair.a, clusterSize);
  const declared = new DeclaredTables(calls, (origin) => (origin === 1 ? "a" : "b"));
  const set = (name: string, options: object = {}): Table<Session, "user"> => {
    const table = declared.declare(name, options);
    if (!(table instanceof Table)) throw new Error("not a set");
    return table as unknown as Table<Session, "user">;
  };
  const bag = (name: string, options: object = {}): BagTable<unknown> => {
    const table = declared.declare(name, { ...options, type: "bag" });
    if (!(table instanceof BagTable)) throw new Error("not a bag");
    return table as unknown as BagTable<unknown>;
  };
  return { pair, calls, declared, set, bag };
}

const ann: Session = { user: "ann", priority: 1 };
const bob: Session = { user: "bob", priority: 2 };

describe("Table", () => {
  it("shows a write at once, frozen, and says that no other node has it", async () => {
    const { set } = setup();
    const table = set("s");
    const written = table.set("k", ann);
    expect(table.get("k")).toEqual(ann);
    expect(Object.isFrozen(table.get("k"))).toBe(true);
    expect(await written).toEqual({ nodes: 0, catchingUp: [], alone: true, applied: true });
    expect(table.entry("k")).toMatchObject({ owner: "a", ownerOrigin: 1, siblings: [] });
  });

  it("resolves only when the other node has applied the write", async () => {
    const { pair, set } = setup();
    const table = set("s");
    pair.link();
    let reached: unknown = null;
    const written = table.set("k", ann).then((result) => {
      reached = result;
    });
    await Promise.resolve();
    expect(reached).toBeNull();
    pair.settle();
    await written;
    expect(reached).toMatchObject({ nodes: 1, alone: false });
  });

  it("patches what is there, never creates, and keeps the owner", async () => {
    const { set } = setup();
    const table = set("s");
    expect(await table.patch("k", { priority: 9 })).toMatchObject({ applied: false });
    await table.set("k", ann);
    const { version } = table.entry("k") ?? {};
    expect(await table.patch("k", { priority: 9 })).toMatchObject({ applied: true });
    expect(table.get("k")).toEqual({ user: "ann", priority: 9 });
    expect(table.entry("k")?.version).not.toBe(version);
  });

  it("deletes, and says whether there was anything to delete", async () => {
    const { set } = setup();
    const table = set("s");
    await table.setMany([
      ["a", ann],
      ["b", bob],
    ]);
    expect(table.size).toBe(2);
    expect(await table.deleteMany(["a", "b", "c", "a"])).toMatchObject({ applied: true });
    expect(await table.delete("a")).toMatchObject({ applied: false });
    expect([table.size, table.has("a")]).toEqual([0, false]);
  });

  it("scans an ordered table by prefix and range, and refuses where there is no order", () => {
    const { set } = setup();
    const table = set("s", { ordered: true });
    void table.setMany([
      [["x", "b", 2], bob],
      [["x", "a", 1], ann],
      [["y", "a", 1], ann],
    ]);
    const keys = (rows: Iterable<[unknown, unknown]>) => [...rows].map(([key]) => key);
    expect(keys(table.scan({ prefix: ["x"] }))).toEqual([
      ["x", "a", 1],
      ["x", "b", 2],
    ]);
    expect(keys(table.scan({ from: ["x", "b"], limit: 1 }))).toEqual([["x", "b", 2]]);
    expect(keys(table.scan({ reverse: true }))[0]).toEqual(["y", "a", 1]);
    expect(() => [...set("t").scan()]).toThrow(TableError);
  });

  it("finds by index what is visible now", async () => {
    const { set } = setup();
    const table = set("s", { indexes: { user: (session: Session) => session.user } });
    await table.setMany([
      [1, ann],
      [2, bob],
      [3, ann],
    ]);
    expect([...table.find("user", "ann")].map(([key]) => key).sort()).toEqual([1, 3]);
    await table.patch(3, { user: "bob" });
    await table.delete(1);
    expect([...table.find("user", "ann")]).toEqual([]);
    expect(table.count("user", "bob")).toBe(2);
    expect(() => table.count("age" as "user", 1)).toThrow(TableError);
  });

  it("refuses bad arguments with typed errors and changes nothing", async () => {
    const { set, pair } = setup({ batchRows: 2 });
    const table = set("s");
    const bad = { user: "x", priority: 1, at: () => 1 };
    await expect(table.set(Number.NaN, ann)).rejects.toThrow(InvalidKeyError);
    await expect(table.set("k", bad)).rejects.toThrow(InvalidValueError);
    await expect(table.set("k".repeat(1025), ann)).rejects.toThrow(TooLargeError);
    const three = [1, 2, 3].map((key) => [key, ann] as const);
    await expect(table.setMany(three)).rejects.toThrow(TooLargeError);
    await expect(
      table.setMany([
        [1, ann],
        [Number.NaN, ann],
      ]),
    ).rejects.toThrow(InvalidKeyError);
    await expect(table.set("k", ann, { ack: -1 })).rejects.toThrow(InvalidArgumentError);
    await expect(table.set("k", ann, { ack: "majority" })).rejects.toThrow(/clusterSize/);
    await expect(table.set("k", ann, { timeoutMs: 0 })).rejects.toThrow(InvalidArgumentError);
    expect([table.size, pair.a.counters.written]).toEqual([0, 0]);
  });

  it("names who has not acknowledged in time, while the write stands", async () => {
    const { set, pair } = setup();
    const table = set("s");
    pair.link();
    const late = table.set("k", ann, { timeoutMs: 100 });
    pair.sent.length = 0;
    const outcome = expect(late).rejects.toMatchObject({ missing: ["b"] });
    pair.a.run();
    pair.sent.length = 0;
    pair.tick(200);
    await outcome;
    await expect(late).rejects.toThrow(AckTimeoutError);
    expect(table.get("k")).toEqual(ann);
  });

  it("settles early for none, a number and a majority", async () => {
    const { set } = setup({}, 2);
    const table = set("s");
    expect(await table.set("k", ann, { ack: "none" })).toMatchObject({ nodes: 0 });
    expect(await table.set("k", ann, { ack: 0 })).toMatchObject({ nodes: 0 });
    const { set: linkedSet, pair } = setup({}, 3);
    pair.link();
    const majority = linkedSet("s").set("k", ann, { ack: "majority" });
    pair.settle();
    expect(await majority).toMatchObject({ nodes: 1 });
  });

  it("stops waiting when the caller aborts", async () => {
    const { set, pair } = setup();
    pair.link();
    const abort = new AbortController();
    const written = set("s").set("k", ann, { signal: abort.signal });
    abort.abort();
    await expect(written).rejects.toThrow(AbortedError);
    expect(set("s").has("k")).toBe(true);
  });

  it("refuses more waiting writes than the limit, before it writes", async () => {
    const { set, pair } = setup({ pendingWrites: 2 });
    const table = set("s");
    pair.link();
    void table.set("1", ann);
    void table.set("2", ann);
    await expect(table.set("3", ann)).rejects.toThrow(OverloadedError);
    expect(table.has("3")).toBe(false);
  });

  it("a fenced node's writes reject, waiting ones too", async () => {
    const { set, pair } = setup();
    const table = set("s");
    pair.link();
    const waiting = table.set("1", ann);
    pair.a.fence("closed by the others");
    await expect(waiting).rejects.toThrow(FencedError);
    await expect(table.set("2", ann)).rejects.toThrow(FencedError);
  });

  it("lists every fault of a declaration, and knows its tables by name", () => {
    const { declared, set } = setup();
    const bad = { lifetime: "day", type: "heap", ordered: 1, indexes: { a: 1 }, ttl: 5 };
    let faults: readonly string[] = [];
    try {
      declared.declare("", bad);
    } catch (error) {
      if (error instanceof InvalidOptionsError) faults = error.faults;
    }
    expect(faults.length).toBe(6);
    const table = set("s", { ordered: true });
    expect(set("s", { ordered: true })).toBe(table);
    expect(() => set("s")).toThrow(TableError);
  });
});

describe("a split of two nodes", () => {
  it("two writes of one key leave one winner on both, and a sibling until the next write", () => {
    const { pair, set } = setup();
    const table = set("rooms", { lifetime: "cluster" });
    pair.link();
    pair.unlink();
    void table.set("k", ann);
    const other = new WriteCalls(pair.b, undefined);
    const theirs = new DeclaredTables(other, () => undefined);
    const b = theirs.declare("rooms", { lifetime: "cluster" }) as unknown as Table<Session>;
    void b.set("k", bob);
    pair.link();
    expect([table.get("k"), b.get("k")]).toEqual([bob, bob]);
    expect([table.entry("k")?.siblings, b.entry("k")?.siblings]).toEqual([[ann], [ann]]);
    expect(table.info().digest).toBe(b.info().digest);
    void table.patch("k", { priority: 7 });
    pair.settle();
    expect(b.entry("k")).toMatchObject({ value: { user: "bob", priority: 7 }, siblings: [] });
  });

  it("what was deleted on one side does not come back", () => {
    const { pair, set } = setup({ opRingOps: 1 });
    const table = set("rooms", { lifetime: "cluster" });
    void table.set("gone", ann);
    void table.set("stays", ann);
    pair.link();
    pair.unlink();
    void table.delete("gone");
    for (let at = 0; at < 5; at++) void table.set(`more${at}`, bob);
    pair.link();
    const rows = pair.b.open({ name: "rooms", type: "set", lifetime: "cluster" });
    expect([...rows.rows.keys()].sort()).toEqual([...table.keys()].sort());
    expect([table.size, table.has("gone")]).toEqual([6, false]);
    expect(pair.a.counters.sessions).toBeGreaterThan(0);
  });
});

describe("BagTable", () => {
  it("keeps distinct values, whoever added them, and removes by value", async () => {
    const { bag } = setup();
    const table = bag("tags");
    await table.addMany([
      ["k", { tag: "x" }],
      ["k", { tag: "y" }],
      ["k", { tag: "x" }],
    ]);
    expect(table.getAll("k")).toEqual([{ tag: "x" }, { tag: "y" }]);
    expect([table.has("k", { tag: "y" }), table.has("k", { tag: "z" })]).toEqual([true, false]);
    expect(await table.remove("k", { tag: "x" })).toMatchObject({ applied: true });
    expect(await table.remove("k", { tag: "x" })).toMatchObject({ applied: false });
    expect([...table]).toEqual([["k", { tag: "y" }]]);
    await table.delete("k");
    expect([table.size, table.has("k")]).toEqual([0, false]);
  });

  it("a value that two nodes added stays when one of them is gone", () => {
    const { pair, bag } = setup();
    const table = bag("tags");
    const theirs = pair.b.open({ name: "tags", type: "bag", lifetime: "node" });
    pair.link();
    void table.add("k", 1);
    pair.settle();
    pair.b.write.add(theirs, "k", "p\u0001");
    pair.settle();
    expect(table.getAll("k")).toEqual([1]);
    pair.unlink();
    pair.a.close(2);
    expect(table.getAll("k")).toEqual([1]);
    expect(table.info().siblings).toBe(1);
    pair.a.run();
    expect(table.info().siblings).toBe(0);
  });
});
