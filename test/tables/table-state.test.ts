/** A table that is declared when many rows are there already, and one that is declared no longer. */
import { describe, expect, it } from "vitest";
import type { Change } from "../../src/tables/change.ts";
import { ChangeFeed, type OwnerDown } from "../../src/tables/change-feed.ts";
import type { Key } from "../../src/tables/key.ts";
import { Faces, type Session } from "./faces.ts";

const ROWS = 5000;

function declaredLate() {
  const faces = new Faces();
  const b = faces.set("b");
  faces.pair.link();
  void b.setMany(
    Array.from({ length: ROWS }, (_, at) => [at, { user: `u${at % 7}`, at }] as const),
  );
  faces.pair.settle();
  const a = faces.set("a", { ordered: true, indexes: { user: (one) => one.user } });
  const state = faces.pair.a.open({ name: "sessions", type: "set", lifetime: "node" });
  return { faces, a, b, state };
}

function numbers(rows: Iterable<[Key, Session]>): number[] {
  return [...rows].map(([key]) => Number(key));
}

describe("a table that is declared late", () => {
  it("takes its rows into order and indexes in slices, with writes in between", () => {
    const { faces, a, b, state } = declaredLate();
    const slices: boolean[] = [];
    for (let round = 0; state.isAttaching; round++) {
      slices.push(faces.pair.a.run());
      for (let at = round * 300; at < round * 300 + 90; at += 3) {
        void b.set(at, { user: "late", at });
        void b.delete(at + 1);
        void b.patch(at + 2, { user: "late" });
        void b.set(ROWS + at, { user: "late", at });
      }
      faces.pair.b.run();
      for (const { to, from, frame } of faces.pair.sent.splice(0)) {
        faces.pair.node(to).receive(from, frame);
      }
      faces.pair.b.run();
    }
    expect(slices.length).toBeGreaterThan(1);
    faces.pair.settle();
    const all = new Map([...b].map(([key, row]) => [Number(key), row]));
    expect(numbers(a)).toEqual([...all.keys()].sort((x, y) => x - y));
    for (const user of ["late", "u0", "u3"]) {
      const expected = [...all].filter(([, row]) => row.user === user).map(([key]) => key);
      expect(numbers(a.find("user", user)).sort()).toEqual(expected.sort());
      expect(a.count("user", user)).toBe(expected.length);
    }
    expect(a.info().indexErrors).toBe(0);
  });

  it("a read that needs all of them has all of them at once", () => {
    const { a, state } = declaredLate();
    expect(state.isAttaching).toBe(true);
    expect(a.count("user", "u1")).toBe(Math.ceil((ROWS - 1) / 7));
    expect(state.isAttaching).toBe(false);
    expect([...a.scan({ limit: 2 })].map(([key]) => key)).toEqual([0, 1]);
  });

  it("an order or an index that is attached late is read whole, whichever is asked first", () => {
    const scans = declaredLate();
    expect([...scans.a.scan()].length).toBe(ROWS);
    const iterates = declaredLate();
    expect([...iterates.a].length).toBe(ROWS);
  });
});

describe("a table that is declared no longer", () => {
  it("tells nothing more, though rows of an owner that went are being told", () => {
    const faces = new Faces();
    const { a, b } = faces.pair;
    const state = a.open({ name: "sessions", type: "set", lifetime: "node" });
    const { origins, deliveries } = a.replica;
    const told: (Change | OwnerDown)[] = [];
    state.feed = new ChangeFeed(state, origins, deliveries);
    state.feed.add({
      record: (change) => told.push(change),
      ownerDown: (down) => told.push(down),
      flush: () => false,
    });
    faces.pair.link();
    void faces.set("b").setMany(Array.from({ length: ROWS }, (_, at) => [at, { user: "u", at }]));
    faces.pair.settle();
    expect(told.length).toBe(ROWS);
    a.linkDown(b.origin);
    a.memberDown(b.origin);
    a.run();
    const before = told.length;
    expect(before).toBeGreaterThan(ROWS);
    expect(before).toBeLessThan(2 * ROWS);
    state.detach();
    while (a.run());
    expect(told.length).toBe(before);
  });
});
