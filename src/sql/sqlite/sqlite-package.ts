/**
 * The packages that open files of SQLite's. libsql comes with Skein; better-sqlite3 is installed
 * by those who want it; node:sqlite is a part of newer versions of Node.js.
 */
import { MissingDriverError, UnavailableError } from "../../errors.ts";
import { isNodeSqlite, NodeSqliteFile } from "./node-sqlite.ts";
import type { SqliteFile } from "./sqlite-file.ts";

/** All of them, the default first. */
export const SQLITE_DRIVERS = ["libsql", "better-sqlite3", "node:sqlite"] as const;

/** One of them. */
export type SqliteDriverName = (typeof SQLITE_DRIVERS)[number];

/** Loads a package by its name. */
export type LoadPackage = (name: SqliteDriverName) => Promise<unknown>;

/** What makes a file of a path. */
type Open = (path: string) => SqliteFile;

/** @throws MissingDriverError if the package is not there, or is none that can be used */
export async function loadSqlite(
  name: SqliteDriverName,
  load: LoadPackage = (each) => import(each),
): Promise<Open> {
  let loaded: unknown;
  try {
    loaded = await load(name);
  } catch (error) {
    throw new MissingDriverError(`${missing(name)}; ${allowed(name)}`, { cause: error });
  }
  if (name === "node:sqlite") {
    if (!isNodeSqlite(loaded)) throw new MissingDriverError(`${missing(name)}; ${allowed(name)}`);
    return (path) => new NodeSqliteFile(new loaded.DatabaseSync(path));
  }
  if (isPackage(loaded)) return (path) => new loaded.default(path);
  throw new MissingDriverError(`the installed ${name} has no class to open; ${allowed(name)}`);
}

/** @throws MissingDriverError, UnavailableError */
export async function openSqliteFile(
  path: string,
  name: SqliteDriverName,
  load?: LoadPackage,
): Promise<SqliteFile> {
  const open = await loadSqlite(name, load);
  try {
    return open(path);
  } catch (error) {
    throw new UnavailableError(
      `SQLite at ${path}: cannot be opened; the folder must exist and be writable`,
      { cause: error },
    );
  }
}

function missing(name: SqliteDriverName): string {
  switch (name) {
    case "libsql":
      return "the package libsql cannot be loaded on this platform: npm install libsql@0.5";
    case "better-sqlite3":
      return "the package better-sqlite3 is not installed: npm install better-sqlite3@12";
    case "node:sqlite":
      return `node:sqlite needs Node.js 22.16 or newer, this is ${process.versions.node}`;
  }
}

function allowed(name: SqliteDriverName): string {
  const others = SQLITE_DRIVERS.filter((each) => each !== name);
  return `or set the connection's driver to ${others.join(" or ")}`;
}

function isPackage(
  loaded: unknown,
): loaded is { readonly default: new (path: string) => SqliteFile } {
  return (
    typeof loaded === "object" &&
    loaded !== null &&
    "default" in loaded &&
    typeof loaded.default === "function"
  );
}
