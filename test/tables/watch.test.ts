/** Watching: every change once, in order, with its reason, and never without bound. */
import { describe, expect, it } from "vitest";
import { InvalidOptionsError, TableError } from "../../src/errors.ts";
import type { OwnerDownEvent, WatchEvent } from "../../src/tables/change.ts";
import { Faces, type Session } from "./faces.ts";

const ann: Session = { user: "ann", at: 1 };
const bob: Session = { user: "bob", at: 2 };

/** "+key reason" for what is shown, "-key reason" for what is not any more. */
function line<V>(event: WatchEvent<V>): string {
  if (event.type === "missed") return `missed ${event.changes}`;
  return `${event.type === "set" ? "+" : "-"}${String(event.key)} ${event.reason}`;
}

function watched(options = {}, limits = {}) {
  const faces = new Faces(limits);
  const a = faces.set("a", { indexes: { user: (one: Session) => one.user } });
  const b = faces.set("b");
  const events: WatchEvent<Session>[] = [];
  const watch = a.watch(options, (event) => events.push(event));
  const lines = (): string[] => events.splice(0).map(line);
  return { faces, a, b, events, watch, lines };
}

describe("watch", () => {
  it("tells of each op once, in order, at the end of the turn", () => {
    const { faces, a, events, lines } = watched();
    void a.set("k", ann);
    void a.patch("k", { at: 9 });
    void a.set("k", bob);
    void a.delete("k");
    expect(events).toEqual([]);
    faces.pair.settle();
    expect(events[1]).toEqual({
      type: "set",
      key: "k",
      value: { user: "ann", at: 9 },
      previous: ann,
      owner: "a",
      ownerOrigin: 1,
      reason: "patched",
    });
    expect(lines()).toEqual(["+k set", "+k patched", "+k set", "-k deleted"]);
  });

  it("shows a batch of another node whole to its first event", () => {
    const { faces, a, b } = watched();
    faces.pair.link();
    const sizes: number[] = [];
    a.watch({}, () => sizes.push(a.size));
    void b.setMany([
      [1, ann],
      [2, ann],
      [3, ann],
    ]);
    faces.pair.settle();
    expect(sizes).toEqual([3, 3, 3]);
  });

  it("each row of an owner that is suspected vanishes once, comes back once, and goes for good", () => {
    const { faces, a, b, lines } = watched();
    faces.pair.link();
    void b.setMany(Array.from({ length: 300 }, (_, at) => [at, ann] as const));
    void a.set("mine", bob);
    faces.pair.settle();
    lines();
    const all = (sign: string, reason: string): string[] =>
      Array.from({ length: 300 }, (_, at) => `${sign}${at} ${reason}`).sort();
    faces.pair.a.memberDown(2);
    faces.pair.settle();
    expect(lines().sort()).toEqual(all("-", "ownerSuspect"));
    faces.pair.a.memberUp(2);
    faces.pair.settle();
    expect(lines().sort()).toEqual(all("+", "ownerBack"));
    faces.pair.unlink();
    faces.pair.a.close(2);
    faces.pair.settle();
    expect(lines().sort()).toEqual(all("-", "ownerDown"));
    expect([a.size, a.info().rows]).toEqual([1, 1]);
  });

  it("a write during the scan of a hidden owner is told in its place", () => {
    const { faces, a, b, events } = watched({}, { sliceRows: 10 });
    faces.pair.link();
    void b.setMany(Array.from({ length: 200 }, (_, at) => [at, ann] as const));
    faces.pair.settle();
    events.length = 0;
    faces.pair.unlink();
    faces.pair.a.close(2);
    faces.pair.a.run();
    const before = new Set(events.map((event) => (event.type === "missed" ? "" : event.key)));
    expect(before.size).toBeGreaterThan(0);
    expect(before.size).toBeLessThan(200);
    for (let at = 0; at < 200; at++) void a.set(at, bob);
    faces.pair.settle();
    const mirror = new Map<unknown, Session>(
      Array.from({ length: 200 }, (_, at): [unknown, Session] => [at, ann]),
    );
    for (const event of events) {
      if (event.type === "missed") throw new Error("missed");
      expect(event.previous).toEqual(mirror.get(event.key));
      if (event.type === "set") mirror.set(event.key, event.value);
      else mirror.delete(event.key);
    }
    expect([...mirror.values()].every((one) => one.user === "bob")).toBe(true);
    expect(mirror.size).toBe(200);
  });

  it("concurrent writes that meet are told as a conflict, on the node that sees another row", () => {
    const { faces, a, b, lines } = watched();
    faces.pair.link();
    faces.pair.unlink();
    void a.set("k", ann);
    void b.set("k", bob);
    faces.pair.settle();
    lines();
    faces.pair.link();
    expect(lines()).toEqual(["+k conflict"]);
  });

  it("what came with a state session says so", () => {
    const { faces, b, lines } = watched({}, { opRingOps: 1 });
    for (let at = 0; at < 5; at++) void b.set(at, ann);
    faces.pair.link();
    expect(new Set(lines().map((one) => one.split(" ")[1]))).toEqual(new Set(["resync"]));
  });

  it("filters by key, prefix, index, kind, reason and function", () => {
    const { faces, a } = watched();
    const seen: Record<string, string[]> = {};
    const watch = (name: string, options: Parameters<typeof a.watch>[0]): void => {
      const lines: string[] = [];
      seen[name] = lines;
      a.watch(options as object, (event) => lines.push(line(event)));
    };
    watch("key", { key: ["x", 1] });
    watch("prefix", { prefix: ["x"] });
    watch("index", { index: { name: "user", value: "bob" } });
    watch("types", { types: ["delete"] });
    watch("reasons", { reasons: ["patched"] });
    watch("where", { where: (event) => event.type === "set" && event.value.at === 1 });
    void a.set(["x", 1], ann);
    void a.set(["x", 2], bob);
    void a.set(["y"], ann);
    void a.patch(["x", 2], { user: "eve" });
    void a.delete(["x", 1]);
    faces.pair.settle();
    expect(seen).toEqual({
      key: ["+x,1 set", "-x,1 deleted"],
      prefix: ["+x,1 set", "+x,2 set", "+x,2 patched", "-x,1 deleted"],
      index: ["+x,2 set", "+x,2 patched"],
      types: ["-x,1 deleted"],
      reasons: ["+x,2 patched"],
      where: ["+x,1 set", "+y set"],
    });
  });

  it("refuses options that are wrong, all at once", () => {
    const { a } = watched();
    const wrong = { key: 1, prefix: "a", buffer: 0, color: "red" } as object;
    let faults: readonly string[] = [];
    try {
      a.watch(wrong);
    } catch (error) {
      if (error instanceof InvalidOptionsError) faults = error.faults;
    }
    expect(faults.length).toBe(3);
    expect(() => faces("none")).toThrow(TableError);
    function faces(name: string): unknown {
      return a.watch({ index: { name: name as "user", value: 1 } });
    }
  });

  it("as an iterator gives what came while nobody waited, and ends when it is stopped", async () => {
    const { faces, a } = watched();
    const abort = new AbortController();
    const watch = a.watch({ signal: abort.signal });
    void a.set("k", ann);
    void a.set("l", bob);
    faces.pair.settle();
    const seen: string[] = [];
    for await (const event of watch) {
      seen.push(line(event));
      if (seen.length === 2) {
        void a.delete("k");
        faces.pair.settle();
      }
      if (seen.length === 3) abort.abort();
    }
    expect(seen).toEqual(["+k set", "+l set", "-k deleted"]);
    const waiting = a.watch();
    const next = waiting.next();
    waiting.stop();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it("a slow reader gets net changes, then one notice and all that came after it", async () => {
    const { faces, a } = watched();
    const watch = a.watch({ buffer: 4 });
    for (let round = 0; round < 50; round++) {
      void a.set("x", { user: "x", at: round });
      void a.set("y", { user: "y", at: round });
    }
    faces.pair.settle();
    expect(watch.pending).toBeLessThanOrEqual(4);
    const events: WatchEvent<Session>[] = [];
    while (watch.pending > 0) {
      const { value } = await watch.next();
      if (value !== undefined) events.push(value);
    }
    const last = events.filter((event) => event.type === "set").map((event) => event.value.at);
    expect(last.slice(-2)).toEqual([49, 49]);
    for (let at = 0; at < 9; at++) void a.set(at, ann);
    faces.pair.settle();
    expect((await watch.next()).value).toEqual({ type: "missed", changes: 9 });
    void a.set("z", ann);
    faces.pair.settle();
    expect((await watch.next()).value).toMatchObject({ type: "set", key: "z" });
  });

  it("what comes and goes while a reader is slow is not told and takes no room", async () => {
    const { faces, a } = watched();
    const watch = a.watch({ buffer: 4 });
    void a.setMany([
      ["x", ann],
      ["y", ann],
    ]);
    for (let round = 0; round < 1000; round++) {
      void a.set("z", ann);
      void a.delete("z");
    }
    faces.pair.settle();
    expect(watch.pending).toBeLessThanOrEqual(4);
    const { value } = await watch.next();
    expect(value).toMatchObject({ type: "set", key: "x" });
  });

  it("rows are not looked at once the last watcher is gone", () => {
    const { faces, a, watch, events } = watched();
    watch.stop();
    void a.set("k", ann);
    faces.pair.settle();
    expect(events).toEqual([]);
    const state = faces.pair.a.open({ name: "sessions", type: "set", lifetime: "node" });
    expect(state.feed).toBeNull();
  });

  it("of a bag tells of values, each once however many have added it", () => {
    const faces = new Faces();
    const a = faces.bag("a");
    const b = faces.bag("b");
    const lines: string[] = [];
    a.watch({}, (event) => {
      if (event.type !== "missed") lines.push(`${line(event)} ${event.value ?? event.previous}`);
    });
    faces.pair.link();
    void a.add("k", "x");
    void b.add("k", "x");
    void b.add("k", "y");
    faces.pair.settle();
    void a.add("k", "x");
    faces.pair.settle();
    faces.pair.a.close(2);
    faces.pair.settle();
    void a.remove("k", "x");
    faces.pair.settle();
    expect(lines).toEqual(["+k set x", "+k set y", "-k ownerDown y", "-k deleted x"]);
  });

  it("a listener that throws and a filter that throws are handed over, and the watch goes on", () => {
    const { faces, a, lines } = watched();
    a.watch({}, () => {
      throw new Error("listener");
    });
    const where = (): never => {
      throw new Error("filter");
    };
    a.watch({ where }, () => undefined);
    void a.set("k", ann);
    void a.set("k", bob);
    faces.pair.settle();
    expect(faces.pair.thrown.length).toBe(4);
    expect(lines()).toEqual(["+k set", "+k set"]);
  });
});

describe("onDown", () => {
  it("is called when an owner is closed at once, whose rows are purged before they are told", () => {
    const faces = new Faces();
    const downs: OwnerDownEvent[] = [];
    faces.set("a", { onDown: (event) => downs.push(event) });
    const b = faces.set("b");
    faces.pair.link();
    void b.set("k", ann);
    faces.pair.settle();
    faces.pair.a.memberDown(2);
    faces.pair.a.close(2);
    faces.pair.settle();
    expect(downs.map(({ reason, rows }) => [reason, rows])).toEqual([["ownerDown", 1]]);
  });

  it("is called once when an owner's rows have vanished, with how many there were", () => {
    const faces = new Faces();
    const downs: OwnerDownEvent[] = [];
    faces.set("a", { onDown: (event) => downs.push(event) });
    const b = faces.set("b");
    faces.pair.link();
    void b.set("k", ann);
    faces.pair.settle();
    faces.pair.a.memberDown(2);
    faces.pair.settle();
    faces.pair.a.close(2);
    faces.pair.settle();
    const event = {
      table: "sessions",
      owner: "b",
      ownerOrigin: 2,
      reason: "ownerSuspect",
      rows: 1,
    };
    expect(downs).toEqual([event]);
  });
});
