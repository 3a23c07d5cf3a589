/** Reads `connections.NAME`. */
import { type PoolOptions, poolFaults } from "../../sql/pool-options.ts";
import { SQLITE_DRIVERS, type SqliteDriverName } from "../../sql/sqlite/sqlite-package.ts";
import {
  type DatabaseTarget,
  parseDatabaseUrl,
  type ServerTarget,
  TLS_MODES,
} from "../../sql/target.ts";
import { EPHEMERAL_PREFIX } from "../ephemeral/ephemeral-adapter.ts";
import { STORE_PREFIX, TABLE_PREFIX } from "../migrations/store-migrations.ts";
import type { ConnectionSettings, SqlConnectionSettings } from "./configuration.ts";
import { connectionKeys, PARAMETER_KEYS, POOL_KEYS } from "./keys.ts";
import { type ConfigurationSources, isTable, kindOf, TableReader } from "./table-reader.ts";

const PLAIN = ["memory", "none", "null"] as const;
const ADAPTERS = ["sql", "file", "internal", "redis", ...PLAIN] as const;
const DIALECTS = ["postgres", "mysql", "mariadb", "cockroach", "sqlite"] as const;
const PORTS = { postgres: 5432, mysql: 3306, mariadb: 3306, cockroach: 26257 } as const;
const OF_FILES: readonly string[] = ["adapter", "folder"];
const OF_REDIS: readonly string[] = [
  ...["adapter", "url", "url_file", "url_env", "cluster", "prefix", "ephemeral_prefix"],
];
const NOT_OF_SQL: readonly string[] = ["folder", "cluster", "prefix"];

/** Undefined if there are faults, which are added to those of the reader. */
export async function readConnection(
  name: string,
  table: TableReader,
  sources: ConfigurationSources,
): Promise<ConnectionSettings | undefined> {
  const factory = foreign(name, table, sources);
  if (factory !== undefined) {
    return { adapter: "foreign", factory, options: table.rest(["adapter"]) };
  }
  table.allow(connectionKeys());
  const before = table.faults.length;
  const adapter =
    table.oneOf("adapter", ADAPTERS) ?? ADAPTERS.find((each) => each === name) ?? "sql";
  const settings = await readAdapter(adapter, table, sources);
  return table.faults.length > before ? undefined : settings;
}

async function readAdapter(
  adapter: (typeof ADAPTERS)[number],
  table: TableReader,
  sources: ConfigurationSources,
): Promise<ConnectionSettings | undefined> {
  if (adapter === "sql") return readSql(table, sources);
  if (adapter === "redis") return readRedis(table, sources);
  if (adapter === "file" || adapter === "internal") return readFolder(table);
  refuseOthers(table, (key) => key === "adapter", adapter);
  return { adapter };
}

/** An adapter that a program has brought along, named or meant by the connection's own name. */
function foreign(name: string, table: TableReader, { adapters = [] }: ConfigurationSources) {
  const wanted = table.value("adapter") ?? name;
  return adapters.find((each) => each.name === wanted);
}

function readFolder(table: TableReader): ConnectionSettings | undefined {
  refuseOthers(table, (key) => OF_FILES.includes(key), "file");
  const folder = table.text("folder");
  if (folder !== undefined) return { adapter: "file", folder };
  if (!table.has("folder")) table.fault("folder", "is missing: the adapter file needs a folder");
  return undefined;
}

async function readRedis(
  table: TableReader,
  sources: ConfigurationSources,
): Promise<ConnectionSettings | undefined> {
  refuseOthers(table, (key) => OF_REDIS.includes(key), "redis");
  const prefix = table.text("prefix") ?? "skein:";
  const isCluster = table.value("cluster") ?? false;
  if (typeof isCluster !== "boolean") {
    table.fault("cluster", `is ${kindOf(isCluster)}, allowed are true and false`);
    return undefined;
  }
  const url = await table.secret("url", sources);
  if (url === undefined) {
    if (!hasSecret(table, "url")) table.fault("url", "is missing: the adapter redis needs one");
    return undefined;
  }
  if (!/^rediss?:\/\//.test(url)) {
    table.fault("url", "has no scheme of Redis's, allowed are redis:// and rediss://");
  }
  return { adapter: "redis", url, isCluster, prefix, ...readEphemeral(table) };
}

async function readSql(
  table: TableReader,
  sources: ConfigurationSources,
): Promise<SqlConnectionSettings | undefined> {
  refuseOthers(table, (key) => !NOT_OF_SQL.includes(key), "sql");
  const driver = table.oneOf("driver", SQLITE_DRIVERS);
  const target = withDriver(table, await readTarget(table, sources), driver);
  const migrationUrl = await table.secret("migration_url", sources);
  const migrationTarget =
    migrationUrl === undefined
      ? undefined
      : withDriver(table, targetOf(table, "migration_url", migrationUrl), driver);
  const pooler = table.oneOf("pooler", ["none", "session", "transaction"] as const);
  const tablePrefix = table.text("table_prefix") ?? STORE_PREFIX;
  if (!TABLE_PREFIX.test(tablePrefix)) {
    table.fault("table_prefix", "allowed are up to 40 of a-z, 0-9 and _, a digit not in front");
  }
  const settings = {
    adapter: "sql",
    pool: readPool(table),
    applicationName: table.text("application_name") ?? "skein",
    tablePrefix,
    migrate: table.oneOf("migrate", ["auto", "refuse"] as const) ?? "auto",
    ...readEphemeral(table),
    ...(pooler === undefined ? {} : { pooler }),
    ...(migrationTarget === undefined ? {} : { migrationTarget }),
  } as const;
  return target === undefined ? undefined : { ...settings, target };
}

