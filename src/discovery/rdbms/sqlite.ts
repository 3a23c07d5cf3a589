/**
 * SQLite by libsql: one file that nodes of one host share.
 *
 * The library runs each statement on the calling thread. Its own waiting for a lock would stop
 * the event loop, and two nodes in one process would wait for each other in vain; so it waits
 * for nothing, and a busy database is asked again after a pause.
 */
import { Kysely, SqliteDialect, sql } from "kysely";
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
  updateReturning: true,
  migrationLock: "transaction",
  schemas: false,
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
      file.pragma("busy_timeout = 0");
      file.pragma("journal_mode = WAL");
      file.pragma("synchronous = NORMAL");
    } catch (error) {
      file.close();
      throw error;
    }
    const executor = new Kysely<unknown>({ dialect: new SqliteDialect({ database: file }) });
    return { executor, close: () => executor.destroy() };
  }
}
