import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { STORE_MIGRATIONS } from "../../../src/persistent/migrations/store-migrations.ts";
import type { Log } from "../../../src/runtime.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { MIGRATION_POOL, migrate, placeOf } from "../../../src/sql/migrations/migrate.ts";
import type { Migration } from "../../../src/sql/migrations/migration.ts";
import { readState } from "../../../src/sql/migrations/state.ts";
import { numberOf } from "../../../src/sql/row-values.ts";
import { compileProgram } from "../../compile-program.ts";
import { Opener, onEveryDatabase, type Place, surroundings } from "../fixture.ts";
import { startMigrator } from "./migrating-processes.ts";
import { sampleMigrations } from "./sample-migrations.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let folder = "";
let program = "";
beforeAll(async () => {
  folder = await mkdtemp(join(root, "node_modules/.skein-test-"));
  program = await compileProgram(folder, "test/sql/migrations/migrating-process.ts");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

onEveryDatabase((place) => {
  const opener = new Opener();
  rules(place, opener);
  processes(place, opener);
});

const open = (opener: Opener, url: string) => opener.open({ database: url, pool: MIGRATION_POOL });

function run(database: SqlDatabase, migrations: readonly Migration[], log?: Log) {
  const options = { database, migrations, prefix: "", ...surroundings, leaseMs: 1000 };
  return migrate(log === undefined ? options : { ...options, log });
}

function rules(place: Place, opener: Opener): void {
  test("all are applied once, in order, noted and logged; a second run does nothing", async () => {
    const database = await open(opener, await place.newDatabase());
    const lines: object[] = [];
    const log: Log = {
      debug() {},
      info: (fields, message) => lines.push({ ...fields, message }),
      warn() {},
      error() {},
    };
    const done = await run(database, sampleMigrations(), log);
    expect(done.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    const applied = { message: "Migrations applied", count: 4, version: 4 };
    expect(lines).toContainEqual(expect.objectContaining(applied));
    expect(await run(database, sampleMigrations(), log)).toEqual([]);
    expect(lines.filter((line) => "count" in line)).toHaveLength(1);
    await expectComplete(database, "");
  });

  test("the tables of the stores are made", async () => {
    const database = await open(opener, await place.newDatabase());
    await run(database, STORE_MIGRATIONS);
    for (const name of ["store", "item", "archive"]) {
      expect(await database.query(`select * from ${name}`)).toEqual([]);
    }
    const key = "k".repeat(1023);
    const text = "insert into item (store_id, user_name, item_key, value) values (1, ?, ?, ?)";
    await database.execute(text, [key, `${key.slice(1)}a`, "v"]);
    await database.execute(text, [key, `${key.slice(1)}b`, "v"]);
    const archived = (at: bigint) =>
      database.execute(
        `insert into archive (store_id, user_name, item_key, at_us, peer, value)
         values (1, ?, ?, ?, ?, ?)`,
        [key, `k${at}`, at, key, "v"],
      );
    await archived(2n ** 60n + 1n);
    await archived(2n ** 60n);
    const rows = await database.query("select at_us from archive order by sort_id");
    expect(rows.map((row) => row.at_us)).toEqual([2n ** 60n + 1n, 2n ** 60n]);
  });

  test("one that was edited after it was applied is refused by its name", async () => {
    const database = await open(opener, await place.newDatabase());
    await run(database, sampleMigrations());
    const refused = run(database, sampleMigrations(true));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNSUPPORTED" });
    await expect(refused).rejects.toThrow('migration 3 "sample_3" is not the one');
  });

  test("newer tables are used if the newer program says so, and refused if not", async () => {
    const database = await open(opener, await place.newDatabase());
    const [one, two, three, four] = sampleMigrations();
    if (!one || !two || !three || !four) throw new Error("four samples");
    await run(database, [one, two, { ...three, readableBy: 2 }]);
    const warnings: string[] = [];
    const log = { ...surroundings.log, warn: (_: object, text = "") => warnings.push(text) };
    expect(await run(database, [one, two], log)).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining("newer program")]);
    await run(database, [one, two, { ...three, readableBy: 2 }, { ...four, readableBy: 4 }]);
    await expect(run(database, [one, two])).rejects.toThrow('version 4 "sample_4"');
  });
}

function processes(place: Place, opener: Opener): void {
  test("of ten processes at once one applies each migration, and all end well", async () => {
    const url = await place.newDatabase();
    const migrators = await Promise.all(
      Array.from({ length: 10 }, () => startMigrator(program, [url, ""])),
    );
    for (const migrator of migrators) migrator.go();
    const answers = await Promise.all(migrators.map(({ answer }) => answer));
    expect(answers.map((answer) => answer?.error)).toEqual(new Array(10).fill(undefined));
    const applied = answers.flatMap((answer) => answer?.applied ?? []);
    expect(applied.sort()).toEqual([1, 2, 3, 4]);
    await expectComplete(await open(opener, url), "");
  });

  test("killed at six points, the next process completes it, and nothing is doubled", async () => {
    const url = await place.newDatabase();
    let killed = 0;
    for (let round = 0; round < 6; round++) {
      const prefix = `r${round}_`;
      const victim = await startMigrator(program, [url, prefix]);
      victim.go();
      const timer = setTimeout(() => victim.kill(), 20 + round * 25);
      if ((await victim.answer) === undefined) killed++;
      clearTimeout(timer);
      const next = await startMigrator(program, [url, prefix]);
      next.go();
      expect((await next.answer)?.error).toBe(undefined);
    }
    const database = await open(opener, url);
    for (let round = 0; round < 6; round++) await expectComplete(database, `r${round}_`);
    expect(killed).toBeGreaterThan(0);
  });
}

/** All four are noted and not dirty; tables have a row each, and indexes that are valid. */
async function expectComplete(database: SqlDatabase, prefix: string): Promise<void> {
  const at = placeOf({ database, prefix });
  const state = await readState(database, sampleMigrations(), at);
  expect(state.applied.map(({ version, isDirty }) => [version, isDirty])).toEqual(
    [1, 2, 3, 4].map((version) => [version, false]),
  );
  expect(state.pending).toEqual([]);
  for (const version of [1, 2, 3, 4]) {
    const rows = await database.query(`select id, n, body from ${prefix}t${version}`);
    expect(rows).toEqual([{ id: 1n, n: 1n, body: null }]);
  }
  const names = [1, 2, 3, 4].map((version) => `'${prefix}t${version}_n'`).join(", ");
  const [row] = await database.query(INDEX_COUNTS[database.dialect](names));
  expect(numberOf(row?.n)).toBe(4);
}

const INDEX_COUNTS = {
  postgres: (names: string) =>
    `select count(*) as n from pg_class join pg_index on pg_class.oid = indexrelid
     where relname in (${names}) and indisvalid`,
  cockroach: (names: string) => names,
  mysql: (names: string) =>
    `select count(*) as n from information_schema.statistics
     where table_schema = database() and index_name in (${names})`,
  sqlite: (names: string) =>
    `select count(*) as n from sqlite_master where type = 'index' and name in (${names})`,
};
