/**
 * Opens an SQL database of the configuration: connects, brings the tables up to date or refuses
 * to go on without that, and warns of a pool that the server cannot feed.
 */
import { UnsupportedError } from "../../errors.ts";
import { budgetFault, connectionBudget } from "../../sql/budget.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import { MIGRATION_POOL, migrate, placeOf } from "../../sql/migrations/migrate.ts";
import { readState, refuseForeign } from "../../sql/migrations/state.ts";
import { openSqlDatabase, type SqlSurroundings } from "../../sql/open.ts";
import { POOL_DEFAULTS } from "../../sql/pool-options.ts";
import { STORE_MIGRATIONS } from "../migrations/store-migrations.ts";
import type { SqlConnectionSettings } from "./configuration.ts";

/** What may differ from the settings. */
export interface OpenDatabaseOptions {
  /** Instead of what the settings say. */
  readonly migrate?: SqlConnectionSettings["migrate"];
  /** Processes that open such a pool, for the check against the server's limit. Default 1. */
  readonly processes?: number;
}

/** @throws UnsupportedError if migrations are missing and `migrate` is "refuse" */
export async function openConfiguredDatabase(
  settings: SqlConnectionSettings,
  surroundings: SqlSurroundings,
  options: OpenDatabaseOptions = {},
): Promise<SqlDatabase> {
  const { target, pool, applicationName, pooler } = settings;
  const database = await openSqlDatabase(
    { database: target, pool, applicationName, ...(pooler === undefined ? {} : { pooler }) },
    surroundings,
  );
  try {
    const { product, version, pooler: found } = database.server;
    const fields = { database: database.subject, product, version, pooler: found };
    surroundings.log.info(fields, "Database connected");
    const poolMax = pool.max ?? POOL_DEFAULTS.max;
    const budget = await connectionBudget(database);
    const fault = budgetFault(budget, { poolMax, processes: options.processes ?? 1 });
    if (fault !== undefined)
      surroundings.log.warn({ database: database.subject, ...budget }, fault);
    if ((options.migrate ?? settings.migrate) === "auto") {
      await migrateConfigured(settings, surroundings);
    } else await refusePending(settings, database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Migrates by a connection of its own, which has the time that a large table needs. */
export async function migrateConfigured(
  settings: SqlConnectionSettings,
  surroundings: SqlSurroundings,
) {
  const database = await openForMigrating(settings, surroundings);
  try {
    const { tablePrefix: prefix } = settings;
    return await migrate({ database, migrations: STORE_MIGRATIONS, prefix, ...surroundings });
  } finally {
    await database.close();
  }
}

/** By `migration_url` if there is one. */
export function openForMigrating(
  settings: SqlConnectionSettings,
  surroundings: SqlSurroundings,
): Promise<SqlDatabase> {
  const { target, migrationTarget, applicationName, pooler } = settings;
  return openSqlDatabase(
    {
      database: migrationTarget ?? target,
      pool: MIGRATION_POOL,
      applicationName: `${applicationName}-migrate`,
      ...(pooler === undefined || migrationTarget !== undefined ? {} : { pooler }),
    },
    surroundings,
  );
}

async function refusePending(settings: SqlConnectionSettings, database: SqlDatabase) {
  const at = placeOf({ database, prefix: settings.tablePrefix });
  const state = await readState(database, STORE_MIGRATIONS, at);
  refuseForeign(database.subject, state, STORE_MIGRATIONS, at);
  if (state.pending.length === 0) return;
  const names = state.pending.map(({ version, name }) => `${version} "${name}"`).join(", ");
  throw new UnsupportedError(
    `${database.subject}: migrations are missing: ${names}; run skein migrate, or start without ` +
      "--no-migrate",
  );
}
