/** Stores of a program whose configuration changes from one start to the next. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import { openStores, type Stores, type StoresConfiguration } from "../../src/persistent.ts";

let folder = "";
let open: Stores[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-moving-"));
  open = [];
});
afterEach(async () => {
  for (const stores of open) await stores.close();
  await rm(folder, { recursive: true });
});

/** Everything on one of the two, with both connected. */
function on(home: "database" | "files" | "memory"): StoresConfiguration {
  return {
    defaultStorage: home,
    connections: {
      database: { adapter: "sql", url: `sqlite:${join(folder, "stores.db")}` },
      files: { adapter: "file", folder: join(folder, "files") },
    },
  };
}

async function start(configuration: StoresConfiguration, environment = {}): Promise<Stores> {
  const stores = await openStores(configuration, { host: "here.example", ...environment });
  open.push(stores);
  return stores;
}

async function stop(stores: Stores): Promise<void> {
  open = open.filter((each) => each !== stores);
  await stores.close();
}

describe("stores whose configuration changes", () => {
  it("move to the back end that is named now, and back, whatever their kind", async () => {
    const first = await start(on("files"));
    await (await first.map("roster")).set("romeo", "juliet", { ask: true });
    await (await first.archive("archive")).append("romeo", { key: "1", when: 1n, value: "hi" });
    await (await first.open<string>("notes")).set("a", "text");
    await stop(first);
    for (const home of ["database", "files"] as const) {
      const stores = await start(on(home));
      expect(await (await stores.map("roster")).get("romeo", "juliet")).toEqual({ ask: true });
      const { items } = await (await stores.archive("archive")).find("romeo");
      expect(items).toEqual([{ key: "1", when: 1n, with: "", value: "hi" }]);
      expect(await (await stores.open<string>("notes")).get("a")).toBe("text");
      await stop(stores);
    }
  });

  it("are opened once for all that ask at a time", async () => {
    const first = await start(on("files"));
    await (await first.keyval("config")).set("romeo", 1);
    await stop(first);
    const stores = await start(on("database"));
    const opened = await Promise.all([1, 2, 3].map(() => stores.keyval<number>("config")));
    for (const store of opened) expect(await store.get("romeo")).toBe(1);
  });

  it("are refused where they are not, when they must not move", async () => {
    const first = await start(on("files"));
    await (await first.keyval("config")).set("romeo", 1);
    await stop(first);
    const strict = await start(on("database"), { mayMove: false });
    await expect(strict.keyval("config")).rejects.toThrow(ConflictError);
    await stop(strict);
    const back = await start(on("files"), { mayMove: false });
    expect(await (await back.keyval("config")).get("romeo")).toBe(1);
  });

  it("do not move away from a process that uses them", async () => {
    const connections = Object.fromEntries(
      ["old", "new"].map((name) => [
        name,
        { adapter: "sql", url: `sqlite:${join(folder, `${name}.db`)}` },
      ]),
    );
    const user = await start({ defaultStorage: "old", connections }, { holder: "the user" });
    await (await user.keyval("config")).set("romeo", 1);
    const mover = await start({ defaultStorage: "new", connections }, { holder: "the mover" });
    const moving = mover.keyval("config");
    await expect(moving).rejects.toThrow(ConflictError);
    await expect(moving).rejects.toThrow(/is used on "old" by the user/);
    expect(await (await user.keyval("config")).get("romeo")).toBe(1);
    await stop(user);
    expect(await (await mover.keyval("config")).get("romeo")).toBe(1);
  });

  it("are loaded into memory and stay at home where they were", async () => {
    const first = await start(on("files"));
    await (await first.keyval("config")).set("romeo", 1);
    await stop(first);
    const forgetful = await start(on("memory"));
    const config = await forgetful.keyval<number>("config");
    expect(await config.get("romeo")).toBe(1);
    await config.set("romeo", 2);
    await stop(forgetful);
    const later = await start(on("files"));
    expect(await (await later.keyval("config")).get("romeo")).toBe(1);
  });

  it("under a prefix belong to one process at a time, and to the next one whole", async () => {
    const blue = {
      defaultStorage: "database",
      connections: {
        database: {
          adapter: "sql",
          url: `sqlite:${join(folder, "stores.db")}`,
          ephemeralPrefix: "blue",
        },
      },
    };
    const first = await start(blue, { holder: "the first" });
    await (await first.keyval("config")).set("romeo", 1);
    await expect(start(blue, { holder: "the second" })).rejects.toThrow(
      /the prefix "blue" is held by the first/,
    );
    await stop(first);
    const second = await start(blue);
    expect(await (await second.keyval("config")).get("romeo")).toBe(1);
    await stop(second);
    // Others in the same database do not see it.
    const others = await start(on("database"));
    expect(await (await others.keyval("config")).get("romeo")).toBeUndefined();
    const files = { files: { folder: join(folder, "other"), ephemeralPrefix: "blue" } };
    const wrong = {
      defaultStorage: "files",
      connections: { ...files, bad: { url: "sqlite:x.db", ephemeralPrefix: "B" } },
    };
    await expect(start(wrong)).rejects.toThrow(/bad\.ephemeral_prefix: allowed are 3 to 63/);
  });
});
