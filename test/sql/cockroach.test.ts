/**
 * What is written for CockroachDB, of which no server could be had: its own retry errors are
 * provoked on PostgreSQL, in a database where every transaction is serializable, by the same
 * traits and so the same statements, locks and retries that a cockroachdb:// URL chooses.
 */
import { describe, expect, test } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { SqlAdapter } from "../../src/persistent/adapters/sql/sql-adapter.ts";
import type { Done, ServerFacts, SqlConnection, SqlDriver } from "../../src/sql/connection.ts";
import type { SqlTraits, SqlValue } from "../../src/sql/dialect.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { POOL_DEFAULTS, poolWithDefaults } from "../../src/sql/pool-options.ts";
import { PostgresDriver } from "../../src/sql/postgres/postgres-driver.ts";
import { cockroachTraits } from "../../src/sql/postgres/postgres-traits.ts";
import { bigintOf } from "../../src/sql/row-values.ts";
import { PooledDatabase } from "../../src/sql/sql-database.ts";
import type { Statement } from "../../src/sql/statement.ts";
import { parseDatabaseUrl } from "../../src/sql/target.ts";
import { adapterSuite } from "../persistent/adapters/suite.ts";
import { makeStoreTables } from "../persistent/databases.ts";
import { ask, postgres } from "../servers/postgres.ts";
import { type Server, withServer } from "../servers/server.ts";
import { surroundings } from "./fixture.ts";

/** What CockroachDB has not, or has for show only. */
const NOT_THERE = /advisory|\bserial\b|bigserial|concurrently|pg_trgm|create extension|do \$\$/i;

/** PostgreSQL under the name of CockroachDB. Keeps the texts of all statements. */
class CockroachOnPostgres implements SqlDriver {
  readonly dialect = "cockroach";
  readonly subject: string;
  readonly traits: SqlTraits = cockroachTraits;
  readonly texts: Set<string>;
  readonly #inner: PostgresDriver;

  constructor(url: string, texts: Set<string>) {
    const { target } = parseDatabaseUrl(url);
    if (target === undefined || target.dialect === "sqlite") throw new Error("no server");
    this.#inner = new PostgresDriver({
      target,
      connectTimeoutMs: POOL_DEFAULTS.connectMs,
      statementTimeoutMs: POOL_DEFAULTS.statementMs,
      idleInTransactionMs: POOL_DEFAULTS.idleInTransactionMs,
      applicationName: "skein",
      pooler: "none",
    });
    this.subject = this.#inner.subject;
    this.texts = texts;
  }

  get server(): ServerFacts {
    return { ...this.#inner.server, product: "CockroachDB" };
  }

  async connect(): Promise<SqlConnection> {
    const connection = await this.#inner.connect();
    const run = connection.run.bind(connection);
    const { texts } = this;
    connection.run = (
      statement: Statement,
      params: readonly SqlValue[] | undefined,
      done: Done,
    ) => {
      texts.add(statement.text);
      run(statement, params, done);
    };
    return connection;
  }
}

withServer(postgres, "CockroachDB's traits on PostgreSQL, serializable", (server) => {
  const texts = new Set<string>();
  const open = async (url: string) => {
    const driver = new CockroachOnPostgres(url, texts);
    const pool = poolWithDefaults({ max: 12 });
    const database = new PooledDatabase({ driver, pool, ...surroundings });
    await database.open();
    return database;
  };

  test("transactions that conflict are tried again, and lose nothing", async () => {
    const database = await open(await serializable(server()));
    await database.execute("create table t (n bigint not null)");
    const add = () =>
      database.transact(
        async (tx) => {
          const [row] = await tx.query("select count(*) as n from t");
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

  test("statements of their own that conflict are tried again, and lose nothing", async () => {
    const database = await open(await serializable(server()));
    await database.execute("create table t (id bigint primary key, n bigint not null)");
    await database.execute("insert into t (id, n) values (1, 0)");
    // They wait for a row that another transaction has, and see it changed under their feet.
    await database.transact(async (tx) => {
      await tx.execute("update t set n = n + 1 where id = ?", [1n]);
    });
    const before = database.stats().retries;
    await Promise.all(
      Array.from({ length: 40 }, () =>
        database.execute("update t set n = n + 1 where id = ?", [1n]),
      ),
    );
    expect((await database.first("select n from t where id = ?", [1n]))?.n).toBe(41n);
    expect(database.stats().retries).toBeGreaterThan(before);
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
