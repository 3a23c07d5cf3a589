/** Each finding on a real server that has the fault. */
import { afterEach, expect, test } from "vitest";
import type { SqlConnectionSettings } from "../../../src/persistent/config/configuration.ts";
import { migrateConfigured } from "../../../src/persistent/config/open-database.ts";
import { examine } from "../../../src/persistent/doctor/examine.ts";
import { STORE_MIGRATIONS } from "../../../src/persistent/migrations/store-migrations.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { parseDatabaseUrl } from "../../../src/sql/target.ts";
import { mariadb } from "../../servers/mariadb.ts";
import { pgbouncer } from "../../servers/pgbouncer.ts";
import { ask, postgres } from "../../servers/postgres.ts";
import { type Server, withServer } from "../../servers/server.ts";
import { surroundings } from "../../sql/fixture.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function settingsFor(url: string, rest: Partial<SqlConnectionSettings> = {}) {
  const { target } = parseDatabaseUrl(url);
  if (target === undefined) throw new Error("no target");
  const settings: SqlConnectionSettings = {
    adapter: "sql",
    target,
    pool: {},
    applicationName: "doctor",
    tablePrefix: "skein_",
    migrate: "auto",
    ...rest,
  };
  return settings;
}

/** The findings that are not all well, as "level check: text → action". */
async function findings(
  url: string,
  rest: Partial<SqlConnectionSettings> = {},
  more: Partial<Parameters<typeof examine>[0]> = {},
) {
  const settings = settingsFor(url, rest);
  const found = await examine({
    settings,
    clock: surroundings.clock,
    open: () =>
      openSqlDatabase({ database: settings.target, pool: { max: 2, min: 0 } }, surroundings),
    ...more,
  });
  return found
    .filter(({ level, check }) => level !== "ok" && check !== "settings")
    .map(({ level, check, text, action }) => `${level} ${check}: ${text} → ${action}`);
}

const pending = STORE_MIGRATIONS.map(
  ({ version, name }) =>
    `warning migrations: migration ${version} "${name}" is not applied yet → run skein migrate`,
);
const TRIGRAMS = "pg_trgm is not enabled: text search works, but reads every message";

