/** Typed stores by the configuration of all stores. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NotRunningError, UnsupportedError } from "../../src/errors.ts";
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
});
