/** A look at a database past everything that stores know of it. */
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";

/** Opens it, for `work` alone. */
export async function withDatabase<T>(
  url: string,
  work: (database: SqlDatabase) => Promise<T>,
): Promise<T> {
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  const database = await openSqlDatabase({ database: url, pool: { max: 1, min: 0 } }, surroundings);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
