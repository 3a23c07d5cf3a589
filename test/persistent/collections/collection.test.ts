/** Collections of users' own types. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { InvalidOptionsError, InvalidValueError } from "../../../src/errors.ts";
import { collect } from "../../../src/persistent/conformance/trial.ts";
import { type Collection, type CollectionOptions, openStores } from "../../../src/persistent.ts";
import type { StandardSchema } from "../../../src/standard-schema.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

interface Profile {
  readonly name: string;
  readonly age: number;
}

/** Takes profiles, and ages given as text. */
const schema: StandardSchema<Profile> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate(value) {
      const { name, age }: Partial<Profile> = Object(value);
      if (typeof name !== "string") return { issues: [{ message: "no name", path: ["name"] }] };
      return { value: { name, age: Number(age) } };
    },
  },
};

async function opened(options: CollectionOptions<Profile>, clock = new VirtualClock()) {
  const stores = await openStores({ defaultStorage: "memory" }, { clock });
  const profiles = await stores.open<Profile>("profiles", { schema, ...options });
  return { stores, profiles, clock };
}

describe.each([
  ["keyval", { kind: "keyval" }],
  ["map of the host", { kind: "map" }],
  ["map of a user", { kind: "map", user: "romeo" }],
  ["keyval with a cache", { kind: "keyval", cache: true }],
  ["map with a cache", { kind: "map", cache: { usersMax: 5 } }],
] as const)("a collection of the kind %s", (_, options) => {
  it("gets, sets, deletes, counts, iterates and clears", async () => {
    const { stores, profiles } = await opened(options);
    expectTypeOf(profiles).toEqualTypeOf<Collection<Profile>>();
    expect(await profiles.get("a")).toBe(undefined);
    for (let index = 0; index < 120; index++) {
      await profiles.set(`id-${String(index).padStart(3, "0")}`, { name: "n", age: index });
    }
    expect(await profiles.get("id-007")).toEqual({ name: "n", age: 7 });
    expect(await profiles.has("id-007")).toBe(true);
    expect(await profiles.delete("id-007")).toBe(true);
    expect(await profiles.delete("id-007")).toBe(false);
    expect(await profiles.has("id-007")).toBe(false);
    expect(await profiles.count()).toBe(119);
    const all = await collect(profiles.iterate());
    expect(all).toHaveLength(119);
    expect(all[7]).toEqual(["id-008", { name: "n", age: 8 }]);
    expect(all.map(([id]) => id)).toEqual(all.map(([id]) => id).sort());
    await profiles.clear();
    expect(await profiles.count()).toBe(0);
    await stores.close();
  });

  it("stores what the schema gives back, and refuses what it refuses", async () => {
    const { profiles } = await opened(options);
    const given: unknown = { name: "n", age: "31", more: 1 };
    await profiles.set("a", given as Profile);
    expect(await profiles.get("a")).toEqual({ name: "n", age: 31 });
    const bad = profiles.set("a", { age: 1 } as Profile);
    await expect(bad).rejects.toThrow(InvalidValueError);
    await expect(bad).rejects.toThrow("name: no name");
    expect(await profiles.get("a")).toEqual({ name: "n", age: 31 });
  });
});

