/** What is particular to PostgreSQL: poolers, indexes built concurrently, serializable, rights. */
import { expect, test } from "vitest";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { missingGrants } from "../../src/sql/grants.ts";
import { tryLock } from "../../src/sql/migrations/lock.ts";
import { MIGRATION_POOL, migrate, placeOf } from "../../src/sql/migrations/migrate.ts";
import type { Migration } from "../../src/sql/migrations/migration.ts";
import { bigintOf } from "../../src/sql/row-values.ts";
import { pgbouncer } from "../servers/pgbouncer.ts";
import { ask, postgres, rowsOf } from "../servers/postgres.ts";
import { type Server, withServer } from "../servers/server.ts";
import { Opener, surroundings, until } from "./fixture.ts";
import { sampleMigrations } from "./migrations/sample-migrations.ts";

const run = (database: SqlDatabase, migrations: readonly Migration[]) =>
  migrate({ database, migrations, prefix: "", ...surroundings, leaseMs: 1000 });

withServer(postgres, "PostgreSQL itself", (server) => {
  const opener = new Opener();

  test("no pooler is seen where there is none, and statements are prepared by name", async () => {
    const pool = { max: 1, min: 0 };
    const database = await opener.open({ database: await server().newDatabase(), pool });
    expect(database.server).toMatchObject({ product: "PostgreSQL", pooler: "none" });
    await database.query("select ? as x", ["1"]);
    const prepared = await database.query("select statement from pg_prepared_statements");
    expect(prepared).toContainEqual({ statement: "select $1 as x" });
  });

  test("serializable transactions that conflict are tried again, and lose nothing", async () => {
    const database = await opener.open({ database: await server().newDatabase() });
    await database.execute("create table t (n bigint not null)");
    await Promise.all(
      Array.from({ length: 8 }, () =>
        database.transact(
          async (tx) => {
            const [row] = await tx.query("select count(*) as n from t");
            await tx.execute("insert into t (n) values (?)", [bigintOf(row?.n)]);
          },
          { isolation: "serializable", retries: 100 },
        ),
      ),
    );
    // Each saw all before it, as if they had followed one another.
    const rows = await database.query("select n from t order by n");
    expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 8 }, (_, at) => BigInt(at)));
    expect(database.stats().retries).toBeGreaterThan(0);
  });

  test("an index whose building failed is built anew", async () => {
    const url = await server().newDatabase();
    const database = await opener.open({ database: url, pool: MIGRATION_POOL });
    await database.execute("create table t (n integer)");
    await database.execute("insert into t (n) values (1), (1)");
    const failed = ask(url, "create unique index concurrently t_n on t (n)");
    await expect(failed).rejects.toThrow("could not create unique index");
    const invalid = "select 1 from pg_index where indexrelid = 't_n'::regclass and not indisvalid";
    expect(await rowsOf(url, invalid)).toHaveLength(1);
    const step = { kind: "index", index: "t_n", table: "t", columns: ["n"], concurrently: true };
    const migration: Migration = {
      version: 1,
      name: "index",
      steps: () => [{ ...step, kind: "index" }],
    };
    await run(database, [migration]);
    expect(await rowsOf(url, invalid)).toEqual([]);
    expect(await rowsOf(url, "select 1 from pg_class where relname = 't_n'")).toHaveLength(1);
  });

  test("waiting for the lock keeps nobody from building an index concurrently", async () => {
    const url = await server().newDatabase();
    const one = await opener.open({ database: url, pool: MIGRATION_POOL });
    const two = await opener.open({ database: url, pool: MIGRATION_POOL });
    await one.execute("create table t (n integer)");
    const at = placeOf({ database: one, prefix: "" });
    const lock = await tryLock({ database: one, at, ...surroundings, leaseMs: 1000 });
    let isDone = false;
    const waiting = run(two, sampleMigrations()).then(() => {
      isDone = true;
    });
    await until(() => two.stats().statements > 3);
    await one.query("create index concurrently t_n on t (n)");
    expect(isDone).toBe(false);
    await lock?.release();
    await waiting;
  });

  test("each right that is missing is named, with the command that grants it", async () => {
    await rights(server(), opener);
  });
});

