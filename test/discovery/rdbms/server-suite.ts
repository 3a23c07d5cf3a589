/** What befalls a database server while nodes use it. */
import { inspect } from "node:util";
import { sql } from "kysely";
import { afterEach, expect, test } from "vitest";
import { createDiscovery } from "../../../src/discovery/create-discovery.ts";
import type { DiscoveryBackend } from "../../../src/discovery/discovery.ts";
import { DiscoveryLoop } from "../../../src/discovery/loop.ts";
import type { DiscoveryOptions } from "../../../src/discovery/options.ts";
import { SkeinError } from "../../../src/errors.ts";
import { silentLog } from "../../../src/runtime.ts";
import { registration } from "../../conformance/discovery.ts";
import { FreezingProxy } from "../../servers/freezing-proxy.ts";
import { faultsOf, type Server } from "../../servers/server.ts";
import { realClock, realRandom } from "../clocks.ts";
import { driverOf } from "./driver-of.ts";

const environment = { clock: realClock, random: realRandom, log: silentLog };
const PASSWORD = "s3cr3t-Pa55";

/** Quick, so that a server that does not answer is given up in a test's time. */
const tableOptions = { connectTimeoutMs: 500, statementTimeoutMs: 500 };

export function serverSuite(server: () => Server): void {
  const open: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  function create(options: DiscoveryOptions): DiscoveryBackend {
    const backend = createDiscovery(options, environment);
    open.push(backend);
    return backend;
  }

  async function registered(name: string) {
    const backend = create({ url: await server().newDatabase(), tableOptions });
    const identity = await backend.register?.(registration(name));
    return { backend, identity };
  }

  test("after a stop and a start the next query works, with the same identity", async () => {
    const { backend, identity } = await registered("a");
    const faults = faultsOf(server());
    await faults.stop();
    await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await faults.start();
    const [own] = await backend.getNodes();
    expect({ origin: own?.origin, nodeNumber: own?.nodeNumber }).toEqual(identity);
  });

  test("a server killed while queries run makes typed errors only, and recovers", async () => {
    const { backend } = await registered("a");
    const faults = faultsOf(server());
    const queries = Array.from({ length: 20 }, () => backend.getNodes());
    const settled = Promise.allSettled(queries);
    await queries[0];
    await faults.kill();
    for (const result of await settled) {
      if (result.status === "rejected") expect(result.reason).toBeInstanceOf(SkeinError);
    }
    await faults.start();
    expect(await backend.getNodes()).toHaveLength(1);
  });

  test("a server that hangs is given up in time, and used again when it goes on", async () => {
    const { backend } = await registered("a");
    await backend.getNodes();
    const faults = faultsOf(server());
    await faults.pause();
    const startedAt = performance.now();
    try {
      await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
      await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    } finally {
      faults.resume();
    }
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await backend.getNodes()).toHaveLength(1);
  });

  test("a connection that went dead fails one query, and is replaced in the next", async () => {
    const proxy = new FreezingProxy(server().port);
    const url = new URL(await server().newDatabase());
    url.port = String(await proxy.start());
    const backend = create({ url: url.href, tableOptions });
    open.push(proxy);
    await backend.register?.(registration("a"));
    proxy.freeze();
    await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    expect(await backend.getNodes()).toHaveLength(1);
  });

  test("a connection lost in mid-transaction fails each statement, and nothing unheard", async () => {
    const proxy = new FreezingProxy(server().port);
    const url = new URL(await server().newDatabase());
    url.port = String(await proxy.start());
    const database = await driverOf(url.href).open();
    open.push(proxy, database);
    const lost = database.executor.connection().execute(async (connection) => {
      await sql`select 1`.execute(connection);
      proxy.cut();
      for (let count = 0; count < 3; count++) {
        await expect(sql`select 1`.execute(connection)).rejects.toThrow();
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await lost;
    await sql`select 1`.execute(database.executor);
  });

  test("a loop started while the server is away registers when it comes", async () => {
    const url = await server().newDatabase();
    const faults = faultsOf(server());
    await faults.stop();
    let failures = 0;
    let failed: () => void = () => undefined;
    const twice = new Promise<void>((resolve) => {
      failed = () => {
        if (++failures === 2) resolve();
      };
    });
    const loop = new DiscoveryLoop({
      backend: create({ url, tableOptions }),
      ...environment,
      events: { onNodes() {}, onError: () => failed() },
      timings: { errorMs: 50 },
    });
    const started = loop.start(registration("a"));
    await twice;
    expect(loop.status()).toMatchObject({
      state: "registering",
      lastError: { code: "ERR_SKEIN_UNAVAILABLE" },
    });
    await faults.start();
    expect(await started).toEqual({ origin: 1, nodeNumber: 1 });
    await loop.firstAnswer();
    expect(loop.status().nodes).toHaveLength(1);
    await loop.leave();
  });

  test("a wrong password is an error that shows neither it nor the URL", async () => {
    const at = new URL(await server().newDatabase());
    at.username = "nobody_of_that_name";
    at.password = PASSWORD;
    const refused = create({ url: at.href, tableOptions }).register?.(registration("a"));
    const error: unknown = await refused?.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SkeinError);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(PASSWORD);
  });

  test("a database that does not exist is named in the error", async () => {
    const at = new URL(await server().newDatabase());
    at.pathname = "/no_such_database";
    const refused = create({ url: at.href, tableOptions }).register?.(registration("a"));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await expect(refused).rejects.toThrow("no_such_database");
  });
}
