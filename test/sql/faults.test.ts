/** What befalls a server and its connections while stores use it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AnySkeinError, SkeinError } from "../../src/errors.ts";
import { budgetFault, connectionBudget } from "../../src/sql/budget.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { numberOf } from "../../src/sql/row-values.ts";
import { FreezingProxy } from "../servers/freezing-proxy.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { faultsOf, type Server, withServer } from "../servers/server.ts";
import { Opener, until } from "./fixture.ts";

const unheard: unknown[] = [];
const hear = (reason: unknown) => unheard.push(reason);
beforeEach(() => {
  process.on("unhandledRejection", hear);
  process.on("uncaughtException", hear);
});
afterEach(() => {
  process.off("unhandledRejection", hear);
  process.off("uncaughtException", hear);
  expect(unheard.splice(0)).toEqual([]);
});

withServer(postgres, "PostgreSQL", (server) => suite(server, POSTGRES), "faults");
withServer(mariadb, "MariaDB", (server) => suite(server, MARIADB), "faults");

/** What the two say differently. */
interface Words {
  readonly ids: string;
  readonly kill: (id: bigint) => string;
  readonly sleep: (seconds: number) => string;
}

const POSTGRES: Words = {
  ids: `select pid as id from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database()`,
  kill: (id) => `select pg_terminate_backend(${id})`,
  sleep: (seconds) => `select pg_sleep(${seconds})`,
};
const MARIADB: Words = {
  ids: `select id from information_schema.processlist
    where id <> connection_id() and db = database()`,
  kill: (id) => `kill ${id}`,
  sleep: (seconds) => `select count(*) as n from
    (select sleep(${seconds}) union select benchmark(1, 1)) x`,
};

