/** The same tests on SQLite, PostgreSQL and MariaDB: a fresh database each, closed at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import {
  STORE_MIGRATIONS,
  STORE_PREFIX,
} from "../../src/persistent/migrations/store-migrations.ts";
import { silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { migrate } from "../../src/sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { withServer } from "../servers/server.ts";

/** A database of a test's own. */
export interface TestDatabase {
  readonly name: "SQLite" | "PostgreSQL" | "MariaDB";
  /** Opens it, once more each time: as another process would. Closed after the last test. */
  open(): Promise<SqlDatabase>;
  /** Where another one is, empty, for programs that open it themselves. */
  newUrl(): Promise<string>;
}

/** Makes the tables of the stores as a program does when it starts. */
export async function makeStoreTables(database: SqlDatabase, prefix = STORE_PREFIX): Promise<void> {
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  await migrate({ database, migrations: STORE_MIGRATIONS, prefix, ...surroundings });
}

/** Registers the tests for each of the three. */
export function onEachDatabase(title: string, tests: (database: TestDatabase) => void): void {
  describe(`${title} on SQLite`, () => {
    const folder = mkdtempSync(join(tmpdir(), "skein-stores-"));
    const at = (file: string) => `sqlite:${join(folder, file)}`;
    let files = 0;
    tests(
      closing(
        "SQLite",
        async () => at("stores.db"),
        async () => at(`${files++}.db`),
      ),
    );
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
  });
  for (const kind of [postgres, mariadb]) {
    withServer(kind, `${title} on ${kind.name}`, (server) => {
      let url: Promise<string> | undefined;
      const name = kind === postgres ? "PostgreSQL" : "MariaDB";
      tests(
        closing(
          name,
          () => {
            url ??= server().newDatabase();
            return url;
          },
          () => server().newDatabase(),
        ),
      );
    });
  }
}

function closing(
  name: TestDatabase["name"],
  url: () => Promise<string>,
  newUrl: () => Promise<string>,
): TestDatabase {
  const opened: SqlDatabase[] = [];
  afterAll(async () => {
    for (const database of opened) await database.close();
  });
  return {
    name,
    newUrl,
    async open() {
      const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
      const database = await openSqlDatabase({ database: await url() }, surroundings);
      opened.push(database);
      return database;
    },
  };
}
