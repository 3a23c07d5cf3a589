/**
 * Examines an SQL database: what would keep stores from working on it, what will once there is
 * load, and what could be better. Reads only. A database that cannot be opened is a finding too.
 */

import { SkeinError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import { budgetFault, connectionBudget } from "../../sql/budget.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import { missingGrants } from "../../sql/grants.ts";
import { reportMigrations } from "../../sql/migrations/report.ts";
import { stateTable } from "../../sql/migrations/state.ts";
import { POOL_DEFAULTS } from "../../sql/pool-options.ts";
import { numberOf, textOf } from "../../sql/row-values.ts";
import type { SqlConnectionSettings } from "../config/configuration.ts";
import { STORE_MIGRATIONS, storeTableNames } from "../migrations/store-migrations.ts";
import { type Finding, ok } from "./finding.ts";
import { examineSettings } from "./server-settings.ts";

/** Clocks further apart than this disturb: messages are ordered by the time of their node. */
const SKEW_MAX_MS = 1_000;
/** From this version on whoever owns a database may enable pg_trgm. */
const TRUSTED_TRGM = 16;

/** What is examined, and beside what. */
export interface Examination {
  readonly settings: SqlConnectionSettings;
  readonly open: () => Promise<SqlDatabase>;
  readonly clock: Clock;
  /** Processes that open such a pool. Default 1. */
  readonly processes?: number;
  /** Memory of the server's machine; undefined if it is not known. */
  readonly memoryBytes?: number;
}

/** In the order in which they matter. */
export async function examine(examination: Examination): Promise<readonly Finding[]> {
  let database: SqlDatabase;
  try {
    database = await examination.open();
  } catch (error) {
    return [unreachable(error)];
  }
  try {
    const { product, version } = database.server;
    const findings = [ok("version", `${product} ${version}`)];
    for (const check of [encoding, grants, extensions, pooler, clocks, budget, migrations]) {
      findings.push(...(await examined(check, database, examination)));
    }
    findings.push(...(await examineSettings(database, examination.memoryBytes)));
    return findings;
  } finally {
    await database.close();
  }
}

type Check = (database: SqlDatabase, at: Examination) => Promise<readonly Finding[]>;

async function examined(check: Check, database: SqlDatabase, at: Examination) {
  try {
    return await check(database, at);
  } catch (error) {
    const text = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
    return [{ check: check.name, level: "warning", text } as const];
  }
}

function unreachable(error: unknown): Finding {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof SkeinError ? error.code : "";
  const isOld = code === "ERR_SKEIN_UNSUPPORTED";
  const action = isOld
    ? "use a server of a version that is supported"
    : code === "ERR_SKEIN_MISSING_DRIVER"
      ? "npm install mysql2@3"
      : "check address, user, password and TLS; skein database create makes a missing database";
  return { check: isOld ? "version" : "connection", level: "fault", text, action };
}

async function encoding(database: SqlDatabase): Promise<readonly Finding[]> {
  const { dialect } = database;
  if (dialect === "postgres") {
    const [row] = await database.query(
      `select pg_encoding_to_char(encoding) as encoding, datcollate as collation
       from pg_database where datname = current_database()`,
    );
    const [found, collation] = [textOf(row?.encoding), textOf(row?.collation)];
    if (found === "UTF8") {
      return [ok("encoding", `UTF8, collation ${collation}; our columns have "C" of their own`)];
    }
    const text = `the database is in ${found}: text beyond it cannot be stored`;
    const action = "make one with: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'";
    return [{ check: "encoding", level: "fault", text, action }];
  }
  if (dialect === "mysql") {
    const [row] = await database.query(
      "select @@character_set_database as encoding, @@collation_database as collation",
    );
    const found = textOf(row?.encoding);
    const collation = textOf(row?.collation);
    if (found === "utf8mb4") return [ok("encoding", `utf8mb4, collation ${collation}`)];
    const text = `the database is in ${found}; our tables are in utf8mb4 all the same`;
    const action = "ALTER DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    return [{ check: "encoding", level: "advice", text, action }];
  }
  return [];
}

async function grants(database: SqlDatabase, { settings }: Examination) {
  const prefix = settings.tablePrefix;
  const tables = [stateTable(prefix), ...Object.values(storeTableNames(prefix))];
  const missing = await missingGrants(database, tables);
  if (missing.length === 0) return [ok("grants", "the role may make, alter and use its tables")];
  return missing.map(
    ({ right, command }): Finding => ({
      ...{ check: "grants", level: "fault", text: `the role lacks ${right}`, action: command },
    }),
  );
}

async function extensions(database: SqlDatabase): Promise<readonly Finding[]> {
  if (database.dialect !== "postgres") return [];
  const [row] = await database.query(
    `select installed_version is not null as installed,
       current_setting('server_version_num')::int / 10000 as major
     from pg_available_extensions where name = 'pg_trgm'`,
  );
  if (row?.installed === true)
    return [ok("extensions", "pg_trgm is there: text search has its index")];
  const text = "pg_trgm is not enabled: text search works, but reads every message";
  const mayOwner = row !== undefined && numberOf(row.major) >= TRUSTED_TRGM;
  const who = mayOwner ? "as the database's owner" : "as a superuser";
  const install = row === undefined ? "install PostgreSQL's contrib package, then " : "";
  const action = `${install}run ${who}: CREATE EXTENSION pg_trgm`;
  return [{ check: "extensions", level: "advice", text, action }];
}

async function pooler(database: SqlDatabase, { settings }: Examination) {
  const found = database.server.pooler;
  if (found === "none") return [ok("pooler", "none in between")];
  if (found === "session") return [ok("pooler", "one in session mode, which changes nothing")];
  const text =
    "one that lends sessions out by the transaction: statements are not prepared by name, and " +
    "migrations are locked by a row";
  if (settings.migrationTarget !== undefined)
    return [ok("pooler", `${text}, but for migration_url`)];
  const action = "give migration_url, an address past the pooler";
  return [{ check: "pooler", level: "advice", text, action } as const];
}

async function clocks(database: SqlDatabase, { clock }: Examination): Promise<readonly Finding[]> {
  const before = clock.wall();
  const [row] = await database.query(`select ${database.traits.nowMs} as now`);
  const after = clock.wall();
  const server = numberOf(row?.now);
  const skewMs = server < before ? before - server : Math.max(0, server - after);
  if (skewMs <= SKEW_MAX_MS) return [ok("clock", `${Math.round(skewMs)} ms apart from ours`)];
  const text = `the server's clock and ours are ${Math.round(skewMs)} ms apart`;
  const action = "run a time service (chrony, systemd-timesyncd) on both machines";
  return [{ check: "clock", level: "warning", text, action }];
}

async function budget(database: SqlDatabase, { settings, processes = 1 }: Examination) {
  const found = await connectionBudget(database);
  const poolMax = settings.pool.max ?? POOL_DEFAULTS.max;
  const fault = budgetFault(found, { poolMax, processes });
  if (fault !== undefined) {
    const [text = "", action = ""] = fault.split(": ");
    return [{ check: "pool", level: "warning", text, action } as const];
  }
  if (found === undefined) return [];
  const most = Math.min(found.serverMax, found.ownMax);
  return [
    ok("pool", `up to ${poolMax * processes} of ${most} connections, ${found.open} open now`),
  ];
}

async function migrations(database: SqlDatabase, { settings }: Examination) {
  const all = await reportMigrations(database, STORE_MIGRATIONS, settings.tablePrefix);
  const findings: Finding[] = [];
  for (const { version, name, state } of all) {
    const named = `migration ${version} "${name}"`;
    if (state === "edited") {
      const action = "use the program that applied it, or restore its file";
      const text = `${named} is not the one that was applied`;
      findings.push({ check: "migrations", level: "fault", text, action });
    } else if (state === "newer") {
      const text = `${named} was applied by a newer program`;
      findings.push({ check: "migrations", level: "advice", text, action: "upgrade this program" });
    } else if (state !== "applied") {
      const text = state === "begun" ? `${named} was cut off` : `${named} is not applied yet`;
      findings.push({ check: "migrations", level: "warning", text, action: "run skein migrate" });
    }
  }
  return findings.length > 0 ? findings : [ok("migrations", `all ${all.length} are applied`)];
}
