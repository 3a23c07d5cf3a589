/** SQLite: one file that processes of one host share. It is created if need be, its folder not. */
import { UnavailableError } from "../../errors.ts";
import type { ConnectionPurpose, ServerFacts, SqlDriver } from "../connection.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { sqliteTraits } from "./sqlite-traits.ts";

/** How a file is opened. */
export interface SqliteDriverOptions {
  readonly path: string;
  /** Calls at the end of this turn of the event loop. */
  readonly defer: (fn: () => void) => void;
}

/** See the head of this file. */
export class SqliteDriver implements SqlDriver {
  readonly dialect = "sqlite";
  readonly subject: string;
  readonly traits = sqliteTraits;
  readonly #options: SqliteDriverOptions;
  #facts: ServerFacts | undefined;

  constructor(options: SqliteDriverOptions) {
    this.#options = options;
    this.subject = `SQLite at ${options.path}`;
  }

  get server(): ServerFacts {
    return this.#facts ?? { version: "", product: "SQLite", pooler: "none" };
  }

  async connect(purpose: ConnectionPurpose): Promise<SqliteConnection> {
    const { default: Libsql } = await import("libsql");
    const { path, defer } = this.#options;
    let file: InstanceType<typeof Libsql>;
    try {
      file = new Libsql(path);
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
      file.exec("pragma foreign_keys = ON");
      if (purpose === "read") file.exec("pragma query_only = ON");
      const row: unknown = file.prepare("select sqlite_version() as version").get([]);
      const version = typeof row === "object" && row !== null && "version" in row;
      this.#facts ??= {
        version: version ? String(row.version) : "",
        product: "SQLite",
        pooler: "none",
      };
    } catch (error) {
      file.close();
      throw error;
    }
    return new SqliteConnection(file, defer);
  }
}
