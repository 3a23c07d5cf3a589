/** Every key of the configuration: what it is, its default and its unit. The documents list them. */
import { POOL_DEFAULTS, type PoolOptions } from "../../sql/pool-options.ts";

/** One key. */
export interface ConfigurationKey {
  /** As it is written; NAME stands for a name that is chosen freely. */
  readonly key: string;
  /** "" if there is none: what happens then is in the meaning. */
  readonly default: string;
  /** "" if it has none. */
  readonly unit: string;
  readonly meaning: string;
}

/** The options of a pool, by their keys. */
export const POOL_KEYS: Readonly<Record<string, keyof PoolOptions>> = {
  max: "max",
  min: "min",
  acquire_ms: "acquireMs",
  queue_max: "queueMax",
  idle_ms: "idleMs",
  lifetime_ms: "lifetimeMs",
  keepalive_ms: "keepaliveMs",
  connect_ms: "connectMs",
  statement_ms: "statementMs",
  idle_in_transaction_ms: "idleInTransactionMs",
  drain_ms: "drainMs",
};

const POOL_MEANINGS: Readonly<Record<string, string>> = {
  max: "most connections of one process",
  min: "connections kept open when nothing is asked",
  acquire_ms: "longest wait for a free connection",
  queue_max: "most callers that wait for one; the next is refused at once",
  idle_ms: "connections beyond `min` are closed after so long without work",
  lifetime_ms: "a connection is replaced at this age, give or take a tenth",
  keepalive_ms: "idle connections are asked for a sign of life so often",
  connect_ms: "time for connecting and logging in",
  statement_ms: "time for one statement",
  idle_in_transaction_ms: "the server ends a transaction in which nothing is asked for so long",
  drain_ms: "running work is waited for so long on closing",
};

/** Values that may come from a file or from the environment: KEY, KEY_file and KEY_env. */
export const SECRET_KEYS = ["url", "password", "migration_url"] as const;

/** Keys that say where a server is, in place of `url`. */
export const PARAMETER_KEYS = [
  ...["dialect", "host", "port", "user", "password", "password_file", "password_env"],
  ...["database", "file", "sslmode", "sslrootcert", "sslcert", "sslkey"],
] as const;

const C = "connections.NAME";
const key = (
  name: string,
  meaning: string,
  rest: { readonly default?: string; readonly unit?: string } = {},
): ConfigurationKey => ({
  key: name,
  default: rest.default ?? "",
  unit: rest.unit ?? "",
  meaning,
});
const secret = (name: string, meaning: string): readonly ConfigurationKey[] => [
  key(name, meaning),
  key(`${name}_file`, `a file that holds the value of \`${name}\`; its last line end is dropped`),
  key(`${name}_env`, `the environment variable that holds the value of \`${name}\``),
];

/** All of them, in the order of the documents. */
export const CONFIGURATION_KEYS: readonly ConfigurationKey[] = [
  key("storage", "the connection for all stores; or a table with a connection for each store"),
  key(
    "default_storage",
    "the connection for stores that `storage` does not name; without it they are refused",
  ),
  key("hosts.NAME.storage", "the same for one host; its stores come before those above"),
  key("hosts.NAME.default_storage", "the same for one host"),
  key(
    `${C}.adapter`,
    "`sql`, `file`, `internal` (the same), `redis`; by default what the name says",
  ),
  ...secret(`${C}.url`, "where a database is, in place of the parameters below"),
  key(`${C}.dialect`, "`postgres`, `mysql`, `mariadb`, `cockroach` or `sqlite`"),
  key(
    `${C}.host`,
    "the server's name or address, or the path of its Unix socket (of its folder for PostgreSQL)",
  ),
  key(`${C}.port`, "the server's port", { default: "5432, 3306, 26257" }),
  key(`${C}.user`, "the role that logs in"),
  ...secret(`${C}.password`, "its password"),
  key(`${C}.database`, "the database on the server"),
  key(`${C}.file`, "the file of SQLite's"),
  key(`${C}.driver`, "what opens SQLite's file: `libsql`, `better-sqlite3` or `node:sqlite`", {
    default: "libsql",
  }),
  key(`${C}.sslmode`, "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`", {
    default: "disable",
  }),
  key(`${C}.sslrootcert`, "file with the certificates to trust; else those of Node.js"),
  key(`${C}.sslcert`, "file with this client's certificate"),
  key(`${C}.sslkey`, "file with its key"),
  key(`${C}.application_name`, "what the server's lists show", { default: "skein" }),
  key(`${C}.table_prefix`, "goes before the names of all tables", { default: "skein_" }),
  key(
    `${C}.pooler`,
    "`none`, `session` or `transaction`: what is in front of PostgreSQL; else found out",
  ),
  key(
    `${C}.migrate`,
    "`auto`: missing migrations are applied at the start; `refuse`: they end it",
    {
      default: "auto",
    },
  ),
  ...secret(`${C}.migration_url`, "where migrations go, past a pooler; else the connection itself"),
  ...Object.entries(POOL_KEYS).map(([name, option]) =>
    key(`${C}.pool.${name}`, POOL_MEANINGS[name] ?? "", {
      default: POOL_DEFAULTS[option].toLocaleString("en-US"),
      unit: name.endsWith("_ms") ? "ms" : "",
    }),
  ),
  key(`${C}.folder`, "the folder of the adapter `file`"),
  key(`${C}.cluster`, "`true`: the URL is that of a node of a Redis Cluster", { default: "false" }),
  key(`${C}.prefix`, "goes before all keys in Redis", { default: "skein:" }),
  key(
    `${C}.ephemeral_prefix`,
    "everything is kept under it, and one process owns it at a time; for `sql` and `redis`",
  ),
];

/** The keys allowed under `connections.NAME`, without the prefix. */
export function connectionKeys(): readonly string[] {
  return keysUnder(`${C}.`)
    .filter((name) => !name.startsWith("pool."))
    .concat("pool");
}

/** The keys allowed at the top and in a host. */
export function topKeys(): readonly string[] {
  return ["storage", "default_storage", "hosts", "connections"];
}

function keysUnder(prefix: string): readonly string[] {
  return CONFIGURATION_KEYS.filter(({ key: name }) => name.startsWith(prefix)).map(
    ({ key: name }) => name.slice(prefix.length),
  );
}
