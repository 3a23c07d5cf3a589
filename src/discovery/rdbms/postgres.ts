/**
 * PostgreSQL, and CockroachDB which speaks its protocol, by pg. Works behind a pooler in
 * transaction mode: no named statements, no settings of the session, no lock that outlives its
 * transaction, and no start-up parameter that a pooler would refuse.
 */
import { readFile } from "node:fs/promises";
import {
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  sql,
} from "kysely";
import { UnavailableError, UnsupportedError } from "../../errors.ts";
import type { Log } from "../../runtime.ts";
import {
  type DatabaseDriver,
  type DatabaseTraits,
  errorCode,
  type OpenDatabase,
} from "./database.ts";
import { type ServerTarget, targetName } from "./url.ts";

const VERSION_MIN = 13;
/** Two: one at work, one in reserve while a lost one is being replaced. */
const CONNECTIONS_MAX = 2;
/** Idle connections are given back between two queries. */
const IDLE_MS = 10_000;

const sharedTraits = {
  nowMs: sql<number>`((extract(epoch from clock_timestamp()) * 1000)::bigint)`,
  onlyInTransactions: false,
  updateReturning: true,
  createTableTail: "",
  isTransient: (error) => TRANSIENT.has(errorCode(error)),
  isMissingTable: (error) => errorCode(error) === "42P01",
  isMissingRight: (error) => MISSING_RIGHT.has(errorCode(error)),
} as const satisfies Partial<DatabaseTraits>;

/** Serialization failure, deadlock, lock not to be had, and a key that another took first. */
const TRANSIENT: ReadonlySet<string> = new Set(["40001", "40P01", "55P03", "23505"]);
/** Insufficient privilege, and a standby that only reads. */
const MISSING_RIGHT: ReadonlySet<string> = new Set(["42501", "25006"]);

export const postgresTraits: DatabaseTraits = {
  ...sharedTraits,
  // A holder that is stopped in mid-transaction must not keep the others out for ever.
  begin: [
    "begin isolation level read committed",
    "set local idle_in_transaction_session_timeout = 3000",
  ],
  migrationLock: "advisory",
};

/** Untested: no server could be had. Advisory locks do nothing there, retries do all. */
export const cockroachTraits: DatabaseTraits = {
  ...sharedTraits,
  begin: ["begin"],
  migrationLock: "none",
};

export interface ServerDriverOptions {
  readonly target: ServerTarget;
  /** Time for connecting and logging in, in ms. */
  readonly connectTimeoutMs: number;
  /** Time for one statement, in ms; after it the connection is thrown away. */
  readonly statementTimeoutMs: number;
  readonly log: Log;
}

/** A server of PostgreSQL or CockroachDB. */
export class PostgresDriver implements DatabaseDriver {
  readonly dialect: "postgres" | "cockroach";
  readonly subject: string;
  readonly traits: DatabaseTraits;
  readonly #options: ServerDriverOptions;

  constructor(options: ServerDriverOptions) {
    const cockroach = options.target.dialect === "cockroach";
    this.#options = options;
    this.dialect = cockroach ? "cockroach" : "postgres";
    this.subject = `${cockroach ? "CockroachDB" : "PostgreSQL"} at ${targetName(options.target)}`;
    this.traits = cockroach ? cockroachTraits : postgresTraits;
  }

  async open(): Promise<OpenDatabase> {
    const pool = await this.#pool();
    const executor = new Kysely<unknown>({ dialect: new UnlockedDialect({ pool }) });
    try {
      await this.#checkVersion(executor);
    } catch (error) {
      await executor.destroy();
      throw error;
    }
    return { executor, close: () => executor.destroy() };
  }

  async #pool(): Promise<PostgresPool> {
    const { default: pg } = await import("pg");
    const { target, connectTimeoutMs, statementTimeoutMs, log } = this.#options;
    const pool = new pg.Pool({
      host: target.host,
      port: target.port,
      user: target.user,
      password: target.password,
      database: target.database,
      ssl: await tlsOptions(target),
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: IDLE_MS,
      query_timeout: statementTimeoutMs,
      keepAlive: true,
      application_name: "skein-discovery",
      allowExitOnIdle: true,
    });
    const lost = (error: Error) =>
      log.debug({ error: error.message }, "discovery lost a connection to its database");
    pool.on("error", lost);
    // The pool listens while a connection is idle only; unheard, an error ends the process.
    pool.on("connect", (client) => client.on("error", lost));
    return {
      async connect() {
        return guarded(await pool.connect());
      },
      end: () => pool.end(),
    };
  }

  async #checkVersion(executor: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{ version: string }>`select version() as version`.execute(executor);
    const version = rows[0]?.version ?? "";
    const isCockroach = version.includes("CockroachDB");
    if (this.dialect === "cockroach") {
      if (isCockroach) return;
      throw new UnsupportedError(`${this.subject}: is ${version}; needed is CockroachDB`);
    }
    if (isCockroach) {
      throw new UnsupportedError(`${this.subject}: is CockroachDB; give a cockroachdb:// URL`);
    }
    refuseOldPostgres(this.subject, version);
  }
}

/** Throws unless the version, as `select version()` gives it, is supported. */
export function refuseOldPostgres(subject: string, version: string): void {
  const major = Number(/^PostgreSQL (\d+)/.exec(version)?.[1]);
  if (major >= VERSION_MIN) return;
  const found = version.slice(0, 60) || "a server of unknown version";
  throw new UnsupportedError(
    `${subject}: found ${found}; needed is PostgreSQL ${VERSION_MIN} or newer`,
  );
}

/** What Node's TLS is told; false for none. Reads the file of certificates. */
export async function tlsOptions(
  target: ServerTarget,
): Promise<false | { rejectUnauthorized: boolean; ca?: string }> {
  if (target.tls === "disable") return false;
  if (target.tls === "require") return { rejectUnauthorized: false };
  if (target.caFile === undefined) return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: await readFile(target.caFile, "utf8") };
  } catch (error) {
    throw new UnavailableError(`sslrootcert ${target.caFile} cannot be read`, { cause: error });
  }
}

/** The members of a connection of pg's that are used here. */
interface RawClient {
  query(sql: string, parameters: unknown[]): Promise<unknown>;
  release(destroy: boolean): void;
}

/**
 * A connection that is not used again once a statement failed for another reason than the
 * server's word: after a time-out the answer may still come, and would meet the next question.
 */
function guarded(client: RawClient): PostgresPoolClient {
  let broken = false;
  const guard = {
    async query(text: string, parameters: readonly unknown[]) {
      try {
        return await client.query(text, [...parameters]);
      } catch (error) {
        if (!/^[0-9A-Z]{5}$/.test(errorCode(error)) || text === "rollback") broken = true;
        throw error;
      }
    },
    release: () => client.release(broken),
  };
  // Kysely's type also asks for cursors, which only streaming uses.
  return guard as PostgresPoolClient;
}

/** Kysely's own lock for migrations belongs to the session; migrate.ts has a better one. */
class UnlockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

class UnlockedDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new UnlockedAdapter();
  }
}
