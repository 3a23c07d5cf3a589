/** Emptying, exporting and importing tables, and taking a declaration back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, TableError } from "../../src/errors.ts";
import type { Key } from "../../src/tables/key.ts";
import type { Table } from "../../src/tables/table.ts";
import { Faces, type Session } from "./faces.ts";

const ann: Session = { user: "ann", at: 1 };

function anyTable(faces: Faces, name: string): Table<unknown> {
  return faces.a.declare(name, {}) as unknown as Table<unknown>;
}

describe("clear", () => {
  it("removes all rows on all nodes, those of others and of absent owners too", async () => {
    const faces = new Faces();
    const a = faces.set("a");
    const b = faces.set("b");
    faces.pair.link();
    void a.setMany(Array.from({ length: 2500 }, (_, at) => [at, ann] as const));
    void b.set("b", ann);
    faces.pair.settle();
    faces.pair.a.memberDown(2);
    const cleared = a.clear({ ack: "none" });
    expect(await cleared).toBe(2501);
    faces.pair.settle();
    expect([a.info().rows, b.info().rows]).toEqual([0, 0]);
  });
});

describe("export and import", () => {
  it("bring any keys and values back unchanged", async () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true }),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.boolean(),
      fc.constant(null),
    );
    const key: fc.Arbitrary<Key> = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }));
    const value = fc.oneof(
      fc.jsonValue().filter((given) => !JSON.stringify(given).includes("__proto__")),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.constantFrom(new Map([[1, "x"]]), new Date(5), new Uint8Array([0, 200]), { x: undefined }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, value), { maxLength: 12 }), async (rows) => {
        const faces = new Faces();
        const from = anyTable(faces, "from");
        const to = anyTable(faces, "to");
        for (const [each, content] of rows) await from.set(each, content);
        const lines = [...from.export()];
        expect(lines.every((line) => !line.includes("\n"))).toBe(true);
        expect(await to.import(lines)).toBe(from.size);
        expect(to.dump().map((row) => [row.key, row.value])).toEqual(
          from.dump().map((row) => [row.key, row.value]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("of plain rows are lines that people can read", async () => {
    const faces = new Faces();
    const table = faces.set("a");
    await table.set(["x", 1], ann);
    expect([...table.export()]).toEqual([
      '{"skein":1,"table":"sessions","type":"set"}',
      '{"key":["x",1],"value":{"user":"ann","at":1}}',
    ]);
  });

  it("of a bag keep all values; a set does not take them", async () => {
    const faces = new Faces();
    const bag = faces.bag("a");
    await bag.addMany([
      ["k", "x"],
      ["k", "y"],
    ]);
    const lines = [...bag.export()];
    await bag.clear();
    async function* slowly(): AsyncGenerator<string> {
      for (const line of lines) yield line;
    }
    expect(await bag.import(slowly())).toBe(2);
    expect(bag.getAll("k").sort()).toEqual(["x", "y"]);
    await expect(faces.set("a").import(lines)).rejects.toThrow(/rows of a bag/);
  });

  it("name the line that is wrong", async () => {
    const faces = new Faces();
    const table = faces.set("a");
    const [header = ""] = [...table.export()];
    const wrong = ["{", '{"value":1}', '{"key":{},"value":1}', '{"key":1,"encodedValue":"?"}'];
    for (const line of wrong) {
      const imported = table.import([header, '{"key":1,"value":{"user":"x","at":1}}', line]);
      await expect(imported).rejects.toThrow(/line 3/);
      await expect(imported).rejects.toBeInstanceOf(InvalidArgumentError);
    }
    await expect(table.import([])).rejects.toThrow(InvalidArgumentError);
    await expect(table.import(['{"skein":2}'])).rejects.toThrow(/line 1/);
  });
});

describe("a table that is removed", () => {
  it("refuses every use, ends its watchers, and keeps its rows for others and for later", async () => {
    const faces = new Faces();
    const told: unknown[] = [];
    const a = faces.set("a", { ttlMs: 1000, onConflict: (event) => told.push(event) });
    const b = faces.set("b");
    faces.pair.link();
    void a.set("k", ann);
    faces.pair.settle();
    const watch = a.watch();
    const next = watch.next();
    faces.a.remove("sessions");
    expect(await next).toEqual({ done: true, value: undefined });
    expect(() => a.get("k")).toThrow(TableError);
    await expect(a.set("k", ann)).rejects.toThrow(/was removed/);
    expect(() => faces.a.remove("sessions")).toThrow(TableError);
    faces.pair.tick(2000);
    void b.set("k", { user: "bob", at: 2 });
    faces.pair.settle();
    const again = faces.set("a", { indexes: { user: (one) => one.user } });
    expect([...again.find("user", "bob")].length).toBe(1);
    expect(told).toEqual([]);
  });
});