/** The target with the package that opens it, if one is chosen. */
function withDriver(
  table: TableReader,
  target: DatabaseTarget | undefined,
  driver: SqliteDriverName | undefined,
): DatabaseTarget | undefined {
  if (target === undefined || driver === undefined) return target;
  if (target.dialect === "sqlite") return { ...target, driver };
  table.fault("driver", "is for sqlite alone");
  return target;
}

function readEphemeral(table: TableReader): { readonly ephemeralPrefix?: string } {
  const ephemeralPrefix = table.text("ephemeral_prefix");
  if (ephemeralPrefix === undefined) return {};
  if (!EPHEMERAL_PREFIX.test(ephemeralPrefix)) {
    table.fault(
      "ephemeral_prefix",
      "allowed are 3 to 63 of a-z, 0-9, _ and -, a letter or digit first",
    );
  }
  return { ephemeralPrefix };
}

/** From the URL, or from the parameters: one of them. */
async function readTarget(
  table: TableReader,
  sources: ConfigurationSources,
): Promise<DatabaseTarget | undefined> {
  const parameters = PARAMETER_KEYS.filter((key) => table.has(key));
  if (hasSecret(table, "url")) {
    if (parameters.length > 0) {
      table.fault(
        "url",
        `is given beside ${parameters.join(", ")}: give the URL or the parameters`,
      );
    }
    const url = await table.secret("url", sources);
    return url === undefined ? undefined : targetOf(table, "url", url);
  }
  if (parameters.length > 0) return readParameters(table, sources);
  const fallback = sources.env.DATABASE_URL;
  if (fallback !== undefined && fallback !== "") {
    return targetOf(table, "the variable DATABASE_URL", fallback);
  }
  table.fault("url", "is missing: give a URL, parameters, or the variable DATABASE_URL");
  return undefined;
}

function targetOf(table: TableReader, key: string, url: string): DatabaseTarget | undefined {
  const { target, faults } = parseDatabaseUrl(url);
  for (const fault of faults) table.fault(key, fault.replace(/^url: /, ""));
  return target;
}

async function readParameters(
  table: TableReader,
  sources: ConfigurationSources,
): Promise<DatabaseTarget | undefined> {
  const before = table.faults.length;
  const dialect = table.oneOf("dialect", DIALECTS);
  if (!table.has("dialect"))
    table.fault("dialect", `is missing, allowed are ${DIALECTS.join(", ")}`);
  if (dialect === undefined) return undefined;
  if (dialect === "sqlite") return readFileParameters(table);
  if (table.has("file")) table.fault("file", "is for sqlite alone");
  const required = (key: string) => {
    const value = table.text(key);
    if (!table.has(key)) table.fault(key, "is missing");
    return value ?? "";
  };
  const password = await table.secret("password", sources);
  const tls = table.oneOf("sslmode", TLS_MODES) ?? "disable";
  const caFile = table.text("sslrootcert");
  const certFile = table.text("sslcert");
  const keyFile = table.text("sslkey");
  if (caFile !== undefined && tls !== "verify-ca" && tls !== "verify-full") {
    table.fault("sslrootcert", "is of no use without sslmode verify-ca or verify-full");
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    table.fault("sslcert", "and sslkey are given together or not at all");
  }
  if (certFile !== undefined && tls === "disable") {
    table.fault("sslcert", "is of no use with sslmode disable, which is the default");
  }
  const target: ServerTarget = {
    dialect: dialect === "mariadb" ? "mysql" : dialect,
    host: required("host"),
    port: table.integer("port", 1, 65_535) ?? PORTS[dialect],
    user: required("user"),
    ...(password === undefined ? {} : { password }),
    database: required("database"),
    tls,
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
  };
  return table.faults.length > before ? undefined : target;
}

function readFileParameters(table: TableReader): DatabaseTarget | undefined {
  const others = PARAMETER_KEYS.filter(
    (key) => key !== "dialect" && key !== "file" && table.has(key),
  );
  for (const key of others) table.fault(key, "is not for sqlite");
  const file = table.text("file");
  if (!table.has("file")) table.fault("file", "is missing");
  return file === undefined ? undefined : targetOf(table, "file", `sqlite:${file}`);
}

function readPool(table: TableReader): PoolOptions {
  const given = table.value("pool");
  if (given === undefined) return {};
  if (!isTable(given)) {
    table.fault("pool", `is ${kindOf(given)}, allowed is a table`);
    return {};
  }
  const pool = TableReader.ofOptions(`${table.path}.pool`, given, table.faults);
  pool.allow(Object.keys(POOL_KEYS));
  const options: { -readonly [key in keyof PoolOptions]: PoolOptions[key] } = {};
  for (const [key, option] of Object.entries(POOL_KEYS)) {
    const value = pool.integer(key, 0, Number.MAX_SAFE_INTEGER);
    if (value !== undefined) options[option] = value;
  }
  for (const fault of poolFaults(options, pool.path)) {
    table.faults.push(fault.replace(/[a-z]+(?:[A-Z][a-z]+)+/g, keyOfOption));
  }
  return options;
}

/** Faults of the pool name its options; here they are written with _. */
function keyOfOption(option: string): string {
  return Object.entries(POOL_KEYS).find(([, each]) => each === option)?.[0] ?? option;
}

function hasSecret(table: TableReader, key: string): boolean {
  return [key, `${key}_file`, `${key}_env`].some((each) => table.has(each));
}

function refuseOthers(table: TableReader, isOwn: (key: string) => boolean, adapter: string): void {
  for (const key of table.keys) {
    if (!isOwn(key) && connectionKeys().includes(key))
      table.fault(key, `is not for the adapter ${adapter}`);
  }
}
