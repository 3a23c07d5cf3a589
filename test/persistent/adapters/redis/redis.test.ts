/** Stores in Redis, on a real server, alone and as a cluster. */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CommitUnknownError, NotRunningError, OverloadedError } from "../../../../src/errors.ts";
import { RedisAdapter } from "../../../../src/persistent/adapters/redis/redis-adapter.ts";
import type { RedisOptions } from "../../../../src/persistent/adapters/redis/redis-options.ts";
import { StoreOpener } from "../../../../src/persistent/fronts/open-store.ts";
import { openStores } from "../../../../src/persistent.ts";
import type { ConformanceSubject } from "../../../../src/persistent-testing.ts";
import { redis } from "../../../servers/redis.ts";
import { redisCluster } from "../../../servers/redis-cluster.ts";
import { faultsOf, withServer } from "../../../servers/server.ts";
import { leasesSuite } from "../leases-suite.ts";
import { adapterSuite } from "../suite.ts";

const BUDGET = { timeoutMs: 10_000, signal: undefined };

withServer(redis, "Redis", (server) => {
  adapterSuite("redis", {
    make: async () => subjectOf({ url: await server().newDatabase(), prefix: "test:" }),
    rounds: 60,
  });

  it("leaves no key behind for users without data, and keeps to its prefix", async () => {
    const url = await server().newDatabase();
    const adapter = new RedisAdapter({ url, prefix: "own:" });
    await adapter.open(BUDGET);
    const opener = new StoreOpener(adapter);
    const values = await opener.keyval({ host: "a}{b", name: "values" });
    const items = await opener.archive({ host: "a}{b", name: "items" });
    await values.set("user", 1);
    await items.append("user", { when: 1n, value: 1 });
    await values.set("user", undefined);
    await items.delete("user");
    const eye = new Redis(url);
    expect((await eye.keys("*")).sort()).toEqual(["own:places", expect.stringMatching(/:last$/)]);
    await eye.quit();
    await adapter.close();
  });
});

withServer(redis, "leases in Redis", (server) => {
  const adapters: RedisAdapter[] = [];
  beforeAll(async () => {
    const url = await server().newDatabase();
    for (let process = 0; process < 3; process++) {
      const adapter = new RedisAdapter({ url });
      await adapter.open(BUDGET);
      adapters.push(adapter);
    }
  });
  afterAll(async () => {
    for (const adapter of adapters) await adapter.close();
  });

  leasesSuite((process) => {
    const adapter = adapters[process];
    if (adapter === undefined) throw new Error("no such process");
    return adapter.leases;
  });
});

withServer(redisCluster, "a cluster of three", (server) => {
  adapterSuite("redis of a cluster", {
    make: async () => subjectOf({ cluster: [server().url], prefix: "test:" }),
    rounds: 20,
  });

  it("is used by a configuration that says so", async () => {
    const c = { adapter: "redis", url: server().url, cluster: true, prefix: "configured:" };
    const stores = await openStores({ storage: "c", connections: { c } });
    const values = await stores.keyval<number>("values");
    const users = Array.from({ length: 40 }, (_, index) => `user${index}`);
    await Promise.all(users.map((user, index) => values.set(user, index)));
    for (const [index, user] of users.entries()) expect(await values.get(user)).toBe(index);
    await stores.close();
    const wrong = openStores({ storage: "c", connections: { c: { ...c, cluster: "yes" } } });
    await expect(wrong).rejects.toThrow(/cluster: is .*, allowed are true and false/);
  });
});

