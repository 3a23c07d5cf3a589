/** MySQL and MariaDB, by mysql2, which is installed by those who want it. */
import { Kysely, MysqlDialect, type MysqlPool, type MysqlQueryResult, sql } from "kysely";
import { MissingDriverError, UnsupportedError } from "../../errors.ts";
import {
  type DatabaseDriver,
  type DatabaseTraits,
  errorCode,
  type OpenDatabase,
} from "./database.ts";
import { type ServerDriverOptions, tlsOptions } from "./postgres.ts";
import { targetName } from "./url.ts";

const MYSQL_MIN = [8, 0] as const;
const MARIADB_MIN = [10, 6] as const;
const CONNECTIONS_MAX = 2;
/** We give idle connections back before the server would end them. */
const IDLE_MS = 10_000;
const SERVER_IDLE_S = 60;
const LOCK_WAIT_S = 3;

const TRANSIENT: ReadonlySet<string> = new Set([
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_DUP_ENTRY",
  "ER_CHECKREAD",
]);
const MISSING_RIGHT: ReadonlySet<string> = new Set([
  "ER_TABLEACCESS_DENIED_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_SPECIFIC_ACCESS_DENIED_ERROR",
  "ER_OPTION_PREVENTS_STATEMENT",
]);

export const mysqlTraits: DatabaseTraits = {
  // In UTC throughout: local time has an hour twice each autumn.
  nowMs: sql<number>`(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)`,
  // Repeatable read would lock gaps, and so make strangers wait for one another.
  begin: ["set transaction isolation level read committed", "start transaction"],
  onlyInTransactions: false,
  updateReturning: false,
  // CREATE TABLE commits, and with it would go the lock of a transaction.
  migrationLock: "session",
  // Names differ by case and by accents, as they do everywhere else.
  createTableTail: "engine = InnoDB character set utf8mb4 collate utf8mb4_bin",
  isTransient: (error) => TRANSIENT.has(errorCode(error)),
  isMissingTable: (error) => errorCode(error) === "ER_NO_SUCH_TABLE",
  isMissingRight: (error) => MISSING_RIGHT.has(errorCode(error)),
};

/** The members of mysql2 that are used here. */
interface Mysql2 {
  createPool(options: object): Mysql2Pool;
}
type Done = (error: unknown, result: MysqlQueryResult) => void;
interface Mysql2Pool {
  getConnection(done: (error: unknown, connection: Mysql2Connection) => void): void;
  end(done: (error: unknown) => void): void;
}
interface Mysql2Connection {
  query(question: { sql: string; timeout: number; values: unknown[] }, done: Done): unknown;
  on(event: "error", listener: () => void): unknown;
  removeListener(event: "error", listener: () => void): unknown;
  release(): void;
  destroy(): void;
}

export interface MysqlDriverOptions extends ServerDriverOptions {
  /** Loads the package. Default: the one that is installed. */
  readonly load?: () => Promise<unknown>;
}

/** A server of MySQL or MariaDB. */
export class MysqlDriver implements DatabaseDriver {
  readonly dialect = "mysql";
  readonly subject: string;
  readonly traits = mysqlTraits;
  readonly #options: MysqlDriverOptions;

  constructor(options: MysqlDriverOptions) {
    this.#options = options;
    this.subject = `MySQL at ${targetName(options.target)}`;
  }

