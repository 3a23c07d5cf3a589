/** Copying stores between back ends: all of it, once, also after a kill at any point. */
import { describe, expect, test } from "vitest";
import { ConflictError, InvalidArgumentError } from "../../../src/errors.ts";
import { MemoryAdapter } from "../../../src/persistent/adapters/memory/memory-adapter.ts";
import type { StoreAdapter } from "../../../src/persistent/contract/driver.ts";
import {
  type CopyOptions,
  type CopyProgress,
  copyStores,
} from "../../../src/persistent/move/copy.ts";
import { Killed, Life } from "./dying-adapter.ts";
import { fill, inventory, PLACES, USERS } from "./inventory.ts";

const BUDGET = { timeoutMs: 5_000, signal: undefined };

function copy(from: StoreAdapter, to: StoreAdapter, options: Partial<CopyOptions> = {}) {
  return copyStores({ from, to, sourceName: "old", ...options });
}

async function filled(count = 3): Promise<MemoryAdapter> {
  const adapter = new MemoryAdapter();
  await fill(adapter, count);
  return adapter;
}

describe("a copy", () => {
  test("brings everything over and leaves the source as it is", async () => {
    const from = await filled();
    const before = await inventory(from);
    const to = new MemoryAdapter();
    const copied = await copy(from, to);
    expect(await inventory(to)).toEqual(before);
    expect(await inventory(from)).toEqual(before);
    expect(copied.map(({ place, users, rows }) => [place.store, users, rows])).toEqual([
      ["config", USERS.length, USERS.length],
      ["roster", USERS.length, USERS.length * 3],
      ["archive", USERS.length, USERS.length * 3],
    ]);
  });

  test("that is killed at any point goes on, loses nothing and doubles nothing", async () => {
    const from = await filled();
    const expected = await inventory(from);
    let kills = 0;
    for (let calls = 1; ; calls++) {
      const to = new MemoryAdapter();
      const life = new Life(calls);
      const ended = await copy(life.of(from), life.of(to)).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(Killed);
          return false;
        },
      );
      if (ended) break;
      kills++;
      await copy(from, to);
      expect(await inventory(to)).toEqual(expected);
    }
    expect(kills).toBeGreaterThan(100);
  });

  test("that goes on does not begin anew", async () => {
    const from = await filled();
    const to = new MemoryAdapter();
    const life = new Life(60);
    await expect(copy(life.of(from), life.of(to))).rejects.toThrow(Killed);
    const copied = await copy(from, to);
    expect(copied.map(({ wasResumed }) => wasResumed)).toContain(true);
    const changed = copied.reduce((sum, place) => sum + place.changed, 0);
    expect(changed).toBeLessThan(USERS.length * 7);
  });

  test("refuses a target that has data of another origin, unless it may overwrite", async () => {
    const from = await filled();
    const to = await filled(5);
    const before = await inventory(to);
    await expect(copy(from, to)).rejects.toThrow(ConflictError);
    expect(await inventory(to)).toEqual(before);
    await copy(from, to, { overwrite: true });
    expect(await inventory(to)).toEqual(await inventory(from));
  });

  test("is done a second time if nobody heard that it was done, and changes nothing", async () => {
    const from = await filled();
    const to = new MemoryAdapter();
    await copy(from, to);
    const copied = await copy(from, to);
    expect(copied.map(({ changed }) => changed)).toEqual([0, 0, 0]);
  });

  test("that is dry says what it would change, and changes nothing", async () => {
    const from = await filled();
    const to = new MemoryAdapter();
    const copied = await copy(from, to, { isDry: true });
    expect(copied.reduce((sum, { changed }) => sum + changed, 0)).toBe(USERS.length * 7);
    expect(await inventory(to)).toEqual({});
  });

  test("of some stores leaves out the others, and refuses names that are not there", async () => {
    const from = await filled();
    const to = new MemoryAdapter();
    await copy(from, to, { stores: ["roster"] });
    expect(Object.keys(await inventory(to)).every((name) => name.startsWith("roster"))).toBe(true);
    const typo = copy(from, to, { stores: ["rooster"] });
    await expect(typo).rejects.toThrow(InvalidArgumentError);
    await expect(typo).rejects.toThrow(/no store rooster; it has/);
  });

  test("of a source that is being written to mends, and gives up in the end", async () => {
    const from: StoreAdapter = await filled();
    const to = new MemoryAdapter();
    const [place] = PLACES;
    if (!place) throw new Error("a place");
    const rows = await from.openRows(place, BUDGET);
    let value = 0;
    const write = (writes: number) => async (progress: CopyProgress) => {
      if (progress.place.store !== place.store || value >= writes) return;
      await rows.write("Alice", new Map([["", `${++value}`]]), BUDGET);
    };
    await copy(from, to, { onProgress: write(1) });
    expect(await inventory(to)).toEqual(await inventory(from));
    const restless = copy(from, new MemoryAdapter(), { onProgress: write(1_000_000) });
    await expect(restless).rejects.toThrow(/the source was written during each of 3 walks/);
  });

  test("keeps the order of an archive over pages, and mends one that differs", async () => {
    const from = new MemoryAdapter({ archiveItemsMax: 5_000 });
    const to: StoreAdapter = new MemoryAdapter({ archiveItemsMax: 5_000 });
    await fill(from, 900);
    await copy(from, to);
    expect(await inventory(to)).toEqual(await inventory(from));
    const [, , place] = PLACES;
    if (!place) throw new Error("a place");
    const archive = await to.openArchive(place, BUDGET);
    const change = { value: "other", when: undefined, with: undefined };
    await archive.update("alice", "key 450", change, BUDGET);
    const copied = await copy(from, to, { overwrite: true });
    expect(await inventory(to)).toEqual(await inventory(from));
    // What both begin with is left alone: the rest goes and comes again.
    expect(copied.find(({ place }) => place.store === "archive")?.changed).toBe(2 * 450);
  });
});
