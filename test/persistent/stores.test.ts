/** Stores of a whole program, by a configuration. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConflictError, DisabledError, InvalidOptionsError } from "../../src/errors.ts";
import { MemoryAdapter } from "../../src/persistent/adapters/memory/memory-adapter.ts";
import { collect } from "../../src/persistent/conformance/trial.ts";
import { type AdapterFactory, openStores, type StoresConfiguration } from "../../src/persistent.ts";
import type { Log } from "../../src/runtime.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-stores-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Every adapter that needs no server. */
const configuration = (): StoresConfiguration => ({
  defaultStorage: "database",
  storage: { sessions: "memory", secrets: "none" },
  hosts: { "gone.example": { storage: "null" } },
  connections: {
    database: { adapter: "sql", url: `sqlite:${join(folder, "stores.db")}` },
    files: { adapter: "internal", folder: join(folder, "files") },
  },
});

describe("stores", () => {
  it("are kept where the configuration says, for each host, over a restart", async () => {
    const first = await openStores(configuration(), { host: "here.example" });
    const roster = await first.map("roster");
    await roster.set("romeo", "juliet", { ask: true });
    await (await first.keyval("sessions")).set("romeo", 1);
    await expect((await first.keyval("secrets")).set("romeo", 1)).rejects.toThrow(DisabledError);
    const gone = await first.archive("roster", { host: "gone.example" });
    await expect(gone.find("romeo")).rejects.toThrow(DisabledError);
    expect(roster.host).toBe("here.example");
    expect(await first.places("database")).toEqual([
      { host: "here.example", store: "roster", kind: "map" },
    ]);
    await first.ping();
    await first.close();

    const second = await openStores(configuration(), { host: "here.example" });
    const whole = await second.keyvalPlus("roster");
    expect([...((await whole.get("romeo")) ?? [])]).toEqual([["juliet", { ask: true }]]);
    expect(await (await second.keyval("sessions")).get("romeo")).toBe(undefined);
    await expect(second.keyval("roster")).rejects.toThrow(ConflictError);
    await second.purge("romeo");
    expect(await whole.get("romeo")).toBe(undefined);
    await second.close();
  });

  it("show nothing of a user who was purged, whatever caches had", async () => {
    const stores = await openStores(configuration());
    const rooms = await stores.open<string>("rooms", { cache: true });
    const notes = await stores.open<string>("notes", { kind: "map", user: "romeo", cache: true });
    await rooms.set("romeo", "balcony");
    await notes.set("1", "soft");
    expect([await rooms.get("romeo"), await notes.get("1")]).toEqual(["balcony", "soft"]);
    await stores.purge("romeo");
    expect([await rooms.get("romeo"), await notes.get("1")]).toEqual([undefined, undefined]);
    await stores.close();
  });

  it("say what they promise, and warn of those in memory", async () => {
    const lines: [level: string, fields: object, message: string | undefined][] = [];
    const write = (level: string) => (fields: object, message?: string) => {
      lines.push([level, fields, message]);
    };
    const log: Log = {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    };
    const stores = await openStores(configuration(), { log });
    expect(stores.status()).toEqual([
      { connection: "database", adapter: "sql", isPersistent: true, isShared: true },
      { connection: "files", adapter: "file", isPersistent: true, isShared: false },
      { connection: "memory", adapter: "memory", isPersistent: false, isShared: false },
      { connection: "none", adapter: "none", isPersistent: false, isShared: false },
      { connection: "null", adapter: "null", isPersistent: false, isShared: false },
    ]);
    const warnings = lines.filter(([level]) => level === "warn");
    expect(warnings).toEqual([["warn", { connection: "memory" }, expect.stringMatching(/lost/)]]);
    await stores.close();
  });

  it("of options that are wrong are refused with all faults and where they are", async () => {
    const wrong = openStores({
      defaultStorage: "a",
      connections: {
        a: { adapter: "sql", url: "postgres://user:secret@host/db?what=1" },
        b: { adapter: "file" },
        c: { adapter: "redis", url: "redis://x", colour: "red" },
        d: { adapter: "memory", itemsMax: 5 },
      },
    });
    const error: unknown = await wrong.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(InvalidOptionsError);
    const { faults, message } = error as InvalidOptionsError;
    expect(faults.map((fault) => fault.split(":")[0])).toEqual([
      "connections.a.url",
      "connections.b.folder",
      "connections.c.colour",
      "connections.d.items_max",
    ]);
    expect(message).not.toContain("secret");
  });

  it("close what was opened when one of them cannot be", async () => {
    const files = { adapter: "file", folder: join(folder, "files") };
    const dead = { adapter: "redis", url: "redis://127.0.0.1:1" };
    const connections = { files, dead };
    const opening = openStores({ defaultStorage: "files", connections }, { timeoutMs: 300 });
    await expect(opening).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    const again = await openStores({ defaultStorage: "files", connections: { files } });
    await again.close();
  });

  it("may be kept by an adapter of somebody else's", async () => {
    const made: unknown[] = [];
    const mine: AdapterFactory = {
      name: "mine",
      make(options, { connection }) {
        made.push([options, connection]);
        return new MemoryAdapter();
      },
    };
    const configuration = {
      defaultStorage: "c",
      connections: { c: { adapter: "mine", speed: 5 } },
    };
    const stores = await openStores(configuration, { adapters: [mine] });
    expect(made).toEqual([[{ speed: 5 }, "c"]]);
    const store = await stores.keyval("any");
    await store.set("user", 1);
    expect(await collect(store.users())).toEqual(["user"]);
    await stores.close();
    await expect(openStores(configuration)).rejects.toThrow(
      /connections\.c\.adapter: is not known, allowed are sql, file/,
    );
  });
});
