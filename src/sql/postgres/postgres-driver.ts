/**
 * PostgreSQL, and CockroachDB which speaks its protocol, by pg. The first connection finds out
 * the version and whether a pooler is in between; behind one that hands each transaction to
 * another session nothing is kept in the session, neither a setting nor a prepared statement.
 */
import type pg from "pg";
import { UnsupportedError } from "../../errors.ts";
import type { ServerFacts, SqlDriver } from "../connection.ts";
import { errorCode, type SqlTraits } from "../dialect.ts";
import { firstRow } from "../once.ts";
import { type ServerTarget, targetName } from "../target.ts";
import { connectByTls, type TlsChoice, tlsChoices } from "../tls.ts";
import { findPooler } from "./pooler.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { cockroachTraits, postgresTraits } from "./postgres-traits.ts";

const VERSION_MIN = 13;

/** How a server is connected to. */
export interface ServerDriverOptions {
  readonly target: ServerTarget;
  /** Time for connecting and logging in, in ms. */
  readonly connectTimeoutMs: number;
  /** Time that the server gives one statement, in ms. */
  readonly statementTimeoutMs: number;
  /** Time that the server gives a transaction in which nothing is asked, in ms. */
  readonly idleInTransactionMs: number;
  /** Told to the server, to be seen in its lists. */
  readonly applicationName: string;
  /** What a pooler in between does. Default: it is found out. */
  readonly pooler?: ServerFacts["pooler"];
}

/** A server of PostgreSQL or CockroachDB. */
export class PostgresDriver implements SqlDriver {
  readonly dialect: "postgres" | "cockroach";
  readonly subject: string;
  readonly traits: SqlTraits;
  readonly #options: ServerDriverOptions;
  #facts: ServerFacts | undefined;
  #learning: Promise<PostgresConnection> | undefined;

  constructor(options: ServerDriverOptions) {
    const cockroach = options.target.dialect === "cockroach";
    this.#options = options;
    this.dialect = cockroach ? "cockroach" : "postgres";
    this.subject = `${cockroach ? "CockroachDB" : "PostgreSQL"} at ${targetName(options.target)}`;
    this.traits = cockroach ? cockroachTraits : postgresTraits;
  }

  get server(): ServerFacts {
    return this.#facts ?? { version: "", product: "", pooler: "none" };
  }

  async connect(): Promise<PostgresConnection> {
    if (this.#facts === undefined) {
      if (this.#learning !== undefined) await this.#learning.catch(() => undefined);
      if (this.#facts === undefined) {
        this.#learning = this.#first().finally(() => {
          this.#learning = undefined;
        });
        return this.#learning;
      }
    }
    const connection = await this.#open();
    return this.#prepared(connection);
  }

  async #first(): Promise<PostgresConnection> {
    const connection = await this.#open();
    try {
      const version = String((await firstRow(connection, "select version() as version")).version);
      const product = this.#check(version);
      const pooler =
        this.#options.pooler ??
        (this.dialect === "cockroach" ? "none" : await findPooler(connection, () => this.#open()));
      this.#facts = { version, product, pooler };
    } catch (error) {
      await connection.close();
      throw error;
    }
    return this.#prepared(connection);
  }

  /** Settings of the session, where there is one that stays ours. */
  async #prepared(connection: PostgresConnection): Promise<PostgresConnection> {
    if (this.server.pooler === "transaction") return connection;
    const { statementTimeoutMs, idleInTransactionMs } = this.#options;
    const settings = [
      `set statement_timeout = ${statementTimeoutMs}`,
      `set idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
      "set timezone = 'UTC'",
    ];
    try {
      await firstRow(connection, settings.join("; "));
    } catch (error) {
      await connection.close();
      throw error;
    }
    connection.prepareByName();
    return connection;
  }

  async #open(): Promise<PostgresConnection> {
    const { default: module } = await import("pg");
    const choices = await tlsChoices(this.#options.target);
    return connectByTls(choices, (choice) => this.#connect(module, choice), isTlsRefusal);
  }

  async #connect(module: typeof pg, ssl: TlsChoice): Promise<PostgresConnection> {
    const { target, connectTimeoutMs, applicationName } = this.#options;
    const client = new module.Client({
      host: target.host,
      port: target.port,
      user: target.user,
      password: target.password,
      database: target.database,
      ssl,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      application_name: applicationName,
      types: { getTypeParser: parserOf },
    });
    const connection = new PostgresConnection(client, this.traits);
    try {
      await client.connect();
    } catch (error) {
      connection.destroy(error);
      throw error;
    }
    return connection;
  }

  /** The product's name, if it is one that we know in a version that we know. */
  #check(version: string): string {
    const isCockroach = version.includes("CockroachDB");
    if (this.dialect === "cockroach") {
      if (isCockroach) return "CockroachDB";
      throw new UnsupportedError(`${this.subject}: is ${version}; needed is CockroachDB`);
    }
    if (isCockroach) {
      throw new UnsupportedError(`${this.subject}: is CockroachDB; give a cockroachdb:// URL`);
    }
    refuseOldPostgres(this.subject, version);
    return "PostgreSQL";
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

/** The server has no TLS, wants it, or has no entry for a connection of that sort. */
function isTlsRefusal(error: unknown): boolean {
  const code = errorCode(error);
  return (
    code === "28000" ||
    code.startsWith("ERR_SSL") ||
    (error instanceof Error && /does not support SSL|SSL (?:was )?required/i.test(error.message))
  );
}

const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23, 26]);
const BOOLEAN = 16;
const BYTES = 17;
const FLOATS: ReadonlySet<number> = new Set([700, 701]);

/** Integers as bigints; dates, numerics and JSON as text, since JavaScript's would lose some. */
function parserOf(oid: number): (text: string) => unknown {
  if (INTEGERS.has(oid)) return BigInt;
  if (FLOATS.has(oid)) return Number;
  if (oid === BOOLEAN) return isTrue;
  if (oid === BYTES) return bytesOf;
  return asItIs;
}

const isTrue = (text: string) => text === "t";
const asItIs = (text: string) => text;
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