withServer(
  redis,
  "Redis that fails",
  (server) => {
    // A test that fails half-way leaves no paused server to those after it.
    afterEach(() => faultsOf(server()).resume());

    it("refuses calls it has no room for, and those after its end", async () => {
      const { adapter, store } = await opened({ url: server().url, callsMax: 3 });
      const calls = [1, 2, 3].map((value) => store.set(`user${value}`, value));
      await expect(store.get("user")).rejects.toThrow(OverloadedError);
      await Promise.all(calls);
      await adapter.close();
      await expect(store.get("user")).rejects.toThrow(NotRunningError);
    });

    it("says unavailable when the server is away, never that there is nothing", async () => {
      const { adapter, store } = await opened({ url: server().url });
      await store.set("user", 1);
      await faultsOf(server()).stop();
      const options = { timeoutMs: 100 };
      await expect(store.get("user", options)).rejects.toMatchObject({
        code: "ERR_SKEIN_UNAVAILABLE",
        message: expect.stringContaining("127.0.0.1"),
      });
      await expect(store.set("user", 2, options)).rejects.toThrow(/no connection within 100 ms/);
      const back = store.get("user");
      await faultsOf(server()).start();
      // The server of this test keeps nothing over its end.
      expect(await back).toBe(undefined);
      await adapter.close();
    });

    it("does not know of a write whose answer does not come in time, and goes on after", async () => {
      const { adapter, store } = await opened({ url: server().url });
      await store.set("user", 1);
      await faultsOf(server()).pause();
      await expect(store.set("user", 3, { timeoutMs: 50 })).rejects.toThrow(CommitUnknownError);
      const read = store.get("user", { timeoutMs: 50 });
      // What says the limit is the caller's number, not what is left when the command goes out.
      for (const start = performance.now(); performance.now() < start + 5; );
      await expect(read).rejects.toThrow(/no answer within 50 ms/);
      faultsOf(server()).resume();
      expect(await store.get("user")).toBe(3);
      await adapter.close();
    });

    it("does not make a write late, whose script the server had to be given", async () => {
      const { adapter, store } = await opened({ url: server().url });
      await store.set("user", 1);
      const eye = new Redis(server().url);
      await eye.script("FLUSH");
      await eye.quit();
      await faultsOf(server()).pause();
      await expect(store.set("user", 2, { timeoutMs: 50 })).rejects.toThrow(CommitUnknownError);
      faultsOf(server()).resume();
      await adapter.ping(BUDGET);
      await adapter.ping(BUDGET);
      expect(await store.get("user")).toBe(1);
      await adapter.close();
    });

    it("does not know of a write under way when the server dies", async () => {
      const { adapter, store } = await opened({ url: server().url });
      await faultsOf(server()).pause();
      const write = store.set("user", 1);
      const read = store.get("user");
      await Promise.all([
        expect(write).rejects.toThrow(CommitUnknownError),
        expect(read).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" }),
        faultsOf(server()).kill(),
      ]);
      await faultsOf(server()).start();
      await store.set("user", 2);
      expect(await store.get("user")).toBe(2);
      await adapter.close();
    });

    it("gives up to open when nobody is there, and says where it looked", async () => {
      const adapter = new RedisAdapter({ url: "redis://user:hidden@127.0.0.1:1/0" });
      const opening = adapter.open({ timeoutMs: 200, signal: undefined });
      await expect(opening).rejects.toThrow(/127\.0\.0\.1:1/);
      await expect(opening).rejects.not.toThrow(/hidden/);
      await expect(adapter.ping(BUDGET)).rejects.toThrow(NotRunningError);
    });

    it("tells nobody the password that the server refuses", async () => {
      const url = new URL(server().url);
      url.username = "nobody";
      url.password = "hidden-word";
      const adapter = new RedisAdapter({ url: url.href });
      const error = await adapter.open({ timeoutMs: 300, signal: undefined }).catch((e) => e);
      expect(error.code).toMatch(/ERR_SKEIN_(UNAVAILABLE|UNSUPPORTED)/);
      expect(`${error.stack} ${JSON.stringify(error.cause)} ${error.cause?.stack}`).not.toContain(
        "hidden-word",
      );
    });
  },
  "faults",
);

describe("options", () => {
  it.each([
    [{}, /exactly one of url and cluster/],
    [{ url: "redis://x", cluster: ["redis://y"] }, /exactly one/],
    [{ url: "http://u:secret@x" }, /url is none; allowed is redis:/],
    [{ url: "redis://u:secret@x/0?a=1" }, /url of x has more than a number/],
    [{ cluster: [] }, /cluster is no list/],
    [{ url: "redis://x", prefix: "{a}" }, /prefix is "{a}"/],
    [
      { url: "redis://x", callsMax: 0, connectTimeoutMs: 0.5 },
      /connectTimeoutMs is 0.5.*callsMax is 0/,
    ],
    [{ url: "redis://x", unknown: 1 }, /unknown option "unknown"/],
  ])("are refused: %o", (options, message) => {
    const make = () => new RedisAdapter(options as RedisOptions);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });
});

async function opened(options: RedisOptions) {
  const adapter = new RedisAdapter(options);
  await adapter.open(BUDGET);
  const host = `${randomBytes(4).toString("hex")}.example`;
  return {
    adapter,
    store: await new StoreOpener(adapter).keyval<number>({ host, name: "values" }),
  };
}

async function subjectOf(options: RedisOptions): Promise<ConformanceSubject> {
  const subject = {
    adapter: new RedisAdapter(options),
    async restart() {
      await subject.adapter.close();
      subject.adapter = new RedisAdapter(options);
      await subject.adapter.open(BUDGET);
    },
  };
  await subject.adapter.open(BUDGET);
  return subject;
}
