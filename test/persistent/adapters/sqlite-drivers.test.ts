/** Stores in SQLite by each of its drivers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { silentLog } from "../../../src/runtime.ts";
import { poolWithDefaults } from "../../../src/sql/pool-options.ts";
import { PooledDatabase } from "../../../src/sql/sql-database.ts";
import { SqliteDriver } from "../../../src/sql/sqlite/sqlite-driver.ts";
import type { SqliteDriverName } from "../../../src/sql/sqlite/sqlite-package.ts";
import { loadForTests, withSqliteDrivers } from "../../sql/sqlite-packages.ts";
import { makeStoreTables } from "../databases.ts";
import { adapterSuite } from "./suite.ts";

withSqliteDrivers((name) => {
  describe("the adapter sql", () => {
    const folder = mkdtempSync(join(tmpdir(), "skein-sqlite-drivers-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "stores.db");
    const open = () => openDatabase(path, name);
    beforeAll(async () => {
      const database = await open();
      await makeStoreTables(database);
      await database.close();
    });
    adapterSuite("sql", {
      make: async () => {
        const made = async () => {
          const adapter = new SqlAdapter({ open, clock: systemClock });
          await adapter.open();
          return adapter;
        };
        let adapter = await made();
        return {
          get adapter() {
            return adapter;
          },
          async restart() {
            await adapter.close();
            adapter = await made();
          },
        };
      },
      rounds: 20,
    });
  });
});

async function openDatabase(path: string, name: SqliteDriverName): Promise<PooledDatabase> {
  const defer = (fn: () => void) => systemClock.defer(fn);
  const driver = new SqliteDriver({ path, name, load: loadForTests, defer });
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  const database = new PooledDatabase({ driver, pool: poolWithDefaults({}), ...surroundings });
  await database.open();
  return database;
}
