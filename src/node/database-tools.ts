/** What the commands do with databases: migrate them, report on them, make them, examine them. */
import { totalmem } from "node:os";
import { InvalidOptionsError } from "../errors.ts";
import type { SqlConnectionSettings } from "../persistent/config/configuration.ts";
import { migrateConfigured, openForMigrating } from "../persistent/config/open-database.ts";
import { readConfiguration } from "../persistent/config/read-configuration.ts";
import { isTable } from "../persistent/config/table-reader.ts";
import { examine } from "../persistent/doctor/examine.ts";
import type { Finding } from "../persistent/doctor/finding.ts";
import { STORE_MIGRATIONS, STORE_PREFIX } from "../persistent/migrations/store-migrations.ts";
import type { Clock, Log } from "../runtime.ts";
import { silentLog } from "../runtime.ts";
import { createDatabase } from "../sql/create-database.ts";
import type { SqlDialect } from "../sql/dialect.ts";
import type { DoneMigration } from "../sql/migrations/migrate.ts";
import { placeOf } from "../sql/migrations/migrate.ts";
import { textOfMigration } from "../sql/migrations/migration.ts";
import { type ReportedMigration, reportMigrations, schemaText } from "../sql/migrations/report.ts";
import { openSqlDatabase } from "../sql/open.ts";
import { systemClock, systemRandom } from "./system.ts";

export type { SqlConnectionSettings } from "../persistent/config/configuration.ts";
export type { Finding } from "../persistent/doctor/finding.ts";
export type { DoneMigration } from "../sql/migrations/migrate.ts";
export type { ReportedMigration } from "../sql/migrations/report.ts";

/** A command has nothing else that would keep its process alive while it waits. */
const waitingClock: Clock = {
  ...systemClock,
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Where the databases are told. */
export interface DatabaseSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  /** The table `persistent` of a file; undefined if there is no file. */
  readonly table?: unknown;
  readonly url?: string;
  /** Of the connections in the file this one only. */
  readonly connection?: string;
}

/** A database by the name of its connection. */
export interface NamedDatabase {
  readonly name: string;
  readonly settings: SqlConnectionSettings;
}

/** The SQL databases of the configuration, or the one of the URL or of DATABASE_URL. */
export async function findDatabases(source: DatabaseSource): Promise<readonly NamedDatabase[]> {
  const { table, url, connection } = source;
  if (table !== undefined && url !== undefined) {
    throw new InvalidOptionsError("skein", ["give a URL or a file, not both"]);
  }
  const alone = url === undefined ? {} : { url };
  const input = table ?? { storage: "sql", connections: { sql: { adapter: "sql", ...alone } } };
  const { connections } = await readConfiguration(input, source);
  const found: NamedDatabase[] = [];
  for (const [name, settings] of connections) {
    if (settings.adapter !== "sql" || (connection !== undefined && name !== connection)) continue;
    found.push({ name, settings });
  }
  if (found.length > 0) return found;
  const which = connection === undefined ? "" : ` of the name "${connection}"`;
  throw new InvalidOptionsError("skein", [`the configuration has no SQL connection${which}`]);
}

/** The state of the tables in one database. */
export interface MigrationReport {
  readonly database: string;
  readonly product: string;
  readonly version: string;
  readonly pooler: string;
  readonly migrations: readonly ReportedMigration[];
}

/** Applies what is missing; gives what this call applied. */
export function migrateDatabase(
  { settings }: NamedDatabase,
  log: Log = silentLog,
): Promise<readonly DoneMigration[]> {
  return migrateConfigured(settings, { clock: waitingClock, random: systemRandom, log });
}

/** Reads only. */
export function reportOn(named: NamedDatabase): Promise<MigrationReport> {
  return withDatabase(named, async (database) => {
    const { product, version, pooler } = database.server;
    const prefix = named.settings.tablePrefix;
    const migrations = await reportMigrations(database, STORE_MIGRATIONS, prefix);
    return { database: database.subject, product, version, pooler, migrations };
  });
}

/** The statements that `migrateDatabase` would run. */
export function pendingText(named: NamedDatabase): Promise<string> {
  return withDatabase(named, async (database) => {
    const prefix = named.settings.tablePrefix;
    const report = await reportMigrations(database, STORE_MIGRATIONS, prefix);
    const open = new Set(
      report.filter(({ state }) => state === "pending" || state === "begun").map((m) => m.version),
    );
    const at = placeOf({ database, prefix });
    return STORE_MIGRATIONS.filter(({ version }) => open.has(version))
      .map((each) => `-- ${each.version} ${each.name}\n${textOfMigration(each, at)}`)
      .join("\n");
  });
}

/** All statements for an empty database of a dialect. */
export function schemaOf(dialect: SqlDialect, prefix = STORE_PREFIX): string {
  return schemaText(dialect, STORE_MIGRATIONS, prefix);
}

/** Makes the database if it is not there. */
export function makeDatabase({ settings }: NamedDatabase) {
  return createDatabase(settings.target, surroundings());
}

/**
 * The table of a node's stores, so that databases whose migrations are missing are refused. The
 * connection "sql" need not be described where DATABASE_URL is set: then it is, by this.
 */
export function refusingMigrations(
  table: unknown,
  env: Readonly<Record<string, string | undefined>>,
): unknown {
  if (!isTable(table)) return table;
  const { connections: given = {}, storage, default_storage: rest, hosts } = table;
  if (!isTable(given)) return table;
  const connections: Record<string, unknown> = { ...given };
  const isByEnvironment = !Object.hasOwn(given, "sql") && (env.DATABASE_URL ?? "") !== "";
  if (isByEnvironment && namesSql([storage, rest, hosts])) connections.sql = { adapter: "sql" };
  for (const [name, settings] of Object.entries(connections)) {
    if (!isTable(settings)) continue;
    const { adapter = ["file", "internal", "redis"].includes(name) ? name : "sql" } = settings;
    if (adapter === "sql") connections[name] = { ...settings, migrate: "refuse" };
  }
  return { ...table, connections };
}

/** Whether some value, at any depth of the few that there are, names the connection "sql". */
function namesSql(value: unknown): boolean {
  if (value === "sql") return true;
  if (Array.isArray(value)) return value.some(namesSql);
  return isTable(value) && Object.values(value).some(namesSql);
}

/** Examines a database; memory is compared only for a server on this host. */
export function examineDatabase(
  named: NamedDatabase,
  processes: number,
): Promise<readonly Finding[]> {
  const { settings } = named;
  const { target } = settings;
  const isHere = target.dialect !== "sqlite" && /^(?:\/|localhost$|127\.|::1$)/.test(target.host);
  return examine({
    settings,
    processes,
    clock: waitingClock,
    open: () => {
      const { target: database, pooler, applicationName } = settings;
      const pool = { ...settings.pool, max: 2, min: 0 };
      const options = { database, pool, applicationName };
      return openSqlDatabase(
        pooler === undefined ? options : { ...options, pooler },
        surroundings(),
      );
    },
    ...(isHere ? { memoryBytes: totalmem() } : {}),
  });
}

async function withDatabase<T>(
  { settings }: NamedDatabase,
  work: (database: Awaited<ReturnType<typeof openForMigrating>>) => Promise<T>,
): Promise<T> {
  const database = await openForMigrating(settings, surroundings());
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function surroundings() {
  return { clock: waitingClock, random: systemRandom, log: silentLog };
}
