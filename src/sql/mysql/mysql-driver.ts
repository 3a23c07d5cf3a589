/** MySQL and MariaDB, by mysql2. */
import { UnsupportedError } from "../../errors.ts";
import type { ServerFacts, SqlDriver } from "../connection.ts";
import { errorCode } from "../dialect.ts";
import { firstRow } from "../once.ts";
import type { ServerDriverOptions } from "../postgres/postgres-driver.ts";
import { targetName } from "../target.ts";
import { connectByTls, type TlsChoice, tlsChoices } from "../tls.ts";
import { MysqlConnection } from "./mysql-connection.ts";
import { mysqlTraits } from "./mysql-traits.ts";
import { loadMysql2, type Mysql2 } from "./mysql2-package.ts";

const MYSQL_MIN = [8, 0] as const;
const MARIADB_MIN = [10, 6] as const;
/** A wait for another's lock ends before the statement's own time does. */
const LOCK_WAIT_MAX_S = 3;
/** Prepared statements kept for each connection; the server has a limit for all of them. */
const PREPARED_MAX = 300;

/** Beside those of every server. */
export interface MysqlDriverOptions extends ServerDriverOptions {
  /** Loads the package. Default: the one that is installed. */
  readonly load?: () => Promise<unknown>;
}

/** A server of MySQL or MariaDB. */
export class MysqlDriver implements SqlDriver {
  readonly dialect = "mysql";
  readonly subject: string;
  readonly traits = mysqlTraits;
  readonly #options: MysqlDriverOptions;
  #facts: ServerFacts | undefined;

  constructor(options: MysqlDriverOptions) {
    this.#options = options;
    this.subject = `MySQL at ${targetName(options.target)}`;
  }

  get server(): ServerFacts {
    return this.#facts ?? { version: "", product: "", pooler: "none" };
  }

  async connect(): Promise<MysqlConnection> {
    const mysql2 = await loadMysql2(this.#options.load ?? (() => import("mysql2")));
    const choices = await tlsChoices(this.#options.target);
    const connection = await connectByTls(
      choices,
      (choice) => this.#connect(mysql2, choice),
      isTlsRefusal,
    );
    try {
      if (this.#facts === undefined) {
        const { version } = await firstRow(connection, "select version() as version");
        const product = refuseOldMysql(this.subject, String(version));
        this.#facts = { version: String(version), product, pooler: "none" };
      }
      await firstRow(connection, sessionSettings(this.server.product, this.#options));
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  async #connect(mysql2: Mysql2, ssl: TlsChoice): Promise<MysqlConnection> {
    const { target, connectTimeoutMs, applicationName } = this.#options;
    const made = mysql2.createConnection({
      ...(target.host.startsWith("/")
        ? { socketPath: target.host }
        : { host: target.host, port: target.port }),
      user: target.user,
      ...(target.password === undefined ? {} : { password: target.password }),
      database: target.database,
      ...(ssl === false ? {} : { ssl: tlsForMysql2(ssl) }),
      charset: "utf8mb4_bin",
      connectTimeout: connectTimeoutMs,
      connectAttributes: { program_name: applicationName },
      enableKeepAlive: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      jsonStrings: true,
      maxPreparedStatements: PREPARED_MAX,
    });
    const connection = new MysqlConnection(made, this.traits);
    try {
      await new Promise<void>((resolve, reject) => {
        made.connect((error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      connection.destroy(error);
      throw error;
    }
    return connection;
  }
}

/** What sets a session up: the two products name some variables differently. */
export function sessionSettings(
  product: string,
  limits: Pick<ServerDriverOptions, "statementTimeoutMs" | "idleInTransactionMs">,
): string {
  const { statementTimeoutMs, idleInTransactionMs } = limits;
  const lockWait = Math.min(LOCK_WAIT_MAX_S, Math.max(1, Math.floor(statementTimeoutMs / 1000)));
  const shared = [
    "sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
    "time_zone = '+00:00'",
    `innodb_lock_wait_timeout = ${lockWait}`,
    // A process that is stopped in mid-transaction must not keep its locks for ever.
    `wait_timeout = ${Math.max(1, Math.ceil(idleInTransactionMs / 1000))}`,
  ];
  // Repeatable read would lock gaps, and so make strangers wait for one another.
  const own =
    product === "MariaDB"
      ? ["tx_isolation = 'READ-COMMITTED'", `max_statement_time = ${statementTimeoutMs / 1000}`]
      : [
          "transaction_isolation = 'READ-COMMITTED'",
          // MySQL limits the time of SELECT alone.
          `max_execution_time = ${statementTimeoutMs}`,
        ];
  return `set session ${[...shared, ...own].join(", ")}`;
}

/**
 * Throws unless the version, as `select version()` gives it, is supported; else the name of the
 * product.
 */
export function refuseOldMysql(subject: string, version: string): "MariaDB" | "MySQL" {
  // MariaDB may announce itself as 5.5.5-10.11.6-MariaDB, for the sake of old replicas.
  const isMaria = /mariadb/i.test(version);
  const found = /^(\d+)\.(\d+)/.exec(isMaria ? version.replace(/^5\.5\.5-/, "") : version);
  const [major, minor] = isMaria ? MARIADB_MIN : MYSQL_MIN;
  const foundMajor = Number(found?.[1]);
  const foundMinor = Number(found?.[2]);
  const product = isMaria ? "MariaDB" : "MySQL";
  if (foundMajor > major || (foundMajor === major && foundMinor >= minor)) return product;
  const shown = version.slice(0, 60) || "a server of unknown version";
  throw new UnsupportedError(
    `${subject}: found ${product} ${shown}; needed is ${product} ${major}.${minor} or newer`,
  );
}

/** mysql2 checks the server's name only if it is told to, in a way of its own. */
function tlsForMysql2(choice: Exclude<TlsChoice, false>): object {
  const { checkServerIdentity, ...rest } = choice;
  const checksName = rest.rejectUnauthorized === true && checkServerIdentity === undefined;
  return { ...rest, verifyIdentity: checksName };
}

/** The server has no TLS, or wants it. */
function isTlsRefusal(error: unknown): boolean {
  const code = errorCode(error);
  return (
    code === "HANDSHAKE_NO_SSL_SUPPORT" ||
    code === "ER_SECURE_TRANSPORT_REQUIRED" ||
    code.startsWith("ERR_SSL")
  );
}
