/**
 * SQLite by libsql: one file that nodes of one host share.
 *
 * The library runs each statement on the calling thread. Its own waiting for a lock would stop
 * the event loop, and two nodes in one process would wait for each other in vain; so it waits
 * for nothing, and a busy database is asked again after a pause.
 *
 * A prepared statement of libsql's that fails for a busy database stays open until it is garbage
 * collected, and so does its view of the data: the connection then reads old rows and cannot
 * write at all. `exec` has no such fault. Only BEGIN IMMEDIATE meets a busy database, by `exec`;
 * everything else runs inside of what it began.
 */
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement, sql } from "kysely";
import { UnavailableError } from "../../errors.ts";
import {
  type DatabaseDriver,
  type DatabaseTraits,
  errorCode,
  type OpenDatabase,
} from "./database.ts";

export const sqliteTraits: DatabaseTraits = {
  nowMs: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
  // Immediate, because a transaction that first reads and then writes cannot wait for its turn.
  begin: ["begin immediate"],
  onlyInTransactions: true,
  updateReturning: true,
  migrationLock: "transaction",
  createTableTail: "",
  isTransient(error) {
    const code = errorCode(error);
    return (
      code.startsWith("SQLITE_BUSY") ||
      code.startsWith("SQLITE_LOCKED") ||
      code === "SQLITE_CONSTRAINT_PRIMARYKEY" ||
      code === "SQLITE_CONSTRAINT_UNIQUE"
    );
  },
  isMissingTable: (error) => error instanceof Error && error.message.includes("no such table"),
  isMissingRight: (error) => errorCode(error).startsWith("SQLITE_READONLY"),
};

/** A file; it is created if need be, its folder is not. */
export class SqliteDriver implements DatabaseDriver {
  readonly dialect = "sqlite";
  readonly subject: string;
  readonly traits = sqliteTraits;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.subject = `SQLite at ${path}`;
  }

  async open(): Promise<OpenDatabase> {
    const { default: Libsql } = await import("libsql");
    let file: InstanceType<typeof Libsql>;
    try {
      file = new Libsql(this.#path);
    } catch (error) {
      throw new UnavailableError(
        `${this.subject}: cannot be opened; the folder must exist and be writable`,
        { cause: error },
      );
    }
    try {
      file.exec("pragma busy_timeout = 0");
      file.exec("pragma journal_mode = WAL");
      file.exec("pragma synchronous = NORMAL");
    } catch (error) {
      file.close();
      throw error;
    }
    const executor = new Kysely<unknown>({
      dialect: new SqliteDialect({ database: guarded(file) }),
    });
    return { executor, close: () => executor.destroy() };
  }
}

/** The members of libsql's Database that are used here. */
interface RawDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** What begins and ends transactions goes by `exec`: see the head of this file. */
function guarded(file: RawDatabase): SqliteDatabase {
  return {
    prepare: (text) =>
      /^(begin|commit|rollback)/.test(text) ? new ControlStatement(file, text) : file.prepare(text),
    close: () => void file.close(),
  };
}

class ControlStatement implements SqliteStatement {
  readonly reader = false;
  readonly #file: RawDatabase;
  readonly #text: string;

  constructor(file: RawDatabase, text: string) {
    this.#file = file;
    this.#text = text;
  }

  run(): { changes: number; lastInsertRowid: number } {
    this.#file.exec(this.#text);
    return { changes: 0, lastInsertRowid: 0 };
  }

  all(): unknown[] {
    this.run();
    return [];
  }

  iterate(): IterableIterator<unknown> {
    return this.all().values();
  }
}
