/** Quotas and schemas: what a writer may not write is refused before anything has changed. */
import { describe, expect, it } from "vitest";
import { InvalidOptionsError, InvalidValueError, TooLargeError } from "../../src/errors.ts";
import type { StandardSchema } from "../../src/standard-schema.ts";
import { Faces, type Session } from "./faces.ts";

const ann: Session = { user: "ann", at: 1 };

/** As a library of schemas makes them: checks, and fills in what is missing. */
const schema: StandardSchema<Session> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const { user, at = 0 } = value as Partial<Session>;
      if (typeof user !== "string") {
        return { issues: [{ message: "is no string", path: ["user"] }, { message: "is bad" }] };
      }
      return { value: { user, at } };
    },
  },
};

describe("quotas", () => {
  it("refuse what would be over maxRows, and nothing else", async () => {
    const faces = new Faces();
    const table = faces.set("a", { maxRows: 2 });
    await table.setMany([
      ["a", ann],
      ["b", ann],
    ]);
    await expect(table.set("c", ann)).rejects.toThrow(/would have 3 rows, at most 2/);
    await table.set("a", { user: "bob", at: 2 });
    await table.delete("b");
    await table.set("c", ann);
    const many = table.setMany([
      ["a", ann],
      ["d", ann],
      ["d", ann],
    ]);
    await expect(many).rejects.toThrow(TooLargeError);
    expect([[...table.keys()].sort(), table.get("a")?.user]).toEqual([["a", "c"], "bob"]);
  });

  it("refuse what would be over maxBytes; a row that shrinks is always let through", async () => {
    const faces = new Faces();
    const table = faces.set("a", { maxBytes: 200 });
    const long = { user: "x".repeat(120), at: 1 };
    await table.set("k", long);
    const { bytes } = table.info();
    await expect(table.set("l", long)).rejects.toThrow(`at most 200`);
    await expect(table.patch("k", { user: "x".repeat(300) })).rejects.toThrow(TooLargeError);
    expect(table.info().bytes).toBe(bytes);
    await table.set("k", { user: "y", at: 1 });
    await table.set("l", ann);
    expect(table.size).toBe(2);
  });

  it("are the writer's: rows of others come in, and count", async () => {
    const faces = new Faces();
    const a = faces.set("a", { maxRows: 1 });
    const b = faces.set("b");
    faces.pair.link();
    void b.setMany([
      [1, ann],
      [2, ann],
    ]);
    faces.pair.settle();
    expect(a.size).toBe(2);
    await expect(a.set(3, ann)).rejects.toThrow(TooLargeError);
  });

  it("of a bag count keys and the bytes of all values", async () => {
    const faces = new Faces();
    const bag = faces.bag("a", { maxRows: 1, maxBytes: 60 });
    await bag.add("k", "x");
    await expect(bag.add("l", "x")).rejects.toThrow(TooLargeError);
    await bag.add("k", "y");
    await expect(bag.add("k", "z".repeat(60))).rejects.toThrow(TooLargeError);
    expect(bag.getAll("k")).toEqual(["y", "x"]);
  });
});

describe("schema", () => {
  it("refuses a value with all issues, and stores what it gives back", async () => {
    const faces = new Faces();
    const table = faces.set("a", { schema });
    await table.set("k", { user: "ann" } as Session);
    expect(table.get("k")).toEqual({ user: "ann", at: 0 });
    const wrong = table.set("l", { at: 3 } as Session);
    await expect(wrong).rejects.toThrow("user: is no string; is bad");
    await expect(wrong).rejects.toBeInstanceOf(InvalidValueError);
    const error = await wrong.catch((reason: unknown) => reason);
    expect((error as InvalidValueError).issues).toEqual([
      { message: "is no string", path: ["user"] },
      { message: "is bad", path: [] },
    ]);
    expect(table.has("l")).toBe(false);
  });

  it("checks the whole value after a patch, and all of a batch before any of it", async () => {
    const faces = new Faces();
    const table = faces.set("a", { schema });
    await table.set("k", ann);
    const patched = table.patch("k", { user: 5 as unknown as string });
    await expect(patched).rejects.toThrow(InvalidValueError);
    const many = table.setMany([
      ["l", ann],
      ["m", {} as Session],
    ]);
    await expect(many).rejects.toThrow(InvalidValueError);
    expect([table.size, table.get("k")]).toEqual([1, ann]);
  });

  it("that answers later is refused at the write", async () => {
    const faces = new Faces();
    const validate = async (value: unknown) => ({ value: value as Session });
    const table = faces.set("a", {
      schema: { "~standard": { version: 1, vendor: "t", validate } },
    });
    await expect(table.set("k", ann)).rejects.toThrow(/at once/);
  });

  it("and quotas that are none are refused, all faults at once", () => {
    const faces = new Faces();
    let faults: readonly string[] = [];
    try {
      faces.a.declare("x", { schema: {}, maxRows: 0, maxBytes: "1", ttlMs: -1, onDown: 1 });
    } catch (error) {
      if (error instanceof InvalidOptionsError) faults = error.faults;
    }
    expect(faults.length).toBe(5);
  });
});
