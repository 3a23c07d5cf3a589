import { describe, expect, test } from "vitest";
import { createDiscovery } from "../../../src/discovery/create-discovery.ts";
import { PooledDriver } from "../../../src/discovery/rdbms/pooled-driver.ts";
import { TABLE_DEFAULTS } from "../../../src/discovery/rdbms/table-options.ts";
import { MissingDriverError } from "../../../src/errors.ts";
import { silentLog } from "../../../src/runtime.ts";
import { refuseOldMysql } from "../../../src/sql/mysql/mysql-driver.ts";
import { discoveryConformance, registration } from "../../conformance/discovery.ts";
import { ask, mariadb } from "../../servers/mariadb.ts";
import { faultsOf, type Server, withServer } from "../../servers/server.ts";
import { realClock, realRandom } from "../clocks.ts";
import { databaseSuite } from "./database-suite.ts";
import { driverOf } from "./driver-of.ts";
import { serverSuite } from "./server-suite.ts";

const environment = { clock: realClock, random: realRandom, log: silentLog };

withServer(mariadb, "MariaDB", (server) => {
  databaseSuite({ processCount: 10, newDatabase: () => server().newDatabase(), driver: driverOf });

  test("an account without the right to create tables is told so", async () => {
    const url = new URL(await server().newDatabase());
    await ask(server().url, "create user discovery_reader@'%' identified by 'x'");
    await ask(server().url, `grant select on ${url.pathname.slice(1)}.* to discovery_reader@'%'`);
    url.username = "discovery_reader";
    url.password = "x";
    const backend = createDiscovery({ url: url.href }, environment);
    const refused = backend.register?.(registration("a"));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNSUPPORTED" });
    await expect(refused).rejects.toThrow("CREATE command denied");
    await backend.close();
    await ask(server().url, "drop user discovery_reader@'%'");
  });

  test("the time of the rows is UTC, whatever the time zone of the server", async () => {
    const url = await server().newDatabase();
    await ask(server().url, "set global time_zone = '-11:00'");
    try {
      const backend = createDiscovery({ url }, environment);
      await backend.register?.(registration("a"));
      await backend.close();
      await ask(server().url, "set global time_zone = '+13:00'");
      const other = createDiscovery({ url }, environment);
      await other.register?.(registration("b"));
      const stale = (await other.getNodes()).map((node) => node.stale === true);
      expect(stale).toEqual([false, false]);
      await other.close();
    } finally {
      await ask(server().url, "set global time_zone = 'SYSTEM'");
    }
  });

  test("the isolation that the server has by default does not matter", async () => {
    await ask(server().url, "set global transaction isolation level serializable");
    try {
      const url = await server().newDatabase();
      const identities = await Promise.all(
        ["a", "b", "c", "d", "e"].map(async (name) => {
          const backend = createDiscovery({ url }, environment);
          const identity = await backend.register?.(registration(name));
          await backend.close();
          return identity?.nodeNumber;
        }),
      );
      expect(identities.sort()).toEqual([1, 2, 3, 4, 5]);
    } finally {
      await ask(server().url, "set global transaction isolation level repeatable read");
    }
  });
});

withServer(mariadb, "MariaDB in trouble", (server) => serverSuite(server), "faults");

withServer(
  mariadb,
  "discovery by MariaDB",
  (server) => {
    discoveryConformance({ grows: true, identifies: true, open: () => world(server()) });
  },
  "faults",
);

test("without mysql2 the error names the package to install", async () => {
  const driver = new PooledDriver({
    target: {
      dialect: "mysql",
      host: "127.0.0.1",
      port: 3306,
      user: "x",
      database: "x",
      tls: "disable",
    },
    tableOptions: TABLE_DEFAULTS,
    ...environment,
    load: () => import(String("mysql2-that-nobody-installed")),
  });
  const refused = driver.open();
  await expect(refused).rejects.toBeInstanceOf(MissingDriverError);
  await expect(refused).rejects.toThrow("npm install mysql2@3");
});

describe("versions of MySQL and MariaDB", () => {
  test.each([
    "8.0.11",
    "8.4.3-commercial",
    "9.1.0",
    "10.6.0-MariaDB",
    "10.11.19-MariaDB-0+deb12u1",
    "5.5.5-11.4.2-MariaDB-log",
  ])("%s is good", (version) => {
    expect(() => refuseOldMysql("db", version)).not.toThrow();
  });

  test.each([
    ["5.7.44-log", "MySQL 5.7.44-log", "MySQL 8.0"],
    ["10.5.27-MariaDB", "MariaDB 10.5.27-MariaDB", "MariaDB 10.6"],
    ["5.5.5-10.3.39-MariaDB", "MariaDB 5.5.5-10.3.39-MariaDB", "MariaDB 10.6"],
    ["", "MySQL a server of unknown version", "MySQL 8.0"],
  ])("%j is refused, with what was found and what is needed", (version, found, needed) => {
    expect(() => refuseOldMysql("db", version)).toThrow(
      `db: found ${found}; needed is ${needed} or newer`,
    );
  });
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
