import { describe, expect, test } from "vitest";
import { createDiscovery } from "../../../src/discovery/create-discovery.ts";
import { silentLog } from "../../../src/runtime.ts";
import { refuseOldPostgres } from "../../../src/sql/postgres/postgres-driver.ts";
import { discoveryConformance, registration } from "../../conformance/discovery.ts";
import { pgbouncer } from "../../servers/pgbouncer.ts";
import { ask, postgres, rowsOf } from "../../servers/postgres.ts";
import { faultsOf, type Server, withServer } from "../../servers/server.ts";
import { realClock, realRandom } from "../clocks.ts";
import { databaseSuite } from "./database-suite.ts";
import { driverOf } from "./driver-of.ts";
import { serverSuite } from "./server-suite.ts";

const environment = { clock: realClock, random: realRandom, log: silentLog };

withServer(postgres, "PostgreSQL", (server) => {
  databaseSuite({ processCount: 10, newDatabase: () => server().newDatabase(), driver: driverOf });

  test("a role without the right to create tables is told so", async () => {
    const url = new URL(await server().newDatabase());
    await ask(url.href, "revoke create on schema public from public");
    await ask(url.href, "create role discovery_reader login password 'x'");
    url.username = "discovery_reader";
    url.password = "x";
    const backend = createDiscovery({ url: url.href }, environment);
    const refused = backend.register?.(registration("a"));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNSUPPORTED" });
    await expect(refused).rejects.toThrow("permission denied for schema public");
    await backend.close();
    await ask(server().url, `drop database ${url.pathname.slice(1)} with (force)`);
    await ask(server().url, "drop role discovery_reader");
  });

  test("tables of the same names in another schema are no hindrance", async () => {
    const url = await server().newDatabase();
    await ask(url, "create schema other");
    await ask(url, "create table other.skein_discovery_migration (name text, timestamp text)");
    await ask(url, "create table other.skein_discovery_migration_lock (id text)");
    await ask(url, "create table other.discovery_nodes (x int)");
    const backend = createDiscovery({ url }, environment);
    expect(await backend.register?.(registration("a"))).toEqual({ origin: 1, nodeNumber: 1 });
    await backend.close();
  });

  test("a node in mid-transaction that stops does not keep the others out", async () => {
    const url = await server().newDatabase();
    const [first, second] = [0, 1].map(() => createDiscovery({ url }, environment));
    await first?.register?.(registration("a"));
    const driver = driverOf(url);
    const stopped = await driver.open();
    const hung = stopped.executor.connection().execute(async (connection) => {
      const { sql } = await import("kysely");
      for (const statement of driver.traits.begin) await sql.raw(statement).execute(connection);
      await sql`update discovery_counter set next_origin = next_origin`.execute(connection);
      // Neither commit nor rollback: the claim of the second waits for this row.
      const identity = await second
        ?.register?.(registration("b"))
        .catch(() => second.register?.(registration("b")));
      expect(identity?.nodeNumber).toBe(2);
    });
    await hung;
    await stopped.close();
    await Promise.all([first?.close(), second?.close()]);
  });
});

withServer(postgres, "PostgreSQL in trouble", (server) => serverSuite(server), "faults");

withServer(
  postgres,
  "discovery by PostgreSQL",
  (server) => {
    discoveryConformance({
      grows: true,
      identifies: true,
      open: () => world(server()),
    });
  },
  "faults",
);

withServer(pgbouncer("transaction"), "PgBouncer in transaction mode", (server) => {
  databaseSuite({ processCount: 4, newDatabase: () => server().newDatabase(), driver: driverOf });

  test("no lock and no session setting stays behind in the pool", async () => {
    const url = await server().newDatabase();
    const backend = createDiscovery({ url }, environment);
    await backend.register?.(registration("a"));
    await backend.getNodes();
    await backend.close();
    const locks = await rowsOf(url, "select 1 from pg_locks where locktype = 'advisory'");
    expect(locks).toEqual([]);
    for (const name of ["statement_timeout", "idle_in_transaction_session_timeout"]) {
      expect(await rowsOf(url, `select current_setting('${name}') as value`)).toEqual([
        { value: "0" },
      ]);
    }
  });

  test("a pooler that was restarted is used again by the next query", async () => {
    const backend = createDiscovery({ url: await server().newDatabase() }, environment);
    await backend.register?.(registration("a"));
    await faultsOf(server()).stop();
    await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await faultsOf(server()).start();
    expect(await backend.getNodes()).toHaveLength(1);
    await backend.close();
  });
});

describe("versions of PostgreSQL", () => {
  test.each([
    "PostgreSQL 13.0 on x86_64-pc-linux-gnu",
    "PostgreSQL 15.18 (Debian 15.18-0+deb12u1)",
    "PostgreSQL 18beta1 on aarch64",
  ])("%s is good", (version) => {
    expect(() => refuseOldPostgres("db", version)).not.toThrow();
  });

  test.each(["PostgreSQL 12.22 on x86_64-pc-linux-gnu", "PostgreSQL 9.6.24", "Redshift 1.0", ""])(
    "%j is refused, with what was found and what is needed",
    (version) => {
      expect(() => refuseOldPostgres("db", version)).toThrow(
        `db: found ${version || "a server of unknown version"}; needed is PostgreSQL 13 or newer`,
      );
    },
  );
});

async function world(server: Server) {
  const url = await server.newDatabase();
  const tableOptions = { connectTimeoutMs: 1000, statementTimeoutMs: 1000 };
  const faults = faultsOf(server);
  return {
    async join(own: ReturnType<typeof registration>) {
      const backend = createDiscovery({ url, tableOptions }, environment);
      await backend.register?.(own);
      return backend;
    },
    fault: { away: () => faults.stop(), back: () => faults.start() },
    close: async () => undefined,
  };
}
