/** Databases for the tests of the SQL layer: real ones, opened as stores open them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe } from "vitest";
import { type Log, silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { type OpenOptions, openSqlDatabase } from "../../src/sql/open.ts";
import { realClock, realRandom } from "../discovery/clocks.ts";
import { mariadb } from "../servers/mariadb.ts";
import { pgbouncer } from "../servers/pgbouncer.ts";
import { postgres } from "../servers/postgres.ts";
import { withServer } from "../servers/server.ts";

/** What a test needs of the outside world. */
export const surroundings = { clock: realClock, random: realRandom, log: silentLog };

/** Where databases come from. */
export interface Place {
  /** The URL of an empty database. */
  newDatabase(): Promise<string>;
}

/** Opens databases that are closed after the test. */
export class Opener {
  readonly #open: SqlDatabase[] = [];

  constructor() {
    afterEach(async () => {
      await Promise.all(this.#open.splice(0).map((database) => database.close()));
    });
  }

  async open(options: OpenOptions, log: Log = silentLog): Promise<SqlDatabase> {
    const database = await openSqlDatabase(options, { ...surroundings, log });
    this.#open.push(database);
    return database;
  }
}

/** The same tests on each kind of database that is to be had. */
export function onEveryDatabase(tests: (place: Place) => void): void {
  describe("SQLite", () => {
    const folder = mkdtempSync(join(tmpdir(), "skein-sql-"));
    let count = 0;
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    tests({ newDatabase: async () => `sqlite:${join(folder, `${count++}.db`)}` });
  });
  onEveryServer(tests);
}

/** On those where several write at a time. */
export function onEveryServer(tests: (place: Place) => void): void {
  withServer(postgres, "PostgreSQL", (server) => {
    tests({ newDatabase: () => server().newDatabase() });
  });
  withServer(mariadb, "MariaDB", (server) => tests({ newDatabase: () => server().newDatabase() }));
  withServer(pgbouncer("transaction"), "PgBouncer in transaction mode", (server) => {
    tests({ newDatabase: () => server().newDatabase() });
  });
}

/** Waits for a condition, for half a minute at most. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!(await isTrue())) {
    if (performance.now() > limit) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
