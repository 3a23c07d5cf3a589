/** Concurrent writes of one key: what is shown, and who is told. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidOptionsError } from "../../src/errors.ts";
import type { ConflictEvent } from "../../src/tables/change.ts";
import type { TableOptions } from "../../src/tables/table-options.ts";
import { Faces, type Session } from "./faces.ts";

type Options = TableOptions<Session, "user">;

const older: Session = { user: "ann", at: 1 };
const newer: Session = { user: "ann", at: 2 };

/** Both nodes write "k" while they do not see each other. */
function split(first: Session, second: Session, options: Options, ringOps = 100) {
  const faces = new Faces({ opRingOps: ringOps });
  const told = { a: [] as ConflictEvent<Session>[], b: [] as ConflictEvent<Session>[] };
  const a = faces.set("a", { ...options, onConflict: (event) => told.a.push(event) });
  const b = faces.set("b", { ...options, onConflict: (event) => told.b.push(event) });
  faces.pair.link();
  faces.pair.unlink();
  void a.set("k", first);
  void b.set("k", second);
  return { faces, a, b, told };
}

/** As in doc/api.md. */
const latestWins = (siblings: readonly Session[]): Session | undefined =>
  siblings.reduce((best, one) => (one.at > best.at ? one : best));
const keepOlder = (siblings: readonly Session[]): Session | undefined =>
  siblings.reduce((best, one) => (one.at < best.at ? one : best));

