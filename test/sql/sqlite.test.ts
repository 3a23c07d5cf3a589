/** What each of SQLite's drivers must do below the layer of SQL. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { MissingDriverError } from "../../src/errors.ts";
import type { SqlRow, SqlValue } from "../../src/sql/dialect.ts";
import type { SqliteConnection } from "../../src/sql/sqlite/sqlite-connection.ts";
import { SqliteDriver } from "../../src/sql/sqlite/sqlite-driver.ts";
import {
  loadSqlite,
  SQLITE_DRIVERS,
  type SqliteDriverName,
} from "../../src/sql/sqlite/sqlite-package.ts";
import { sqliteTraits } from "../../src/sql/sqlite/sqlite-traits.ts";
import { Statements } from "../../src/sql/statement.ts";
import { loadForTests, withSqliteDrivers } from "./sqlite-packages.ts";

const folder = mkdtempSync(join(tmpdir(), "skein-sqlite-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const statements = new Statements({ numbered: false });
const open: SqliteConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});

async function connect(
  file: string,
  name: SqliteDriverName,
  deferred: () => void = () => undefined,
): Promise<SqliteConnection> {
  const path = join(folder, file);
  const defer = (fn: () => void) => {
    deferred();
    fn();
  };
  const driver = new SqliteDriver({ path, name, load: loadForTests, defer });
  const connection = await driver.connect("write");
  open.push(connection);
  return connection;
}

function run(
  connection: SqliteConnection,
  text: string,
  params?: readonly SqlValue[],
): readonly SqlRow[] {
  let outcome: { readonly error: unknown; readonly rows: readonly SqlRow[] } | undefined;
  connection.run(statements.of(text), params, (error, rows) => {
    outcome = { error, rows };
  });
  if (outcome === undefined) throw new Error("no answer");
  if (outcome.error !== undefined) throw outcome.error;
  return outcome.rows;
}

describe("a package that cannot be loaded", () => {
  test.each(SQLITE_DRIVERS)("is told with what to do: %s", async (name) => {
    const load = () => Promise.reject(new Error("Cannot find package"));
    const failure: unknown = await loadSqlite(name, load).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MissingDriverError);
    const { message } = failure instanceof Error ? failure : new Error();
    expect(message).toMatch(/npm install|needs Node\.js 22\.16/);
    for (const other of SQLITE_DRIVERS) expect(message).toContain(other);
    await expect(loadSqlite(name, async () => ({}))).rejects.toThrow(MissingDriverError);
  });

  test("leaves no file behind", async () => {
    const path = join(folder, "none.db");
    const load = () => Promise.reject(new Error("Cannot find package"));
    const driver = new SqliteDriver({ path, name: "better-sqlite3", load, defer: (fn) => fn() });
    await expect(driver.connect("write")).rejects.toThrow(/driver to libsql or node:sqlite/);
    expect(existsSync(path)).toBe(false);
  });
});

withSqliteDrivers((name) => rules(name));

function rules(driver: SqliteDriverName): void {
  const put =
    "insert into item values (?, ?) on conflict (name) do update set body = excluded.body";

  test("what goes in comes back, and faults have SQLite's names", async () => {
    const connection = await connect(`${driver.length}-values.db`, driver);
    run(connection, "create table item (name text primary key, number integer, bytes blob)");
    const insert = "insert into item values (?, ?, ?)";
    run(connection, insert, ["a", 2n ** 62n + 1n, new Uint8Array([0, 255])]);
    run(connection, insert, ["b", 7, null]);
    run(connection, insert, ["c", true, null]);
    const rows = run(connection, "select * from item order by name limit ?", [9]);
    expect(rows.map((row) => row.number)).toEqual([2n ** 62n + 1n, 7n, 1n]);
    expect(rows[0]?.bytes).toBeInstanceOf(Uint8Array);
    expect([...Buffer.from(rows[0]?.bytes instanceof Uint8Array ? rows[0].bytes : [])]).toEqual([
      0, 255,
    ]);
    const failing = (text: string, params?: readonly SqlValue[]): unknown => {
      try {
        return run(connection, text, params);
      } catch (error) {
        return error;
      }
    };
    expect(sqliteTraits.isDuplicate(failing(insert, ["a", 1n, null]))).toBe(true);
    expect(sqliteTraits.isMissingTable(failing("select * from nowhere where 1 = ?", [1n]))).toBe(
      true,
    );
    run(connection, "pragma query_only = ON");
    expect(sqliteTraits.isMissingRight(failing(insert, ["d", 1n, null]))).toBe(true);
  });

  test("readers and the writer have room for pages", async () => {
    const path = join(folder, `${driver.length}-room.db`);
    const opened = new SqliteDriver({
      path,
      name: driver,
      load: loadForTests,
      defer: (fn) => fn(),
    });
    for (const purpose of ["write", "read"] as const) {
      const connection = await opened.connect(purpose);
      open.push(connection);
      const [pages] = run(connection, "select cache_size from pragma_cache_size", []);
      expect(pages?.cache_size).toBe(-32768n);
    }
  });

  test("timers have their turn after much work, and not after each statement", async () => {
    let turns = 0;
    const writer = await connect(`${driver.length}-turns.db`, driver, () => turns++);
    run(writer, "create table item (name text primary key, body text)");
    for (let at = 0; at < 62; at++) run(writer, put, [`${at}`, "x"]);
    expect(turns).toBe(0);
    run(writer, put, ["a", "x"]);
    expect(turns).toBe(1);
    const many = `insert into item values ${new Array(256).fill("(?, ?)").join(", ")}`;
    run(
      writer,
      many,
      Array.from({ length: 512 }, (_, at) => `v${at}`),
    );
    expect(turns).toBe(2);
  });

  const busy = "a write that finds the file busy holds on to no view of the data: %s";
  test.each([put, `${put} returning name`])(busy, async (text) => {
    const name = `${driver.length}-${text.length}.db`;
    const [mine, theirs] = [await connect(name, driver), await connect(name, driver)];
    run(mine, "create table item (name text primary key, body text)");
    run(theirs, "begin immediate");
    run(theirs, put, ["a", "1"]);
    let failure: unknown;
    try {
      run(mine, text, ["b", "1"]);
    } catch (error) {
      failure = error;
    }
    expect(sqliteTraits.isTransient(failure)).toBe(true);
    run(theirs, "commit");
    run(theirs, put, ["a", "2"]);
    // Not one row of the write in vain, and what the other has written meanwhile.
    const all = "select name, body from item order by name limit ?";
    expect(run(mine, all, [9n])).toEqual([{ name: "a", body: "2" }]);
    run(theirs, put, ["a", "3"]);
    expect(run(mine, all, [9n])).toEqual([{ name: "a", body: "3" }]);
    run(mine, text, ["b", "2"]);
    expect(run(theirs, all, [9n])).toHaveLength(2);
  });
}
