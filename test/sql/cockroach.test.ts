/**
 * What is written for CockroachDB, of which no server could be had: its own retry errors are
 * provoked on PostgreSQL, in a database where every transaction is serializable, by the same
 * traits and so the same statements, locks and retries that a cockroachdb:// URL chooses.
 */
import { describe, expect, test } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { SqlAdapter } from "../../src/persistent/adapters/sql/sql-adapter.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { POOL_DEFAULTS, poolWithDefaults } from "../../src/sql/pool-options.ts";
import { PostgresDriver } from "../../src/sql/postgres/postgres-driver.ts";
import { cockroachTraits } from "../../src/sql/postgres/postgres-traits.ts";
import { bigintOf } from "../../src/sql/row-values.ts";
import { PooledDatabase } from "../../src/sql/sql-database.ts";
import { parseDatabaseUrl } from "../../src/sql/target.ts";
import { adapterSuite } from "../persistent/adapters/suite.ts";
import { makeStoreTables } from "../persistent/databases.ts";
import { ask, postgres, rowsOf } from "../servers/postgres.ts";
import { type Server, withServer } from "../servers/server.ts";
import { surroundings, until } from "./fixture.ts";
import { RecordingDriver } from "./recording-driver.ts";

/** What CockroachDB has not, or has for show only. */
const NOT_THERE = /advisory|\bserial\b|bigserial|concurrently|pg_trgm|create extension|do \$\$/i;

/** PostgreSQL by the traits of CockroachDB. Keeps the texts of all statements. */
function cockroachOnPostgres(url: string, texts: Set<string>): RecordingDriver {
  const { target } = parseDatabaseUrl(url);
  if (target === undefined || target.dialect === "sqlite") throw new Error("no server");
  const inner = new PostgresDriver({
    target,
    connectTimeoutMs: POOL_DEFAULTS.connectMs,
    statementTimeoutMs: POOL_DEFAULTS.statementMs,
    idleInTransactionMs: POOL_DEFAULTS.idleInTransactionMs,
    applicationName: "skein",
    pooler: "none",
  });
  return new RecordingDriver(inner, texts, { dialect: "cockroach", traits: cockroachTraits });
}

withServer(postgres, "CockroachDB's traits on PostgreSQL, serializable", (server) => {
  const texts = new Set<string>();
  const open = async (url: string) => {
    const driver = cockroachOnPostgres(url, texts);
    const pool = poolWithDefaults({ max: 12 });
    const database = new PooledDatabase({ driver, pool, ...surroundings });
    await database.open();
    return database;
  };

  test("transactions that conflict are tried again, and lose nothing", async () => {
    const database = await open(await serializable(server()));
    await database.execute("create table t (n bigint not null)");
    let readers = 0;
    const add = () =>
      database.transact(
        async (tx) => {
          const [row] = await tx.query("select count(*) as n from t");
          // All have read before the first of them writes.
          readers++;
          await until(() => readers >= 8);
          await tx.execute("insert into t (n) values (?)", [bigintOf(row?.n)]);
        },
        { retries: 100 },
      );
    await Promise.all(Array.from({ length: 8 }, add));
    const rows = await database.query("select n from t order by n");
    expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 8 }, (_, at) => BigInt(at)));
    expect(database.stats().retries).toBeGreaterThan(0);
    await database.close();
  });

  test("a statement of its own that loses a race is tried again, and its change is made", async () => {
    const url = await serializable(server());
    const database = await open(url);
    await database.execute("create table t (id bigint primary key, n bigint not null)");
    await database.execute("insert into t (id, n) values (1, 0)");
    const add = "update t set n = n + 1 where id = ?";
    const blocked = `select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    let other: Promise<number> | undefined;
    await database.transact(async (tx) => {
      await tx.execute(add, [1n]);
      other = database.execute(add, [1n]);
      // It waits for this row, and will see that it was changed under its feet.
      await until(async () => (await rowsOf(url, blocked)).length > 0);
    });
    expect(await other).toBe(1);
    expect((await database.first("select n from t where id = ?", [1n]))?.n).toBe(2n);
    expect(database.stats().retries).toBe(1);
    await database.close();
  });

  describe("stores", () => {
    let url: Promise<string> | undefined;
    const adapterOf = async () => {
      url ??= serializable(server());
      const database = await open(await url);
      await makeStoreTables(database);
      const adapter = new SqlAdapter({ open: async () => database, clock: surroundings.clock });
      await adapter.open();
      return adapter;
    };
    adapterSuite("sql", {
      make: async () => {
        let adapter = await adapterOf();
        return {
          get adapter() {
            return adapter;
          },
          async restart() {
            await adapter.close();
            adapter = await adapterOf();
          },
        };
      },
      rounds: 3,
    });

    test("need no advisory lock, no SERIAL and no extension", () => {
      expect(texts.size).toBeGreaterThan(30);
      expect([...texts].filter((text) => NOT_THERE.test(text))).toEqual([]);
      const begins = [...texts].filter((text) => text.startsWith("begin"));
      expect(begins.filter((text) => text.includes("isolation"))).toEqual([]);
      expect([...texts].some((text) => text.includes("migration_lock"))).toBe(true);
    });
  });

  test("a URL of CockroachDB's is refused by a server that is none", async () => {
    const url = (await server().newDatabase()).replace(/^\w+:/, "cockroachdb:");
    const refused = openSqlDatabase({ database: url }, surroundings);
    await expect(refused).rejects.toThrow(UnsupportedError);
    await expect(refused).rejects.toThrow(/is PostgreSQL.*needed is CockroachDB/);
  });
});

/** A database in which every transaction is serializable, as all are on CockroachDB. */
async function serializable(server: Server): Promise<string> {
  const url = await server.newDatabase();
  const name = new URL(url).pathname.slice(1);
  await ask(server.url, `alter database ${name} set default_transaction_isolation = serializable`);
  return url;
}
