/**
 * One connection to a database, and what makes them. Makers: sqlite, postgres, mysql.
 *
 * Callbacks instead of promises: a statement costs one promise in all, that of its caller.
 */
import type { SqlDialect, SqlRow, SqlTraits, SqlValue } from "./dialect.ts";
import type { Statement } from "./statement.ts";

/** Told once: the error, or else the rows and how many rows were changed. */
export type Done = (error: unknown, rows: readonly SqlRow[], changes: number) => void;

/** Statements given while another runs wait for it. After an error `isBroken` tells the rest. */
export interface SqlConnection {
  /** It is of no use any more: close it. */
  readonly isBroken: boolean;
  /** Runs a statement; without `params` as it is, without preparing it. */
  run(statement: Statement, params: readonly SqlValue[] | undefined, done: Done): void;
  /**
   * Fails what is running and everything that waits, and closes. What runs may still take effect
   * on the server.
   */
  destroy(reason: unknown): void;
  /** Says goodbye. Never rejects. */
  close(): Promise<void>;
  /** Called once, when the connection is lost while nothing runs. */
  onLost: (error: unknown) => void;
}

/** Knows where a database is and how to connect to it. */
export interface SqlDriver {
  readonly dialect: SqlDialect;
  /** Names the database in messages, without a secret. */
  readonly subject: string;
  readonly traits: SqlTraits;
  /** Loads the driver's package and connects; rejects with the driver's error, or one of ours. */
  connect(purpose: ConnectionPurpose): Promise<SqlConnection>;
  /** What was found behind the connection, after the first one was made. */
  readonly server: ServerFacts;
}

/** A writer or a reader: they differ for SQLite alone. */
export type ConnectionPurpose = "write" | "read";

/** What the first connection found out. */
export interface ServerFacts {
  /** As the server says it; empty before the first connection. */
  readonly version: string;
  /** Which program it is: MariaDB is told from MySQL here. */
  readonly product: string;
  /** A pooler in between, and how it shares its connections out. */
  readonly pooler: "none" | "session" | "transaction";
}
