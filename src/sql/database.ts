/**
 * An SQL database as stores use it: statements, transactions, and how it is doing. The sole maker
 * is `openSqlDatabase`; the databases differ by their drivers, below this.
 */
import type { ServerFacts } from "./connection.ts";
import type { SqlDialect, SqlRow, SqlTraits, SqlValue } from "./dialect.ts";
import type { PoolStats } from "./pool.ts";

/** A statement and what is wanted of its answer: made once, sent often. */
export interface Question<T> {
  /** With `?` for placeholders. */
  readonly text: string;
  /** The first row alone is wanted. */
  readonly isFirst: boolean;
  /** What the sender gets. */
  readonly pick: (rows: readonly SqlRow[], changes: number) => T;
}

/** Who is told, once, how a statement ended. */
export interface Receiver<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Where statements run: the database itself, or a transaction. */
export interface SqlSession {
  readonly traits: SqlTraits;
  /**
   * Runs a statement and gives its rows. Placeholders are `?` on every database (`??` is a mere
   * question mark), and there must be as many as `params`. Without `params` the text is sent as it
   * is, not prepared.
   *
   * A connection that was lost while it idled is replaced unseen, if the statement only reads.
   */
  query(text: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /**
   * The first row, or undefined: for statements that find one at most. On SQLite it is a fifth
   * cheaper than `query`; the others read all that the statement finds.
   */
  first(text: string, params: readonly SqlValue[]): Promise<SqlRow | undefined>;
  /** Runs a statement and gives the number of rows that it changed (for MySQL: that it found). */
  execute(text: string, params?: readonly SqlValue[]): Promise<number>;
  /** Runs `work` in one transaction; inside of one, as a part of it. */
  transact<T>(work: (tx: SqlTransaction) => Promise<T>, options?: TransactOptions): Promise<T>;
}

/** A transaction that is open. */
export interface SqlTransaction extends SqlSession {
  /** How often it has been tried before. */
  readonly attempt: number;
  /** Calls after the commit, in order, once; never if there is none. Must not throw. */
  afterCommit(fn: () => void): void;
}

/** All of them may be left out. */
export interface TransactOptions {
  /** Default: read committed. SQLite and CockroachDB know serializable only, and use it. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** It writes nothing. Default false. SQLite lets it go on beside the one that writes. */
  readonly readOnly?: boolean;
  /** How often it is tried again after it lost a race. Default 20. */
  readonly retries?: number;
  /** For how long it is tried again, in ms; waiting for a connection counts. Default 10,000. */
  readonly deadlineMs?: number;
  /** Once it fires, nothing more is begun or tried again. */
  readonly signal?: AbortSignal;
}

/** See the head of this file. */
export interface SqlDatabase extends SqlSession {
  readonly dialect: SqlDialect;
  /** Names the database in messages, without a secret. */
  readonly subject: string;
  /** Version, product, and the pooler in between if there is one. */
  readonly server: ServerFacts;
  /**
   * What `query`, `first` and `execute` do, without a promise: for paths where each one counts.
   * On SQLite the receiver is mostly told before this returns.
   */
  send<T>(question: Question<T>, params: readonly SqlValue[], receiver: Receiver<T>): void;
  /**
   * Takes a connection out of the pool, outside of any transaction: for locks that belong to a
   * session. Nothing is prepared on it.
   */
  hold(): Promise<HeldConnection>;
  /** One question to the database; rejects if it does not answer. */
  ping(): Promise<void>;
  stats(): SqlStats;
  /** Refuses new work, waits for what runs (`pool.drainMs`), closes all connections. */
  close(): Promise<void>;
}

/** A connection that is kept. */
export interface HeldConnection {
  /** Runs a statement without placeholders. */
  query(text: string): Promise<readonly SqlRow[]>;
  /** Closes the connection; what belongs to its session goes with it. */
  end(): Promise<void>;
}

/** How a database is doing. Counts are since it was opened. */
export interface SqlStats extends PoolStats {
  /** Statements that were run. */
  readonly statements: number;
  /** Transactions that were committed. */
  readonly commits: number;
  /** Transactions, and statements of their own, that were tried again. */
  readonly retries: number;
  /** Transactions that failed. */
  readonly rollbacks: number;
}
