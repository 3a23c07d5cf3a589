/** The process that is killed: copies or moves stores, and says when it begins. */
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { SqlAdapter } from "../../src/persistent/adapters/sql/sql-adapter.ts";
import { copyStores } from "../../src/persistent/move/copy.ts";
import { settleStore } from "../../src/persistent/move/settle.ts";
import { silentLog } from "../../src/runtime.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { LEASE_MS, PLACES, type Task } from "./place-names.ts";

const BUDGET = { timeoutMs: 20_000, signal: undefined };

async function main(task: Task): Promise<void> {
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  const database = await openSqlDatabase({ database: task.url }, surroundings);
  const adapter = async (tablePrefix: string) => {
    const open = async () => database;
    const made = new SqlAdapter({ open, release: async () => {}, clock: systemClock, tablePrefix });
    await made.open();
    return made;
  };
  try {
    const from = await adapter(task.fromPrefix);
    const to = await adapter(task.toPrefix);
    process.send?.("begun");
    if (task.work === "copy") {
      await copyStores({
        from,
        to,
        sourceName: "source",
        stores: PLACES.map(({ store }) => store),
      });
    } else {
      for (const place of PLACES) {
        await settleStore({
          place,
          home: { connection: "new", adapter: to },
          others: [{ connection: "old", adapter: from }],
          holder: task.holder,
          mayMove: true,
          clock: systemClock,
          log: silentLog,
          budget: BUDGET,
          leaseMs: LEASE_MS,
        });
      }
    }
  } finally {
    await database.close();
    process.disconnect?.();
  }
}

// Whoever waits for a lease waits by a timer that keeps no process alive.
const alive = setInterval(() => undefined, 1_000);
main(JSON.parse(process.argv[2] ?? "{}"))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => clearInterval(alive));