describe("a collection", () => {
  it("refuses undefined, which would delete", async () => {
    const stores = await openStores({ defaultStorage: "memory" });
    const any = await stores.open<unknown>("any");
    await any.set("a", null);
    await expect(any.set("a", undefined)).rejects.toThrow(InvalidValueError);
    await expect(any.get("")).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_KEY" });
    expect(await any.get("a")).toBe(null);
  });

  it("ends its items when their time is over", async () => {
    const { profiles, clock } = await opened({ ttlMs: 1000, cache: true });
    await profiles.set("a", { name: "a", age: 1 });
    clock.advance(600);
    await profiles.set("b", { name: "b", age: 2 });
    expect(await profiles.count()).toBe(2);
    clock.advance(400);
    expect(await profiles.get("a")).toBe(undefined);
    expect(await profiles.has("b")).toBe(true);
    expect(await collect(profiles.iterate())).toEqual([["b", { name: "b", age: 2 }]]);
    await profiles.set("a", { name: "a", age: 3 });
    expect(await profiles.count()).toBe(2);
  });

  it("reads from its cache, and says so", async () => {
    const { profiles } = await opened({ cache: true });
    await profiles.set("a", { name: "a", age: 1 });
    const first = await profiles.get("a");
    expect(await profiles.get("a")).toEqual(first);
    // What was read is the reader's own: to change it changes nothing in the cache.
    Object.assign(first ?? {}, { name: "changed" });
    expect(await profiles.get("a")).toEqual({ name: "a", age: 1 });
    expect(profiles.cacheCounts()).toMatchObject({ hits: 2, misses: 1 });
    expect((await opened({})).profiles.cacheCounts()).toBe(undefined);
  });

  it.each(["keyval", "map"] as const)("shows what its cache has of a %s at once", async (kind) => {
    const { profiles, clock } = await opened({ cache: true, kind, ttlMs: 1000 });
    await profiles.set("a", { name: "a", age: 1 });
    expect(profiles.peek("a")).toBe(undefined);
    await profiles.get("a");
    await profiles.get("b");
    const first = profiles.peek("a");
    expect(first).toEqual({ value: { name: "a", age: 1 } });
    Object.assign(first?.value ?? {}, { name: "changed" });
    expect(profiles.peek("a")).toEqual({ value: { name: "a", age: 1 } });
    expect(profiles.peek("b")).toEqual({ value: undefined });
    expect(profiles.peek("a\0")).toBe(undefined);
    clock.advance(1000);
    expect(profiles.peek("a")).toEqual({ value: undefined });
    await profiles.set("a", { name: "a", age: 2 });
    expect(profiles.peek("a")).toBe(undefined);
    const { profiles: plain } = await opened({ kind });
    await plain.get("a");
    expect(plain.peek("a")).toBe(undefined);
  });

  it("refuses a bad id whatever its cache knows", async () => {
    for (const kind of ["keyval", "map"] as const) {
      const { profiles } = await opened({ cache: true, kind });
      await profiles.set("a", { name: "a", age: 1 });
      for await (const _ of profiles.iterate());
      await profiles.get("a");
      for (const id of ["", "a\0", "x".repeat(2000)]) {
        await expect(profiles.get(id)).rejects.toThrow(/key /);
      }
    }
  });

  it("has what was written to it by another handle of this process, cached or not", async () => {
    const { stores, profiles } = await opened({ cache: true });
    const cached = await stores.open<Profile>("profiles", { cache: true });
    const plain = await stores.open<Profile>("profiles");
    for (const [age, writer] of [cached, plain, profiles, plain].entries()) {
      await profiles.get("a");
      await cached.get("a");
      await writer.set("a", { name: "a", age });
      for (const each of [profiles, cached, plain]) {
        expect(await each.get("a")).toEqual({ name: "a", age });
      }
    }
    profiles.close();
    for (const age of [8, 9]) {
      await cached.set("a", { name: "a", age });
      expect(await cached.get("a")).toEqual({ name: "a", age });
      // One that was closed keeps nothing: nobody would tell it.
      expect(await profiles.get("a")).toEqual({ name: "a", age });
    }
  });

  it("has stored everything that was set before sync resolves", async () => {
    const { profiles } = await opened({});
    const writes = ["a", "b"].map((id) => profiles.set(id, { name: id, age: 1 }));
    await profiles.sync();
    expect(await profiles.count()).toBe(2);
    await Promise.all(writes);
    await profiles.sync();
  });

  it("refuses options that nobody knows, all at once", async () => {
    const options = { kind: "archive", ttlMs: 0, schema: {}, colour: 1 };
    const wrong = opened(Object.assign({}, options) as object);
    await expect(wrong).rejects.toThrow(InvalidOptionsError);
    await expect(wrong).rejects.toThrow(/unknown option "colour".*kind is.*schema has.*ttlMs is 0/);
    await expect(opened({ user: "a" })).rejects.toThrow(/user is for the kind "map"/);
  });
});