function suite(server: () => Server, words: Words): void {
  const opener = new Opener();
  const quick = { connectMs: 1000, statementMs: 400, acquireMs: 1000 };

  async function pair(pool = {}): Promise<{ database: SqlDatabase; other: SqlDatabase }> {
    const url = await server().newDatabase();
    const database = await opener.open({ database: url, pool: { ...quick, min: 3, ...pool } });
    return { database, other: await opener.open({ database: url, pool: { max: 1, min: 0 } }) };
  }

  describe("connections", () => {
    test("idle ones that an administrator kills are replaced, and nobody notices", async () => {
      const { database, other } = await pair();
      await until(() => database.stats().idle >= 3);
      for (const { id } of await other.query(words.ids)) {
        await other.query(words.kill(BigInt(numberOf(id))));
      }
      for (let count = 0; count < 5; count++) await database.ping();
      await until(() => database.stats().lost >= 3 && database.stats().open >= 3);
    });

    test("one that is killed in mid-transaction is tried again, and commits once", async () => {
      const { database, other } = await pair();
      await database.execute("create table t (n bigint)");
      await database.transact(async (tx) => {
        await tx.execute("insert into t (n) values (?)", [BigInt(tx.attempt)]);
        if (tx.attempt > 0) return;
        const { lost } = database.stats();
        const all = await other.query(words.ids);
        for (const { id } of all) await other.query(words.kill(BigInt(numberOf(id))));
        // Those that idled are not to be met by the next try.
        await until(() => database.stats().lost >= lost + all.length - 1);
        await tx.query("select 1");
      });
      expect(await database.query("select n from t")).toEqual([{ n: 1n }]);
    });

    test("one that is cut during COMMIT leaves the outcome open, and says so", async () => {
      const proxy = new FreezingProxy(server().port);
      const url = new URL(await server().newDatabase());
      url.port = String(await proxy.start());
      const database = await opener.open({ database: url.href, pool: { ...quick, min: 1 } });
      await database.execute("create table t (n bigint)");
      const unknown = database.transact(async (tx) => {
        await tx.execute("insert into t (n) values (?)", [1n]);
        proxy.freeze();
      });
      await expect(unknown).rejects.toMatchObject({ code: "ERR_SKEIN_COMMIT_UNKNOWN" });
      proxy.cut();
      await proxy.close();
    });

    test("a write of its own whose answer is lost says so too; a read does not", async () => {
      const proxy = new FreezingProxy(server().port);
      const url = new URL(await server().newDatabase());
      url.port = String(await proxy.start());
      const database = await opener.open({ database: url.href, pool: { ...quick, min: 1 } });
      await database.execute("create table t (n bigint)");
      await until(() => database.stats().idle === database.stats().open);
      proxy.freeze();
      const write = database.execute("insert into t (n) values (?)", [1n]);
      await expect(write).rejects.toMatchObject({ code: "ERR_SKEIN_COMMIT_UNKNOWN" });
      await database.ping();
      proxy.freeze();
      const read = database.query("select n from t");
      await expect(read).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
      proxy.cut();
      await proxy.close();
    });
  });

  describe("statements", () => {
    test("one over its time is ended by the server, and the pool is whole", async () => {
      const { database } = await pair();
      const slow = database.query(words.sleep(3));
      await expect(slow).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
      const error: unknown = await slow.catch((failure: unknown) => failure);
      expect(database.traits.isTimedOut(error)).toBe(true);
      await database.ping();
      expect(database.stats().statementsTimedOut).toBe(0);
    });

    test("a server that hangs is given up in time, and used again when it goes on", async () => {
      const { database } = await pair();
      await database.ping();
      const faults = faultsOf(server());
      await faults.pause();
      const startedAt = performance.now();
      try {
        await expect(database.ping()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
        expect(performance.now() - startedAt).toBeLessThan(2000);
        expect(database.stats().statementsTimedOut).toBe(1);
      } finally {
        faults.resume();
      }
      await database.ping();
    });
  });

  describe("the server", () => {
    test("restarted under load: typed errors only, and well within a second of its return", async () => {
      const { database } = await pair({ max: 8 });
      const errors: unknown[] = [];
      let isOver = false;
      const load = Array.from({ length: 20 }, async () => {
        while (!isOver) {
          await database.query("select 1 as one", []).catch((error: unknown) => errors.push(error));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      });
      const faults = faultsOf(server());
      await faults.kill();
      await until(() => errors.length > 0);
      await faults.start();
      const backAt = performance.now();
      await until(async () => {
        try {
          await database.ping();
          return true;
        } catch {
          return false;
        }
      });
      expect(performance.now() - backAt).toBeLessThan(1000);
      isOver = true;
      await Promise.all(load);
      for (const error of errors) expect(error).toBeInstanceOf(SkeinError);
      const codes = new Set(errors.map((error) => (error as AnySkeinError).code));
      expect([...codes]).toEqual(["ERR_SKEIN_UNAVAILABLE"]);
    });

    test("with too few connections for the pool: callers wait for those that there are", async () => {
      const url = new URL(await server().newDatabase());
      const own = await opener.open({ database: url.href, pool: { max: 1, min: 0 } });
      const isPostgres = own.dialect === "postgres";
      if (isPostgres) {
        await own.query("create role narrow login connection limit 2");
      } else {
        const [row] = await own.query("select database() as name");
        await own.query("create user narrow@'127.0.0.1' with max_user_connections 2");
        await own.query(`grant all on \`${String(row?.name)}\`.* to narrow@'127.0.0.1'`);
      }
      url.username = "narrow";
      const pool = { max: 10, min: 0, acquireMs: 5000 };
      const database = await opener.open({ database: url.href, pool });
      // So slow that the pool tries to have more connections before the first ones are done.
      const asked = Array.from({ length: 50 }, () => database.query(words.sleep(0.05)));
      expect(await Promise.all(asked)).toHaveLength(50);
      expect(database.stats().open).toBeLessThanOrEqual(2);
      expect(database.stats().connectFailures).toBeGreaterThan(0);
    });
  });

  describe("upkeep", () => {
    test("connections without work are closed down to the least, those too old replaced", async () => {
      const { database } = await pair({ min: 1, max: 5, idleMs: 100, lifetimeMs: 1000 });
      await Promise.all(Array.from({ length: 5 }, () => database.query(words.sleep(0.05))));
      expect(database.stats().open).toBe(5);
      await until(() => database.stats().open === 1);
      const made = database.stats().connects;
      await until(() => database.stats().connects > made);
      expect(database.stats()).toMatchObject({ open: 1, lost: 0 });
    });

    test("a connection that died unheard while it idled is found by its keepalive", async () => {
      const proxy = new FreezingProxy(server().port);
      const url = new URL(await server().newDatabase());
      url.port = String(await proxy.start());
      const pool = { ...quick, min: 1, keepaliveMs: 100 };
      const database = await opener.open({ database: url.href, pool });
      proxy.freeze();
      await until(() => database.stats().lost > 0);
      await database.ping();
      await database.close();
      await proxy.close();
    });

    test("a pool that wants more than the server has is told the figures", async () => {
      const { database } = await pair();
      const budget = await connectionBudget(database);
      const most = Math.min(budget?.serverMax ?? 0, budget?.ownMax ?? 0);
      expect(most).toBeGreaterThan(100);
      expect(budget?.open).toBeGreaterThan(0);
      expect(budgetFault(budget, { poolMax: most, processes: 1 })).toBe(undefined);
      const fault = budgetFault(budget, { poolMax: 50, processes: 20 });
      expect(fault).toContain(`the server has ${most} connections`);
      expect(fault).toContain(`set pool.max to ${Math.floor(most / 20)} or less`);
    });
  });

  describe("overload", () => {
    test("more callers than the queue holds are refused at once, and the rest are served", async () => {
      const { database } = await pair({ max: 2, min: 0, queueMax: 10, statementMs: 5000 });
      await database.ping();
      const asked = Array.from({ length: 40 }, () =>
        database.query(words.sleep(0.05)).then(
          () => "served",
          (error: AnySkeinError) => error.code,
        ),
      );
      const answers = await Promise.all(asked);
      expect(new Set(answers)).toEqual(new Set(["served", "ERR_SKEIN_OVERLOADED"]));
      expect(answers.filter((answer) => answer === "served").length).toBeGreaterThanOrEqual(12);
      expect(database.stats().refused).toBeGreaterThan(20);
      await database.ping();
    });

    test("whoever waits too long for a connection is told, and it is lent to the next", async () => {
      const { database } = await pair({ max: 1, min: 1, acquireMs: 300, statementMs: 5000 });
      await until(() => database.stats().idle === 1);
      const slow = database.query(words.sleep(0.9));
      const late = database.query("select 1");
      await expect(late).rejects.toMatchObject({ code: "ERR_SKEIN_OVERLOADED" });
      await slow;
      await database.ping();
      expect(database.stats()).toMatchObject({ timedOut: 1, waiting: 0 });
    });

    test("closing waits for what runs, refuses what comes, and leaves no connection", async () => {
      const { database, other } = await pair({ statementMs: 5000 });
      const slow = database.query(words.sleep(0.3));
      await until(() => database.stats().statements > 0);
      const closed = database.close();
      await expect(database.ping()).rejects.toMatchObject({ code: "ERR_SKEIN_NOT_RUNNING" });
      await slow;
      await closed;
      expect(database.stats()).toMatchObject({ open: 0, idle: 0, waiting: 0 });
      await until(async () => (await other.query(words.ids)).length === 0);
    });
  });
}
