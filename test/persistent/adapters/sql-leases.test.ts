/** Leases in SQL databases: one holder at a time, by the database's clock. */
import { beforeAll } from "vitest";
import { systemClock } from "../../../src/node/system.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";
import { leasesSuite } from "./leases-suite.ts";

onEachDatabase("leases", (database) => {
  const adapters: SqlAdapter[] = [];
  const leases = (process: number) => {
    const adapter = adapters[process];
    if (!adapter) throw new Error("no such process");
    return adapter.leases;
  };

  beforeAll(async () => {
    await makeStoreTables(await database.open());
    for (let process = 0; process < 3; process++) {
      const adapter = new SqlAdapter({ open: () => database.open(), clock: systemClock });
      await adapter.open();
      adapters.push(adapter);
    }
  });

  leasesSuite(leases);
});
