/** SQLite: one file that processes of one host share. It is created if need be, its folder not. */
import type { ConnectionPurpose, ServerFacts, SqlDriver } from "../connection.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { type LoadPackage, openSqliteFile, type SqliteDriverName } from "./sqlite-package.ts";
import { sqliteTraits } from "./sqlite-traits.ts";

/** How a file is opened. */
export interface SqliteDriverOptions {
  readonly path: string;
  /** The package that opens it. Default "libsql". */
  readonly name?: SqliteDriverName | undefined;
  /** Loads the package. Default: the one that is installed. */
  readonly load?: LoadPackage;
  /** Calls at the end of this turn of the event loop. */
  readonly defer: (fn: () => void) => void;
}

/**
 * Room for pages, 32 MiB for each connection that needs it. What a user has lies spread over a large
 * table: a search that reads a thousand rows of a user takes a third of the time with it, and
 * writes that come to many places of each index gain as well.
 */
const PAGE_CACHE = "cache_size = -32768";
/** The writer's log is long enough for pages to meet there again before they go to the file. */
const WRITER_LOG = "wal_autocheckpoint = 4000";

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
    const { path, defer, name = "libsql", load } = this.#options;
    const file = await openSqliteFile(path, name, load);
    try {
      file.exec("pragma busy_timeout = 0");
      file.exec("pragma journal_mode = WAL");
      file.exec("pragma synchronous = NORMAL");
      file.exec("pragma foreign_keys = ON");
      file.exec(`pragma ${PAGE_CACHE}`);
      file.exec(`pragma ${purpose === "read" ? "query_only = ON" : WRITER_LOG}`);
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
