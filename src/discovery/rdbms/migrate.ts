/**
 * Brings the tables of discovery up to date, whoever else is doing the same at this moment.
 * Kysely's migrator does the work; the lock is ours, as it has none on SQLite, and one that
 * belongs to the session on PostgreSQL, which a pooler in transaction mode would lose.
 */
import { type Migration, Migrator, sql } from "kysely";
import { UnsupportedError } from "../../errors.ts";
import type { DatabaseTraits, Executor } from "./database.ts";
import type { TableNames } from "./migrations.ts";
import { transact } from "./transact.ts";

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
    const { rows } = await sql<{ name: string }>`
      select name from ${sql.table(names.migration)}`.execute(executor);
    const applied = new Set(rows.map((row) => row.name));
    return Object.keys(migrations).some((name) => !applied.has(name));
  } catch (error) {
    if (traits.isMissingTable(error)) return true;
    throw error;
  }
}

async function runMigrator(options: MigrateOptions): Promise<void> {
  const { executor, traits, names, migrations } = options;
  const schema = traits.schemas ? await currentSchema(executor) : undefined;
  const migrator = new Migrator({
    db: executor,
    provider: { getMigrations: async () => migrations },
    migrationTableName: names.migration,
    migrationLockTableName: names.migrationLock,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
    disableTransactions: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  await checkColumns(executor, names);
}

/** The schema in which CREATE TABLE makes tables. Kysely would look into all of them. */
async function currentSchema(executor: Executor): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`
    select current_schema() as schema`.execute(executor);
  const schema = rows[0]?.schema;
  if (schema == null) {
    throw new UnsupportedError(
      "no schema of the search_path exists; create one, or set the search_path of the role",
    );
  }
  return schema;
}

/** A table of that name may have been there before, made by somebody else. */
async function checkColumns(executor: Executor, names: TableNames): Promise<void> {
  try {
    await sql`select cluster_name, node_name, node_num, address, updated_timestamp, incarnation,
      protocol_min, protocol_max, state from ${sql.table(names.nodes)} where 1 = 0`.execute(
      executor,
    );
    await sql`select cluster_name, next_origin from ${sql.table(names.counter)}
      where 1 = 0`.execute(executor);
  } catch (error) {
    throw new UnsupportedError(
      `a table ${names.nodes} or ${names.counter} exists that is not of this program; ` +
        "choose another tableOptions.prefix",
      { cause: error },
    );
  }
}