describe("concurrent sets", () => {
  it("show the later stamp on both nodes, and tell the other writer once", () => {
    const { faces, a, b, told } = split(older, newer, {});
    faces.pair.link();
    expect([a.get("k"), b.get("k")]).toEqual([newer, newer]);
    const event = { key: "k", value: older, kind: "shadowed", current: newer, owner: "b" };
    expect(told).toEqual({ a: [event], b: [] });
    void b.set("k", newer);
    faces.pair.settle();
    expect([told.a.length, told.b.length]).toEqual([1, 0]);
    expect([a.info().conflicts, b.info().conflicts]).toEqual([1, 0]);
  });

  it("are told over a state session, too, and after the link was made anew", () => {
    const { faces, told, a } = split(older, newer, {}, 1);
    for (let at = 0; at < 5; at++) void a.set(`more${at}`, newer);
    faces.pair.link();
    expect(faces.pair.a.counters.merges + faces.pair.b.counters.merges).toBeGreaterThan(0);
    faces.pair.unlink();
    faces.pair.link();
    expect(told.a.map(({ value }) => value)).toEqual([older]);
    expect(told.b).toEqual([]);
  });

  it("latest timestamp wins, whatever the order of the writes", () => {
    const { faces, a, b, told } = split(newer, older, { merge: latestWins });
    faces.pair.link();
    expect([a.get("k"), b.get("k")]).toEqual([newer, newer]);
    expect(a.entry("k")?.siblings).toEqual([older, newer]);
    expect([told.a.length, told.b.map(({ current }) => current)]).toEqual([0, [newer]]);
  });

  it("keep the older session: the newcomer is told, the next write ends the siblings", () => {
    const { faces, a, b, told } = split(older, newer, { merge: keepOlder });
    faces.pair.link();
    expect([a.get("k"), b.get("k"), [...b][0]?.[1]]).toEqual([older, older, older]);
    expect(told.b.map(({ value, kind }) => [value, kind])).toEqual([[newer, "shadowed"]]);
    void b.patch("k", { user: "bob" });
    faces.pair.settle();
    expect(a.entry("k")).toMatchObject({ value: { user: "bob", at: 1 }, siblings: [] });
    expect(told.a.map(({ kind }) => kind)).toEqual(["ended"]);
    expect(told.b.length).toBe(1);
  });

  it("a mixture of all is nobody's loss, and is found in indexes and iteration", () => {
    const merge = (siblings: readonly Session[]): Session => ({
      user: siblings.map((one) => one.user).join("+"),
      at: Math.max(...siblings.map((one) => one.at)),
    });
    const options: Options = { merge, indexes: { user: (one) => one.user } };
    const { faces, a, told } = split({ ...older, user: "x" }, newer, options);
    faces.pair.link();
    expect(told).toEqual({ a: [], b: [] });
    expect([...a.find("user", "ann+x")].map(([key]) => key)).toEqual(["k"]);
    expect([a.count("user", "x"), a.count("user", "ann+x")]).toEqual([0, 1]);
    expect(a.dump().map(({ value }) => value.user)).toEqual(["ann+x"]);
  });

  it("a merge that throws is counted, and the greatest stamp is shown", () => {
    const merge = (): never => {
      throw new Error("cannot");
    };
    const { faces, a } = split(older, newer, { merge });
    faces.pair.link();
    expect([a.get("k"), a.get("k")]).toEqual([newer, newer]);
    expect(a.info().mergeErrors).toBeGreaterThan(0);
  });

  it("a merge is asked again only when the siblings have changed", () => {
    let calls = 0;
    const merge = (siblings: readonly Session[]): Session | undefined => {
      calls++;
      return siblings[0];
    };
    const { faces, a } = split(older, newer, { merge });
    faces.pair.link();
    void a.get("k");
    const before = calls;
    for (let read = 0; read < 10; read++) void a.get("k");
    expect(calls).toBe(before);
  });

  it("merge gives the same on both nodes, for any writes", () => {
    const value = fc.record({ user: fc.constantFrom("x", "y"), at: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(value, value, fc.boolean(), (first, second, isAFirst) => {
        const { faces, a, b } = split(isAFirst ? first : second, isAFirst ? second : first, {
          merge: latestWins,
        });
        faces.pair.link();
        expect(a.get("k")).toEqual(b.get("k"));
        expect(a.get("k")?.at).toBe(Math.max(first.at, second.at));
      }),
      { numRuns: 40 },
    );
  });
});

describe("withdraw", () => {
  it("takes back what lost a conflict, and the winner stays, on both nodes", () => {
    const { faces, a, b, told } = split(older, newer, {});
    faces.pair.link();
    void a.withdraw("k");
    faces.pair.settle();
    for (const table of [a, b]) {
      expect(table.entry("k")).toMatchObject({ value: newer, owner: "b", siblings: [] });
      expect(table.info()).toMatchObject({ rows: 1, siblings: 0 });
    }
    expect([told.a.length, told.b.length]).toEqual([1, 0]);
  });

  it("of a winner shows the other one again; of no row of its own it does nothing", async () => {
    const { faces, a, b } = split(older, newer, {});
    faces.pair.link();
    void b.withdraw("k");
    faces.pair.settle();
    expect([a.get("k"), b.get("k")]).toEqual([older, older]);
    const done = b.withdraw("k");
    faces.pair.settle();
    expect(await done).toMatchObject({ applied: false });
    expect([a.get("k"), b.get("k")]).toEqual([older, older]);
  });
});

describe("a row that another node ends", () => {
  function linked(options: Options = {}) {
    const faces = new Faces();
    const told: ConflictEvent<Session>[] = [];
    const a = faces.set("a", { ...options, onConflict: (event) => told.push(event) });
    const b = faces.set("b", options);
    faces.pair.link();
    void a.set("k", older);
    faces.pair.settle();
    return { faces, told, a, b };
  }

  it("is told to its owner with what stands there now", () => {
    const { faces, told, b } = linked();
    void b.set("k", newer);
    faces.pair.settle();
    expect(told).toEqual([{ key: "k", value: older, kind: "ended", current: newer, owner: "b" }]);
  });

  it("is told when it was deleted, and not when its owner does that itself", () => {
    const { faces, told, a, b } = linked();
    void a.set("own", older);
    void a.set("own", newer);
    void a.delete("own");
    void b.delete("k");
    faces.pair.settle();
    expect(told).toMatchObject([{ key: "k", kind: "ended", current: undefined }]);
  });

  it("is told to an owner that was suspected and comes back", () => {
    const { faces, told, b } = linked();
    faces.pair.unlink();
    faces.pair.b.memberDown(1);
    expect(b.get("k")).toBeUndefined();
    void b.set("k", newer);
    faces.pair.link();
    expect(told.map(({ value }) => value)).toEqual([older]);
  });

  it("a listener that throws stops nobody else", () => {
    const faces = new Faces();
    const told: string[] = [];
    const onConflict = ({ key }: ConflictEvent<Session>): void => {
      told.push(String(key));
      throw new Error("mine");
    };
    const a = faces.set("a", { onConflict });
    const b = faces.set("b");
    faces.pair.link();
    void a.setMany([
      ["k", older],
      ["l", older],
    ]);
    faces.pair.settle();
    void b.deleteMany(["k", "l"]);
    faces.pair.settle();
    expect([told, faces.pair.thrown.length]).toEqual([["k", "l"], 2]);
  });

  it("merge is refused for a bag, and what is no function", () => {
    const faces = new Faces();
    expect(() => faces.a.declare("x", { type: "bag", merge: () => 1 })).toThrow(/bag/);
    expect(() => faces.a.declare("x", { onConflict: 1 })).toThrow(InvalidOptionsError);
  });
});