  async open(): Promise<OpenDatabase> {
    const pool = await this.#pool();
    const executor = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) });
    try {
      const { rows } = await sql<{ version: string }>`
        select version() as version`.execute(executor);
      refuseOldMysql(this.subject, rows[0]?.version ?? "");
    } catch (error) {
      await executor.destroy();
      throw error;
    }
    return { executor, close: () => executor.destroy() };
  }

  async #pool(): Promise<MysqlPool> {
    const { target, connectTimeoutMs, statementTimeoutMs } = this.#options;
    const mysql2 = await loadMysql2(this.#options.load ?? (() => import("mysql2")));
    const ssl = await tlsOptions(target);
    const pool = mysql2.createPool({
      ...(target.host.startsWith("/")
        ? { socketPath: target.host }
        : { host: target.host, port: target.port }),
      user: target.user,
      ...(target.password === undefined ? {} : { password: target.password }),
      database: target.database,
      ...(ssl === false ? {} : { ssl }),
      charset: "utf8mb4_bin",
      connectionLimit: CONNECTIONS_MAX,
      maxIdle: CONNECTIONS_MAX,
      idleTimeout: IDLE_MS,
      queueLimit: 100,
      connectTimeout: connectTimeoutMs,
      enableKeepAlive: true,
      supportBigNumbers: true,
    });
    const prepared = new WeakSet<Mysql2Connection>();
    return {
      getConnection(done) {
        pool.getConnection((error, connection) => {
          if (error) {
            done(error, unusable);
            return;
          }
          const guard = guarded(connection, statementTimeoutMs);
          if (prepared.has(connection)) {
            done(undefined, guard);
            return;
          }
          // A process that is stopped in mid-transaction must not hold its locks for ever.
          const limits = `set session wait_timeout = ${SERVER_IDLE_S}, innodb_lock_wait_timeout = ${LOCK_WAIT_S}`;
          guard.query(limits, [], (failure: unknown) => {
            if (failure) guard.release();
            else prepared.add(connection);
            done(failure ?? undefined, guard);
          });
        });
      },
      end: (done) => pool.end(done),
    };
  }
}

/** Throws unless the version, as `select version()` gives it, is supported. */
export function refuseOldMysql(subject: string, version: string): void {
  // MariaDB may announce itself as 5.5.5-10.11.6-MariaDB, for the sake of old replicas.
  const isMaria = /mariadb/i.test(version);
  const found = /^(\d+)\.(\d+)/.exec(isMaria ? version.replace(/^5\.5\.5-/, "") : version);
  const [major, minor] = isMaria ? MARIADB_MIN : MYSQL_MIN;
  const foundMajor = Number(found?.[1]);
  const foundMinor = Number(found?.[2]);
  if (foundMajor > major || (foundMajor === major && foundMinor >= minor)) return;
  const product = isMaria ? "MariaDB" : "MySQL";
  const shown = version.slice(0, 60) || "a server of unknown version";
  throw new UnsupportedError(
    `${subject}: found ${product} ${shown}; needed is ${product} ${major}.${minor} or newer`,
  );
}

async function loadMysql2(load: () => Promise<unknown>): Promise<Mysql2> {
  try {
    const loaded = await load();
    if (isMysql2(loaded)) return loaded;
  } catch (error) {
    throw new MissingDriverError(
      "MySQL and MariaDB need the package mysql2: npm install mysql2@3",
      { cause: error },
    );
  }
  throw new MissingDriverError("the installed mysql2 has no createPool: npm install mysql2@3");
}

function isMysql2(loaded: unknown): loaded is Mysql2 {
  return typeof loaded === "object" && loaded !== null && "createPool" in loaded;
}

/**
 * A connection whose statements end in time, and that is not used again once one of them failed
 * for another reason than the server's word.
 */
function guarded(connection: Mysql2Connection, timeoutMs: number) {
  let broken = false;
  // Unheard, the loss of a connection between two statements would end the process.
  const lost = () => {
    broken = true;
  };
  connection.on("error", lost);
  return {
    query(text: string, values: unknown[], done?: Done) {
      connection.query({ sql: text, timeout: timeoutMs, values }, (error, result) => {
        if (error && (!saidByServer(error) || text === "rollback")) broken = true;
        done?.(error, result);
      });
      return noStream;
    },
    release() {
      connection.removeListener("error", lost);
      if (broken) connection.destroy();
      else connection.release();
    },
  };
}

function saidByServer(error: unknown): boolean {
  const fatal = typeof error === "object" && error !== null && "fatal" in error && error.fatal;
  return errorCode(error).startsWith("ER_") && fatal !== true;
}

/** Kysely's type asks for streams, which discovery does not use. */
const noStream = {
  stream(): never {
    throw new Error("discovery reads no streams");
  },
};

/** What a callback is given together with an error. */
const unusable = {
  query: (): typeof noStream => noStream,
  release() {},
};
