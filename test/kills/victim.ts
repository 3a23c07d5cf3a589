/**
 * The process that is killed, or ends what another one was killed at: waits for a task, does it,
 * says so, and waits for the next one. It keeps nothing from task to task.
 */
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { SqlAdapter } from "../../src/persistent/adapters/sql/sql-adapter.ts";
import { copyStores } from "../../src/persistent/move/copy.ts";
import { settleStore } from "../../src/persistent/move/settle.ts";
import { silentLog } from "../../src/runtime.ts";
import type { SqlDatabase } from "../../src/sql/database.ts";
import { MIGRATION_POOL, migrate } from "../../src/sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../src/sql/open.ts";
import { migrationsOf } from "./made-migrations.ts";
import { type Answer, PLACES, type Task } from "./place-names.ts";

const BUDGET = { timeoutMs: 20_000, signal: undefined };
const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };

/** What is tried is what becomes of the data, not how soon a busy machine answers. */
const PATIENCE = { acquireMs: 45_000, connectMs: 45_000 };

async function run(task: Task): Promise<void> {
  const pool = task.work === "migration" ? { ...MIGRATION_POOL, ...PATIENCE } : PATIENCE;
  const database = await openSqlDatabase({ database: task.url, pool }, SURROUNDINGS);
  try {
    if (task.work === "migration") {
      tell("begun");
      const migrations = migrationsOf();
      await migrate({ database, migrations, prefix: task.toPrefix, ...SURROUNDINGS });
    } else await carry(task, database);
  } finally {
    await database.close();
  }
}

async function carry(task: Task, database: SqlDatabase): Promise<void> {
  const adapter = async (tablePrefix: string) => {
    const open = async () => database;
    const made = new SqlAdapter({ open, release: async () => {}, clock: systemClock, tablePrefix });
    await made.open();
    return made;
  };
  const from = await adapter(task.fromPrefix);
  const to = await adapter(task.toPrefix);
  tell("begun");
  if (task.work === "copy") {
    await copyStores({ from, to, sourceName: "source" });
    return;
  }
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
    });
  }
}

function tell(answer: Answer): void {
  process.send?.(answer);
}

process.on("message", (task: Task) => {
  run(task).then(
    () => tell({ done: true }),
    (error: unknown) => tell({ done: true, error: String(error) }),
  );
});
tell("ready");
