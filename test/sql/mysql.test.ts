/**
 * What is written for MySQL 8, of which no server could be had: the texts that MariaDB is sent hold
 * nothing that MySQL lacks, and what the two name differently is chosen by the server's version.
 */
import { expect, test } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { SqlAdapter } from "../../src/persistent/adapters/sql/sql-adapter.ts";
import { openMessageArchives } from "../../src/persistent/mam/open-archives.ts";
import { RosterStore } from "../../src/persistent/roster/roster-store.ts";
import { storeConformance } from "../../src/persistent-testing.ts";
import { MysqlDriver, refuseOldMysql, sessionSettings } from "../../src/sql/mysql/mysql-driver.ts";
import { POOL_DEFAULTS, poolWithDefaults } from "../../src/sql/pool-options.ts";
import { PooledDatabase } from "../../src/sql/sql-database.ts";
import { parseDatabaseUrl } from "../../src/sql/target.ts";
import { QUOTA } from "../persistent/adapters/suite.ts";
import { makeStoreTables } from "../persistent/databases.ts";
import { mariadb } from "../servers/mariadb.ts";
import { withServer } from "../servers/server.ts";
import { surroundings } from "./fixture.ts";
import { RecordingDriver } from "./recording-driver.ts";

/** What MariaDB has and MySQL 8 has not. */
const NOT_IN_MYSQL: readonly RegExp[] = [
  /\breturning\b/,
  /\bon conflict\b/,
  /\b(?:index|column) if (?:not )?exists\b/,
  /\bcreate or replace (?:table|index)\b/,
  /_nopad_/,
  /\bnextval\b|\bcreate sequence\b/,
  /\b(?:uuid|inet6) not null\b/,
  // A table that is deleted from or updated cannot be read in a subquery of the same statement.
  /^\s*(?:delete|update)\b[\s\S]*\bselect\b/,
  /\bin \(select\b[\s\S]*\blimit\b/,
];
/** Words that MySQL 8 and 9 reserve and MariaDB does not, as names. */
const RESERVED =
  /\b(?:as|table|from|join) (?:cube|cume_dist|dense_rank|empty|first_value|function|grouping|groups|json_table|lag|last_value|lateral|lead|library|manual|nth_value|ntile|of|parallel|percent_rank|qualify|rank|row_number|system|tablesample|virtual|window)\b/;

function isForMariadbAlone(text: string): boolean {
  const plain = text.toLowerCase();
  return RESERVED.test(plain) || NOT_IN_MYSQL.some((pattern) => pattern.test(plain));
}

test.each([
  "insert into t (a) values (?) returning id",
  "create index if not exists i on t (a)",
  "alter table t add column if not exists a bigint",
  "create table t (a text collate utf8mb4_nopad_bin)",
  "delete from t where a in (select a from t where b = 1)",
  "select a from t where a in (select a from u limit 1)",
  "select count(*) as rank from t",
  "select a from system",
])("a text that MySQL 8 would refuse is noticed: %s", (text) => {
  expect(isForMariadbAlone(text)).toBe(true);
});

/** Claims that are shown by opening the adapter anew, which sends nothing else. */
const NEEDS_RESTART = /over a restart|was closed/;

test("the product is told by the version that the server gives", () => {
  for (const version of ["8.0.11", "8.0.36-0ubuntu0.22.04.1", "8.4.3", "9.1.0-commercial"]) {
    expect(refuseOldMysql("x", version)).toBe("MySQL");
  }
  for (const version of ["10.6.1-MariaDB", "5.5.5-10.11.6-MariaDB-1:10.11.6", "11.8.2-MariaDB"]) {
    expect(refuseOldMysql("x", version)).toBe("MariaDB");
  }
  for (const version of ["5.7.44-log", "10.5.9-MariaDB", ""]) {
    expect(() => refuseOldMysql("x", version)).toThrow(UnsupportedError);
  }
});

test("a session is set up by the names that the product has for its variables", () => {
  const limits = { statementTimeoutMs: 15_000, idleInTransactionMs: 60_000 };
  const ofMysql = sessionSettings("MySQL", limits);
  expect(ofMysql).toContain("transaction_isolation = 'READ-COMMITTED', max_execution_time = 15000");
  // The one is gone since 8.0, the other was never there.
  expect(ofMysql).not.toMatch(/\btx_isolation|max_statement_time/);
  const ofMariadb = sessionSettings("MariaDB", limits);
  expect(ofMariadb).toContain("tx_isolation = 'READ-COMMITTED', max_statement_time = 15");
  expect(ofMariadb).not.toContain("max_execution_time");
});

withServer(mariadb, "MariaDB", (server) => {
  test("is sent nothing by stores, archives and rosters that MySQL 8 lacks", async () => {
    const texts = new Set<string>();
    const { target } = parseDatabaseUrl(await server().newDatabase());
    if (target === undefined || target.dialect === "sqlite") throw new Error("no server");
    const inner = new MysqlDriver({
      target,
      connectTimeoutMs: POOL_DEFAULTS.connectMs,
      statementTimeoutMs: POOL_DEFAULTS.statementMs,
      idleInTransactionMs: POOL_DEFAULTS.idleInTransactionMs,
      applicationName: "skein",
    });
    const driver = new RecordingDriver(inner, texts);
    const database = new PooledDatabase({ driver, pool: poolWithDefaults({}), ...surroundings });
    await database.open();
    await makeStoreTables(database);
    const adapter = new SqlAdapter({ open: async () => database, clock: surroundings.clock });
    await adapter.open();
    for (const claim of storeConformance(() => ({ adapter }))) {
      if (claim.name !== QUOTA && !NEEDS_RESTART.test(claim.name)) await claim.run();
    }
    await useTyped(database);
    await database.close();
    expect(texts.size).toBeGreaterThan(60);
    expect([...texts].filter(isForMariadbAlone)).toEqual([]);
  });
});

/** A little of each statement of the typed stores. */
async function useTyped(database: PooledDatabase): Promise<void> {
  const owner = { server: "a.example", name: "ann" };
  const archives = openMessageArchives({ database, node: 1, ...surroundings });
  const message = { with: "bob@b.example", from: "bob@b.example", direction: "in" } as const;
  await archives.users.add(owner, { ...message, packet: "<m/>" }, { isWritten: true });
  await archives.users.sync();
  expect(await archives.users.size(owner)).toBe(1);
  await archives.users.find(owner);
  await archives.users.expire(1n, owner);
  await archives.users.remove(owner);
  await archives.stop();
  const rosters = new RosterStore({ database, clock: surroundings.clock });
  await rosters.set(owner, "bob@b.example", { nick: "Bob" });
  await rosters.delete(owner, "bob@b.example");
  await rosters.get(owner);
}
