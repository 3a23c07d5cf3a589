/** A process of its own: waits for a byte on its input, migrates, and prints what it did. */
import { silentLog } from "../../../src/runtime.ts";
import { MIGRATION_POOL, migrate } from "../../../src/sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { realClock, realRandom } from "../../discovery/clocks.ts";
import { sampleMigrations } from "./sample-migrations.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const surroundings = { clock: realClock, random: realRandom, log: silentLog };
process.stdout.write("ready\n");
process.stdin.once("data", async () => {
  const answer = await run().catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  process.stdin.destroy();
});

async function run(): Promise<object> {
  const database = await openSqlDatabase({ database: url, pool: MIGRATION_POOL }, surroundings);
  try {
    const migrations = sampleMigrations();
    const done = await migrate({ database, migrations, prefix, ...surroundings, leaseMs: 1000 });
    return { applied: done.map(({ version }) => version) };
  } finally {
    await database.close();
  }
}
