/** Rows with a time to live: removed once, by whom it is to do, and never by a clock that jumps. */
import { describe, expect, it } from "vitest";
import { InvalidOptionsError } from "../../src/errors.ts";
import { DecodedValues } from "../../src/tables/decoded-values.ts";
import { Expiry } from "../../src/tables/expiry.ts";
import { Origins } from "../../src/tables/origins.ts";
import type { TableOptions } from "../../src/tables/table-options.ts";
import { TableState } from "../../src/tables/table-state.ts";
import { Faces, type Session } from "./faces.ts";

const ann: Session = { user: "ann", at: 1 };
type Options = TableOptions<Session, "user">;

function linked(options: Options = {}) {
  const faces = new Faces();
  const a = faces.set("a", { ttlMs: 1000, ...options });
  const b = faces.set("b", { ttlMs: 1000, ...options });
  faces.pair.link();
  const reasons: string[] = [];
  for (const [name, table] of Object.entries({ a, b })) {
    table.watch({ types: ["delete"] }, (event) => {
      if (event.type === "delete") reasons.push(`${name} ${String(event.key)} ${event.reason}`);
    });
  }
  return { faces, a, b, reasons };
}

describe("ttlMs", () => {
  it("removes a row once on all nodes, with its reason, when its time is over", () => {
    const { faces, a, b, reasons } = linked();
    void a.set("k", ann);
    faces.pair.tick(900);
    expect([a.has("k"), b.has("k"), reasons.length]).toEqual([true, true, 0]);
    faces.pair.tick(100);
    expect([a.has("k"), b.has("k")]).toEqual([false, false]);
    faces.pair.tick(5000);
    expect(reasons.sort()).toEqual(["a k expired", "b k expired"]);
  });

  it("is renewed by set and not by patch", () => {
    const { faces, a, b } = linked();
    void a.set("set", ann);
    void a.set("patched", ann);
    faces.pair.tick(700);
    void a.set("set", ann);
    void a.patch("patched", { at: 2 });
    faces.pair.tick(700);
    expect([...b.keys()]).toEqual(["set"]);
    faces.pair.tick(700);
    expect(b.size).toBe(0);
  });

  it("reads show an overdue row until its owner removes it", () => {
    const { faces, b, a } = linked();
    void a.set("k", ann);
    faces.pair.settle();
    faces.pair.unlink();
    faces.pair.tick(5000);
    expect([a.has("k"), b.has("k")]).toEqual([false, true]);
    faces.pair.link();
    expect(b.has("k")).toBe(false);
  });

  it("what was renewed on one side of a split is not ended by the other", () => {
    const { faces, a, b } = linked({ lifetime: "cluster" });
    void a.set("k", ann);
    faces.pair.settle();
    faces.pair.unlink();
    faces.pair.b.memberDown(1);
    for (let round = 0; round < 14; round++) {
      void a.set("k", ann);
      faces.pair.tick(900);
    }
    expect([a.has("k"), b.has("k")]).toEqual([true, false]);
    faces.pair.link();
    faces.pair.settle();
    expect([a.has("k"), b.has("k")]).toEqual([true, true]);
  });

  it("rows of lifetime cluster are removed by another when their owner is gone", () => {
    const { faces, a, b, reasons } = linked({ lifetime: "cluster" });
    void b.setMany(Array.from({ length: 700 }, (_, at) => [at, ann] as const));
    faces.pair.settle();
    faces.pair.unlink();
    faces.pair.a.close(2);
    // It is retired at the first, which is news of its log for the second.
    faces.pair.tick(500);
    faces.pair.tick(500);
    faces.pair.tick(5900);
    expect(a.size).toBe(700);
    faces.pair.tick(200);
    const told = reasons.filter((reason) => /^a .* expired$/.test(reason));
    expect([a.size, a.info().rows, told.length]).toEqual([0, 0, 700]);
  });

  it("rows of an owner that comes back while they are looked for are not ended by another", () => {
    const faces = new Faces({ sliceRows: 2 });
    const a = faces.set("a", { ttlMs: 1000, lifetime: "cluster" });
    const b = faces.set("b", { lifetime: "cluster" });
    faces.pair.link();
    void b.setMany(Array.from({ length: 50 }, (_, at) => [at, ann] as const));
    faces.pair.settle();
    faces.pair.unlink();
    faces.pair.a.memberDown(2);
    // The absence is counted from the first round on, and with a grace.
    faces.pair.tick(100);
    faces.pair.tick(100);
    faces.pair.pass(60_000);
    faces.pair.a.tick(true);
    faces.pair.a.run();
    const { rows } = a.info();
    expect(rows).toBeGreaterThan(40);
    expect(rows).toBeLessThan(50);
    faces.pair.a.memberUp(2);
    faces.pair.settle();
    expect(a.info().rows).toBe(rows);
  });

  it("of a bag ends each value by itself", () => {
    const faces = new Faces();
    const a = faces.bag("a", { ttlMs: 1000 });
    void a.add("k", "x");
    faces.pair.tick(600);
    void a.add("k", "y");
    faces.pair.tick(600);
    expect(a.getAll("k")).toEqual(["y"]);
  });

  it("a node that has not declared it loses the rows, too, and does not end its own", () => {
    const faces = new Faces();
    const a = faces.set("a", { ttlMs: 1000 });
    const b = faces.set("b");
    faces.pair.link();
    void a.set("a", ann);
    void b.set("b", ann);
    faces.pair.tick(1000);
    expect([[...a.keys()], [...b.keys()]]).toEqual([["b"], ["b"]]);
  });

  it("is refused unless it is a whole number of milliseconds", () => {
    const faces = new Faces();
    for (const ttlMs of [0, 1.5, "1s", Number.NaN]) {
      expect(() => faces.a.declare("x", { ttlMs })).toThrow(InvalidOptionsError);
    }
  });
});

describe("Expiry", () => {
  it("keeps a few entries a row, however often the row is renewed", () => {
    const { faces, a } = linked();
    const state = faces.pair.a.open({ name: "sessions", type: "set", lifetime: "node" });
    for (let at = 0; at < 20_000; at++) void a.set(at % 10, ann, { ack: "none" });
    expect(state.expiry?.size).toBeLessThan(5000);
    faces.pair.tick(1000);
    expect([a.size, state.expiry?.size]).toEqual([0, 0]);
  });

  it("an empty table has nothing due", () => {
    const origins = new Origins(1);
    const identity = { name: "t", type: "set", lifetime: "node" } as const;
    const table = new TableState(identity, origins, new DecodedValues(1000));
    const expiry = new Expiry(10, table, origins);
    expect([expiry.isDue(1e9), expiry.overdue(1e9, 5)]).toEqual([false, []]);
    expiry.made("k", 1, 0);
    expect([expiry.isDue(9), expiry.isDue(10), expiry.overdue(10, 5)]).toEqual([false, true, []]);
  });
});