withServer(postgres, "doctor on PostgreSQL", (server) => {
  test("a database without tables, then with them, then edited behind our back", async () => {
    const url = await server().newDatabase();
    expect(await findings(url)).toEqual([expect.stringContaining(TRIGRAMS), ...pending]);
    await ask(url, "create extension pg_trgm");
    await migrateConfigured(settingsFor(url), surroundings);
    expect(await findings(url)).toEqual([]);
    await ask(url, "update skein_schema_migration set checksum = 'x' where version = 1");
    expect(await findings(url)).toEqual([
      expect.stringMatching(/^fault migrations: migration 1 "stores" is not the one/),
    ]);
  });

  test("the command that enables pg_trgm, and who may run it", async () => {
    const [finding] = await findings(await server().newDatabase());
    expect(finding).toMatch(/→ (?:install .* then )?run as a? ?.*: CREATE EXTENSION pg_trgm$/);
  });

  test("each right that is revoked is named with the command that grants it", async () => {
    const url = new URL(await server().newDatabase());
    const role = `examined_${process.pid}`;
    await ask(url.href, `create role ${role} login`);
    ends.push(async () => {
      await ask(url.href, `drop owned by ${role} cascade`);
      await ask(url.href, `drop role ${role}`);
    });
    await ask(url.href, "create extension pg_trgm");
    await ask(url.href, `grant usage, create on schema public to ${role}`);
    const own = new URL(url);
    own.username = role;
    await migrateConfigured(settingsFor(own.href), surroundings);
    expect(await findings(own.href)).toEqual([]);
    for (const right of ["INSERT", "UPDATE", "DELETE"]) {
      await ask(url.href, `revoke ${right} on skein_item from ${role}`);
      expect(await findings(own.href)).toEqual([
        `fault grants: the role lacks ${right} on table skein_item → ` +
          `GRANT ${right} ON TABLE skein_item TO ${role}`,
      ]);
      await ask(url.href, `grant ${right} on skein_item to ${role}`);
    }
    await ask(url.href, `revoke create on schema public from ${role}, public`);
    expect(await findings(own.href)).toEqual([
      "fault grants: the role lacks CREATE on schema public (CREATE TABLE, CREATE INDEX, " +
        `CREATE TYPE) → GRANT CREATE ON SCHEMA public TO ${role}`,
    ]);
    await ask(url.href, `grant create on schema public to ${role}`);
    await ask(url.href, "alter table skein_item owner to postgres");
    await ask(url.href, `grant all on skein_item to ${role}`);
    expect(await findings(own.href)).toEqual([
      "fault grants: the role lacks ownership of table skein_item (ALTER TABLE, CREATE INDEX) → " +
        `ALTER TABLE skein_item OWNER TO ${role}`,
    ]);
  });

  test("a database in another encoding", async () => {
    const name = `latin_${process.pid}`;
    await ask(
      server().url,
      `create database ${name} template template0 encoding 'LATIN1' locale 'C'`,
    );
    ends.push(() => ask(server().url, `drop database ${name} with (force)`));
    const url = new URL(server().url);
    url.pathname = `/${name}`;
    const found = await findings(url.href);
    expect(found[0]).toMatch(/^fault encoding: the database is in LATIN1.*ENCODING 'UTF8'$/);
  });

  test("clocks that are apart, and a pool for which the server has too few connections", async () => {
    const url = await server().newDatabase();
    const clock = { ...surroundings.clock, wall: () => Date.now() - 60_000 };
    const found = await findings(url, {}, { clock, processes: 100 });
    expect(found.join("\n")).toMatch(/warning clock: the server's clock and ours are [56]\d{4} ms/);
    expect(found.join("\n")).toMatch(/warning pool: pool.max is 50 in each of 100 processes, but/);
  });

  test("the server's settings beside the memory of its machine are advice", async () => {
    const url = await server().newDatabase();
    const settings = settingsFor(url);
    const found = await examine({
      settings,
      clock: surroundings.clock,
      memoryBytes: 64 * 2 ** 30,
      open: () => openSqlDatabase({ database: url, pool: { max: 1, min: 0 } }, surroundings),
    });
    const advice = found.filter(({ check }) => check === "settings");
    expect(advice.every(({ level }) => level === "advice")).toBe(true);
    expect(advice).toContainEqual(
      expect.objectContaining({
        text: "shared_buffers is 128 MB, which is little",
        action: "set shared_buffers = 16384 MB",
      }),
    );
  });

  test("a server that does not answer, and a database that is not there", async () => {
    expect(await findings("postgres://u@127.0.0.1:1/d")).toEqual([
      expect.stringMatching(/^fault connection: .*ECONNREFUSED.*→ check address/),
    ]);
    const url = new URL(server().url);
    url.pathname = "/nowhere";
    expect(await findings(url.href)).toEqual([
      expect.stringMatching(/^fault connection: .*"nowhere" does not exist.*database create/),
    ]);
  });
});

withServer(pgbouncer("transaction"), "doctor behind PgBouncer", (server) => {
  test("a pooler that lends sessions out by the transaction is named, with the way past it", async () => {
    const found = await findings(await server().newDatabase());
    expect(found.join("\n")).toMatch(/advice pooler: .*locked by a row → give migration_url/);
  });
});

withServer(mariadb, "doctor on MariaDB", (server) => {
  test("a database without tables, then with them", async () => {
    const url = await newDatabase(server());
    expect(await findings(url)).toEqual(pending);
    await migrateConfigured(settingsFor(url), surroundings);
    expect(await findings(url)).toEqual([]);
  });

  test("each right that is revoked is named with the command that grants it", async () => {
    const url = new URL(await newDatabase(server()));
    const admin = await openSqlDatabase({ database: url.href, pool: { max: 1 } }, surroundings);
    ends.push(() => admin.close());
    const name = url.pathname.slice(1);
    const account = "'examined'@'127.0.0.1'";
    await migrateConfigured(settingsFor(url.href), surroundings);
    await admin.execute(`create user ${account}`);
    await admin.execute(`grant all on \`${name}\`.* to ${account}`);
    url.username = "examined";
    expect(await findings(url.href)).toEqual([]);
    for (const right of ["CREATE", "ALTER", "INDEX", "INSERT", "UPDATE", "DELETE"]) {
      await admin.execute(`revoke ${right} on \`${name}\`.* from ${account}`);
      expect(await findings(url.href)).toEqual([
        `fault grants: the role lacks ${right} on database ${name} → ` +
          `GRANT ${right} ON \`${name}\`.* TO ${account}`,
      ]);
      await admin.execute(`grant ${right} on \`${name}\`.* to ${account}`);
    }
  });

  test("a database in another character set", async () => {
    const url = await newDatabase(server());
    await migrateConfigured(settingsFor(url), surroundings);
    const admin = await openSqlDatabase({ database: url, pool: { max: 1 } }, surroundings);
    ends.push(() => admin.close());
    await admin.execute("alter database character set latin1");
    expect(await findings(url)).toEqual([expect.stringMatching(/^advice encoding: .*latin1/)]);
  });
});

/** What the server makes by default is in latin1. */
async function newDatabase(server: Server): Promise<string> {
  const url = await server.newDatabase();
  const admin = await openSqlDatabase({ database: url, pool: { max: 1 } }, surroundings);
  await admin.execute("alter database character set utf8mb4 collate utf8mb4_bin");
  await admin.close();
  return url;
}
