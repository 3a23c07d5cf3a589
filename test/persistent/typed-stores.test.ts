/** Typed stores by the configuration of all stores. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConflictError, NotRunningError, UnsupportedError } from "../../src/errors.ts";
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
    const here = await stores.messageArchives({ node: 1 });
    const there = await stores.messageArchives({ node: 1, host: "other.example" });
    const eve = { server: "other.example", name: "eve" };
    await here.users.add(ann, message);
    await there.users.add(eve, message);
    expect(await here.users.size(ann)).toBe(1);
    expect(await there.users.size(eve)).toBe(1);
    const rosters = await stores.rosters({ host: "other.example" });
    await rosters.set(eve, "bob@b", {});
    expect((await rosters.get(eve)).items).toHaveLength(1);
    await stores.close();
  });

  it("refuse a server that the configuration keeps on another connection", async () => {
    const connections = { one: sql("mine.db"), two: sql("others.db") };
    const hosts = { "a.example": { storage: "two" } };
    const stores = await openStores({ storage: "one", hosts, connections });
    const archives = await stores.messageArchives({ node: 1 });
    const refusal = archives.users.add(ann, message);
    await expect(refusal).rejects.toThrow(ConflictError);
    await expect(refusal).rejects.toThrow(
      /"archive" \(messages\) of a\.example on the connection "two".*host: "a\.example"/,
    );
    await expect((await stores.rosters()).get(ann)).rejects.toThrow(/on the connection "two"/);
    await expect(archives.preferences.get(ann)).rejects.toThrow(ConflictError);
    await expect(archives.rooms.size(ann)).rejects.toThrow(/\(room messages\) of a\.example/);
    await stores.close();
    const none = await openStores({ hosts: { "b.example": { storage: "one" } }, connections });
    const few = await none.messageArchives({ node: 1, host: "b.example" });
    await expect(few.users.size(ann)).rejects.toThrow(/on no connection/);
    await none.close();
  });

  it("write what is queued when the stores are closed, and take no more", async () => {
    const configuration = { storage: "one", connections: { one: sql("close.db") } };
    const stores = await openStores(configuration);
    const archives = await stores.messageArchives({ node: 1, queue: { lingerMs: 60_000 } });
    for (let count = 0; count < 10; count++) await archives.users.add(ann, message);
    await stores.close();
    await expect(archives.users.add(ann, message)).rejects.toThrow(NotRunningError);
    await expect(stores.rosters()).rejects.toThrow(NotRunningError);
    const again = await openStores(configuration);
    expect(await (await again.messageArchives({ node: 1 })).users.size(ann)).toBe(10);
    await again.close();
  });

  it("are refused on back ends that have no tables", async () => {
    const stores = await openStores({ storage: "memory" });
    await expect(stores.messageArchives({ node: 1 })).rejects.toThrow(UnsupportedError);
    await expect(stores.rosters()).rejects.toThrow(
      /"roster" is on the connection "memory".*name a connection of that adapter/,
    );
    await stores.close();
  });

  it("lose a user who is purged, with what is queued, and nobody else", async () => {
    const configuration = {
      storage: { archive: "one", roster: "two" },
      connections: { one: sql("purge.db"), two: sql("purge too.db") },
    };
    const stores = await openStores(configuration);
    const archives = await stores.messageArchives({ node: 1, queue: { lingerMs: 60_000 } });
    const bob = { ...ann, name: "bob" };
    for (const owner of [ann, bob]) {
      await archives.users.add(owner, message);
      await (await stores.rosters()).set(owner, "eve@e", {});
    }
    await archives.preferences.set(ann, { default: "never", always: [], never: [] });
    await archives.rooms.add(ann, { nick: "n", sender: "s@s", packet: "<m/>" });
    await stores.purge("ann", { host: "a.example" });
    expect(await archives.users.size(ann)).toBe(0);
    expect((await archives.preferences.get(ann)).default).toBe("always");
    expect((await (await stores.rosters()).get(ann)).version).toBe("0");
    expect(await archives.users.size(bob)).toBe(1);
    expect((await (await stores.rosters()).get(bob)).items).toHaveLength(1);
    expect(await archives.rooms.size(ann)).toBe(1);
    await stores.close();
    // Whoever has not opened the archives removes them as well.
    const other = await openStores(configuration);
    await other.purge("bob", { host: "a.example" });
    expect(await (await other.messageArchives({ node: 2 })).users.size(bob)).toBe(0);
    await other.close();
  });
});
