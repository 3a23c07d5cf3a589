/** Typed stores by the configuration of all stores. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConflictError, NotRunningError, UnsupportedError } from "../../src/errors.ts";
import { copyStores } from "../../src/persistent/move/copy.ts";
import { openStores } from "../../src/persistent.ts";

describe("typed stores", () => {
  const folder = mkdtempSync(join(tmpdir(), "skein-typed-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const sql = (file: string) => ({ adapter: "sql", url: `sqlite:${join(folder, file)}` });
  const ann = { server: "a.example", name: "ann" };
  const message = { with: "bob@b", from: "bob@b", direction: "in", packet: "<m/>" } as const;

  it("are on the connection that the configuration chooses, for each host", async () => {
    const stores = await openStores({
      storage: { archive: "one", roster: "one" },
      hosts: { "other.example": { storage: "two" } },
      connections: { one: sql("one.db"), two: sql("two.db") },
    });
    const here = stores.messageArchives({ node: 1 });
    const there = stores.messageArchives({ node: 1, host: "other.example" });
    await here.users.add(ann, message);
    expect(await here.users.size(ann)).toBe(1);
    expect(await there.users.size(ann)).toBe(0);
    await stores.rosters({ host: "other.example" }).set(ann, "bob@b", {});
    expect((await stores.rosters().get(ann)).items).toEqual([]);
    await stores.close();
  });

  it("write what is queued when the stores are closed, and take no more", async () => {
    const configuration = { storage: "one", connections: { one: sql("close.db") } };
    const stores = await openStores(configuration);
    const archives = stores.messageArchives({ node: 1, queue: { lingerMs: 60_000 } });
    for (let count = 0; count < 10; count++) await archives.users.add(ann, message);
    await stores.close();
    await expect(archives.users.add(ann, message)).rejects.toThrow(NotRunningError);
    expect(() => stores.rosters()).toThrow(NotRunningError);
    const again = await openStores(configuration);
    expect(await again.messageArchives({ node: 1 }).users.size(ann)).toBe(10);
    await again.close();
  });

  it("are refused on back ends that have no tables", async () => {
    const stores = await openStores({ storage: "memory" });
    expect(() => stores.messageArchives({ node: 1 })).toThrow(UnsupportedError);
    expect(() => stores.rosters()).toThrow(/"roster" is on the connection "memory"/);
    await stores.close();
  });

  it("lose a user who is purged, with what is queued, and nobody else", async () => {
    const configuration = {
      storage: { archive: "one", roster: "two" },
      connections: { one: sql("purge.db"), two: sql("purge too.db") },
    };
    const stores = await openStores(configuration);
    const archives = stores.messageArchives({ node: 1, queue: { lingerMs: 60_000 } });
    const bob = { ...ann, name: "bob" };
    for (const owner of [ann, bob]) {
      await archives.users.add(owner, message);
      await stores.rosters().set(owner, "eve@e", {});
    }
    await archives.preferences.set(ann, { default: "never", always: [], never: [] });
    await archives.rooms.add(ann, { nick: "n", sender: "s@s", packet: "<m/>" });
    await stores.purge("ann", { host: "a.example" });
    expect(await archives.users.size(ann)).toBe(0);
    expect((await archives.preferences.get(ann)).default).toBe("always");
    expect((await stores.rosters().get(ann)).version).toBe("0");
    expect(await archives.users.size(bob)).toBe(1);
    expect((await stores.rosters().get(bob)).items).toHaveLength(1);
    expect(await archives.rooms.size(ann)).toBe(1);
    await stores.close();
    // Whoever has not opened the archives removes them as well.
    const other = await openStores(configuration);
    await other.purge("bob", { host: "a.example" });
    expect(await other.messageArchives({ node: 2 }).users.size(bob)).toBe(0);
    await other.close();
  });

  it("are refused where the configuration has left their rows behind, until they are copied", async () => {
    const connections = { old: sql("old.db"), new: sql("new.db") };
    const before = await openStores({ storage: "old", connections });
    await before.messageArchives({ node: 1 }).users.add(ann, message);
    await before.close();
    const after = await openStores({ storage: "new", connections });
    expect(() => after.messageArchives({ node: 1 })).toThrow(ConflictError);
    expect(() => after.messageArchives({ node: 1 })).toThrow(
      /"archive" of a\.example has rows \(messages\) .* copy --config FILE old new --store archive/,
    );
    // Rosters have left nothing.
    expect((await after.rosters().get(ann)).items).toEqual([]);
    const [from, to] = ["old", "new"].map((name) => {
      return after.connections.find((connection) => connection.name === name)?.adapter;
    });
    if (from === undefined || to === undefined) throw new Error("two connections");
    await copyStores({ from, to, sourceName: "old", stores: ["archive"] });
    await after.close();
    const copied = await openStores({ storage: "new", connections });
    expect(await copied.messageArchives({ node: 1 }).users.size(ann)).toBe(1);
    await copied.close();
  });

  it("may be on several connections that the configuration chooses for different hosts", async () => {
    const [one, two, unused] = ["one", "two", "unused"].map((name) => sql(`hosts ${name}.db`));
    if (!one || !two || !unused) throw new Error("three connections");
    const connections = { one, two, unused };
    const configuration = {
      storage: "one",
      hosts: { "a.example": { storage: "two" } },
      connections,
    };
    const stores = await openStores(configuration);
    await stores.messageArchives({ node: 1, host: "a.example" }).users.add(ann, message);
    await stores.close();
    const again = await openStores(configuration);
    expect(await again.messageArchives({ node: 1 }).users.size(ann)).toBe(0);
    await again.close();
  });
});
