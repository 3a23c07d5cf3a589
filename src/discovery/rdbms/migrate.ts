/**
 * Brings the tables of discovery up to date, whoever else is doing the same at this moment.
 * Kysely's migrator does the work; the lock is ours, as it has none on SQLite, and one that
 * belongs to the session on PostgreSQL, which a pooler in transaction mode would lose.
 */
import { type Migration, Migrator, sql } from "kysely";
import type { DatabaseTraits, Executor } from "./database.ts";
import type { TableNames } from "./migrations.ts";
import { perform, transact } from "./transact.ts";

/** Any number will do that nobody else uses in the same database. */
const ADVISORY_LOCK = 7_308_332_171;

export interface MigrateOptions {
  readonly executor: Executor;
  readonly traits: DatabaseTraits;
  readonly names: TableNames;
  readonly migrations: Record<string, Migration>;
}

/**
 * Applies what is missing. Does nothing but one read if nothing is, so that a node of an older
 * version still starts when a newer one has already added to the tables.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { executor, traits } = options;
  if (!(await isPending(options))) return;
  if (traits.migrationLock === "transaction" || traits.migrationLock === "advisory") {
    await transact(executor, traits, async (connection) => {
      if (traits.migrationLock === "advisory") {
        await sql`select pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK)})`.execute(connection);
      }
      await runMigrator({ ...options, executor: connection });
    });
  } else {
    await runMigrator(options);
  }
}

async function isPending(options: MigrateOptions): Promise<boolean> {
  const { executor, traits, names, migrations } = options;
  try {
    const { rows } = await perform(executor, traits, (connection) =>
      sql<{ name: string }>`select name from ${sql.table(names.migration)}`.execute(connection),
    );
    const applied = new Set(rows.map((row) => row.name));
    return Object.keys(migrations).some((name) => !applied.has(name));
  } catch (error) {
    if (traits.isMissingTable(error)) return true;
    throw error;
  }
}

async function runMigrator(options: MigrateOptions): Promise<void> {
  const { executor, traits, names, migrations } = options;
  await makeMigrationTables(executor, names, traits);
  const migrator = new Migrator({
    db: executor,
    provider: { getMigrations: async () => migrations },
    migrationTableName: names.migration,
    migrationLockTableName: names.migrationLock,
    disableTransactions: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/**
 * Kysely would make these itself, but takes tables of that name in other schemas for its own,
 * and looks again when it fails, which hides the reason if the failure ended the transaction.
 */
async function makeMigrationTables(
  executor: Executor,
  names: TableNames,
  traits: DatabaseTraits,
): Promise<void> {
  const tail = sql.raw(traits.createTableTail);
  await sql`create table if not exists ${sql.table(names.migration)} (
    name varchar(255) not null primary key, timestamp varchar(255) not null
  ) ${tail}`.execute(executor);
  await sql`create table if not exists ${sql.table(names.migrationLock)} (
    id varchar(255) not null primary key, is_locked integer default 0 not null
  ) ${tail}`.execute(executor);
}