withServer(pgbouncer("session"), "PgBouncer in session mode", (server) => {
  const opener = new Opener();

  test("is seen, has sessions of our own, and serves prepared statements", async () => {
    const database = await opener.open({
      database: await server().newDatabase(),
      pool: { min: 0, max: 2 },
    });
    expect(database.server.pooler).toBe("session");
    for (let count = 0; count < 3; count++) {
      expect(await database.query("select ? as x", ["1"])).toEqual([{ x: "1" }]);
    }
    await run(database, sampleMigrations());
  });
});

withServer(pgbouncer("transaction"), "PgBouncer in transaction mode, seen", (server) => {
  const opener = new Opener();

  test("is seen, and neither settings nor names nor locks stay in its sessions", async () => {
    const url = await server().newDatabase();
    const database = await opener.open({ database: url });
    expect(database.server.pooler).toBe("transaction");
    await Promise.all(Array.from({ length: 20 }, () => database.query("select ? as x", ["1"])));
    await run(database, sampleMigrations());
    await database.transact((tx) => tx.query("select 1"));
    expect(await rowsOf(url, "select 1 from pg_locks where locktype = 'advisory'")).toEqual([]);
    expect(await rowsOf(url, "select 1 from pg_prepared_statements")).toEqual([]);
    for (const name of ["statement_timeout", "idle_in_transaction_session_timeout"]) {
      const [row] = await rowsOf(url, `select current_setting('${name}') as value`);
      expect(row).toEqual({ value: "0" });
    }
  });

  test("a holder of the lease that was stopped loses it, and what it still does is refused", async () => {
    const database = await opener.open({ database: await server().newDatabase() });
    const at = placeOf({ database, prefix: "" });
    // Its timer never fires, as if the process had been stopped.
    const stopped = { ...surroundings.clock, after: () => ({ cancel() {} }) };
    const first = await tryLock({ database, at, ...surroundings, clock: stopped, leaseMs: 100 });
    const take = () => tryLock({ database, at, ...surroundings, leaseMs: 1000 });
    expect(await take()).toBe(undefined);
    let second: Awaited<ReturnType<typeof take>>;
    await until(async () => {
      second = await take();
      return second !== undefined;
    });
    const late = database.transact(async (tx) => first?.check(tx));
    await expect(late).rejects.toThrow("the lock for migrating was lost");
    await first?.release();
    expect(await take()).toBe(undefined);
    await second?.release();
  });
});

async function rights(server: Server, opener: Opener): Promise<void> {
  const url = new URL(await server.newDatabase());
  await ask(url.href, "create role maker login");
  try {
    await ask(url.href, "create schema own; alter role maker set search_path = own");
    const own = new URL(url);
    own.username = "maker";
    const tables = ["item"];
    const named = async () => {
      const database = await opener.open({ database: own.href, pool: { min: 0 } });
      const missing = await missingGrants(database, tables);
      return missing.map(({ right, command }) => `${right}: ${command}`);
    };
    const usage = "USAGE on schema own: GRANT USAGE ON SCHEMA own TO maker";
    const make =
      "CREATE on schema own (CREATE TABLE, CREATE INDEX, CREATE TYPE): " +
      "GRANT CREATE ON SCHEMA own TO maker";
    expect(await named()).toEqual([usage, make]);
    const database = await opener.open({ database: own.href, pool: { min: 0 } });
    const refused = run(database, sampleMigrations());
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNSUPPORTED" });
    await expect(refused).rejects.toThrow("GRANT CREATE ON SCHEMA own TO maker");
    await ask(url.href, "grant usage on schema own to maker");
    expect(await named()).toEqual([make]);
    await ask(url.href, "grant create on schema own to maker");
    expect(await named()).toEqual([]);
    await ask(url.href, "create table own.item (n int)");
    const of = (right: string) => `${right} on table item: GRANT ${right} ON TABLE item TO maker`;
    const owner =
      "ownership of table item (ALTER TABLE, CREATE INDEX): ALTER TABLE item OWNER TO maker";
    expect(await named()).toEqual([...["DELETE", "INSERT", "SELECT", "UPDATE"].map(of), owner]);
    await ask(url.href, "alter table own.item owner to maker");
    expect(await named()).toEqual([]);
    for (const right of ["SELECT", "INSERT", "UPDATE", "DELETE"]) {
      await ask(url.href, `revoke ${right} on own.item from maker`);
      expect(await named()).toEqual([of(right)]);
      await ask(url.href, `grant ${right} on own.item to maker`);
    }
  } finally {
    await ask(server.url, `drop database ${url.pathname.slice(1)} with (force)`);
    await ask(server.url, "drop role maker");
  }
}
