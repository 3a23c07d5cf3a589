/** Makes SQL adapters from a configuration: brings the tables up to date, then opens the pool. */
import { InvalidOptionsError } from "../../../errors.ts";
import { MIGRATION_POOL, migrate } from "../../../sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../../sql/open.ts";
import { type PoolOptions, poolFaults } from "../../../sql/pool-options.ts";
import { parseDatabaseUrl } from "../../../sql/target.ts";
import { STORE_MIGRATIONS, STORE_PREFIX } from "../../migrations/store-migrations.ts";
import { type AdapterEnvironment, checkNames } from "../adapter-factory.ts";
import { SqlAdapter } from "./sql-adapter.ts";

/** Options of the adapter "sql". */
export interface SqlOptions {
  /** "sqlite:PATH", "postgres://…", "mysql://…", "mariadb://…", "cockroachdb://…". */
  readonly url?: string;
  /** What the names of the tables begin with. Default "skein_". */
  readonly tablePrefix?: string;
  /** Whether the tables are brought up to date when it is opened. Default true. */
  readonly migrate?: boolean;
  readonly pool?: PoolOptions;
}

const KNOWN = ["url", "tablePrefix", "migrate", "pool"];

/** @throws InvalidOptionsError, which never has the password */
export function sqlAdapter(options: SqlOptions, environment: AdapterEnvironment): SqlAdapter {
  checkNames("sql", options, KNOWN);
  const { url, tablePrefix = STORE_PREFIX, pool = {} } = options;
  const { target, faults } = parseDatabaseUrl(url);
  const all = [...faults, ...poolFaults(pool)];
  if (target === undefined || all.length > 0) throw new InvalidOptionsError("sql", all);
  return new SqlAdapter({
    clock: environment.clock,
    tablePrefix,
    async open() {
      if (options.migrate ?? true) {
        const database = await openSqlDatabase(
          { database: target, pool: MIGRATION_POOL },
          environment,
        );
        const migrations = STORE_MIGRATIONS;
        try {
          await migrate({ database, migrations, prefix: tablePrefix, ...environment });
        } finally {
          await database.close();
        }
      }
      return openSqlDatabase({ database: target, pool }, environment);
    },
  });
}
