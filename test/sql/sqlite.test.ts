/** What is particular to a file of SQLite's: a write that finds it busy leaves no trace. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { SqlRow, SqlValue } from "../../src/sql/dialect.ts";
import type { SqliteConnection } from "../../src/sql/sqlite/sqlite-connection.ts";
import { SqliteDriver } from "../../src/sql/sqlite/sqlite-driver.ts";
import { sqliteTraits } from "../../src/sql/sqlite/sqlite-traits.ts";
import { Statements } from "../../src/sql/statement.ts";

const folder = mkdtempSync(join(tmpdir(), "skein-sqlite-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const statements = new Statements({ numbered: false });
const open: SqliteConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});

async function connect(name: string): Promise<SqliteConnection> {
  const driver = new SqliteDriver({ path: join(folder, name), defer: (fn) => fn() });
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

describe("a write that finds the file busy", () => {
  const put =
    "insert into item values (?, ?) on conflict (name) do update set body = excluded.body";
  test.each([put, `${put} returning name`])("holds on to no view of the data: %s", async (text) => {
    const name = `${text.length}.db`;
    const [mine, theirs] = [await connect(name), await connect(name)];
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
});
