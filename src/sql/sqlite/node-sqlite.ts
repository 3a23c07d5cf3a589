/** Node's own SQLite in the form of the others: its errors have numbers where theirs have names. */
import type { SqliteFile, SqliteStatement } from "./sqlite-file.ts";

/** The members of node:sqlite that are used. */
export interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase;
}
interface NodeDatabase {
  prepare(text: string): NodeStatement;
  exec(text: string): void;
  close(): void;
}
interface NodeStatement {
  columns(): readonly unknown[];
  setReadBigInts(on: boolean): void;
  all(...params: readonly unknown[]): unknown;
  get(...params: readonly unknown[]): unknown;
  run(...params: readonly unknown[]): { readonly changes: number | bigint };
}

/** Names of results that are told apart, by their numbers; the lowest byte is the general one. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [5, "SQLITE_BUSY"],
  [6, "SQLITE_LOCKED"],
  [8, "SQLITE_READONLY"],
  [9, "SQLITE_INTERRUPT"],
  [10, "SQLITE_IOERR"],
  [11, "SQLITE_CORRUPT"],
  [13, "SQLITE_FULL"],
  [14, "SQLITE_CANTOPEN"],
  [19, "SQLITE_CONSTRAINT"],
  [26, "SQLITE_NOTADB"],
  [1555, "SQLITE_CONSTRAINT_PRIMARYKEY"],
  [2067, "SQLITE_CONSTRAINT_UNIQUE"],
]);

/** Also false for the first versions of it, which do not tell whether a statement gives rows. */
export function isNodeSqlite(loaded: unknown): loaded is NodeSqlite {
  if (typeof loaded !== "object" || loaded === null) return false;
  if (!("StatementSync" in loaded) || typeof loaded.StatementSync !== "function") return false;
  return "DatabaseSync" in loaded && "columns" in Object(loaded.StatementSync.prototype);
}

/** See the head of this file. */
export class NodeSqliteFile implements SqliteFile {
  readonly #database: NodeDatabase;

  constructor(database: NodeDatabase) {
    this.#database = database;
  }

  prepare(text: string): SqliteStatement {
    return named(() => new NodeSqliteStatement(this.#database.prepare(text)));
  }

  exec(text: string): void {
    named(() => this.#database.exec(text));
  }

  close(): void {
    this.#database.close();
  }
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: NodeStatement;

  constructor(statement: NodeStatement) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
  }

  safeIntegers(on: boolean): void {
    this.#statement.setReadBigInts(on);
  }

  all(params: readonly unknown[]): unknown {
    return named(() => this.#statement.all(...params));
  }

  get(params: readonly unknown[]): unknown {
    return named(() => this.#statement.get(...params));
  }

  run(params: readonly unknown[]): { readonly changes: number | bigint } {
    return named(() => this.#statement.run(...params));
  }
}

/** An error of SQLite's with the name of its result. */
class NodeSqliteError extends Error {
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

function named<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error)) throw error;
    const number = Number(error.errcode);
    const name = NAMES.get(number) ?? NAMES.get(number % 256) ?? "SQLITE_ERROR";
    throw new NodeSqliteError(error.message, name, error);
  }
}
