/** The drivers of databases as one uses them by hand: one connection, prepared statements. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Libsql from "libsql";
import mysql from "mysql2/promise";
import pg from "pg";
import { mariadb } from "../test/servers/mariadb.ts";
import { postgres } from "../test/servers/postgres.ts";

/** One row as the driver gives it. */
export type BareRow = Readonly<Record<string, unknown>>;

/** One connection. */
export interface BareSql {
  /** Placeholders are `?`. */
  query(text: string, params: readonly unknown[]): Promise<readonly BareRow[]>;
  /** The first row: SQLite's drivers have a cheaper way for it. */
  first(text: string, params: readonly unknown[]): Promise<BareRow | undefined>;
  close(): Promise<void>;
}

/** A database that can be measured. */
export interface BenchDatabase {
  readonly name: string;
  readonly url: string;
  connect(): Promise<BareSql>;
  stop(): Promise<void>;
}

/** SQLite, and the servers that are installed. */
export async function openBenchDatabases(): Promise<readonly BenchDatabase[]> {
  const made = [sqliteDatabase()];
  if (postgres.isInstalled()) {
    const server = await postgres.create();
    const url = await server.newDatabase();
    const stop = () => server.dispose();
    made.push({ name: "PostgreSQL", url, stop, connect: () => connectPostgres(url) });
  }
  if (mariadb.isInstalled()) {
    const server = await mariadb.create();
    const url = await server.newDatabase();
    const stop = () => server.dispose();
    made.push({ name: "MariaDB", url, stop, connect: () => connectMariadb(url) });
  }
  return made;
}

function sqliteDatabase(): BenchDatabase {
  const folder = mkdtempSync(join(tmpdir(), "skein-bench-stores-"));
  const path = join(folder, "stores.db");
  return {
    name: "SQLite",
    url: `sqlite:${path}`,
    connect: async () => connectSqlite(path),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

function connectSqlite(path: string): BareSql {
  const file = new Libsql(path);
  file.exec("pragma journal_mode = WAL");
  file.exec("pragma synchronous = NORMAL");
  // As Skein's own connection has them, for they decide what many writes cost.
  file.exec("pragma cache_size = -32768");
  file.exec("pragma wal_autocheckpoint = 4000");
  const prepared = new Map<string, ReturnType<typeof file.prepare>>();
  const prepare = (text: string) => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = file.prepare(text);
      statement.safeIntegers(true);
      prepared.set(text, statement);
    }
    return statement;
  };
  return {
    async query(text, params) {
      const statement = prepare(text);
      if (statement.reader) return statement.all(params) as BareRow[];
      statement.run(params);
      return [];
    },
    async first(text, params) {
      return prepare(text).get(params) as BareRow | undefined;
    },
    async close() {
      file.close();
    },
  };
}

async function connectPostgres(url: string): Promise<BareSql> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const names = new Map<string, { readonly name: string; readonly text: string }>();
  const bare: BareSql = {
    async query(text, params) {
      let known = names.get(text);
      if (known === undefined) {
        let number = 0;
        const numbered = text.replace(/\?/g, () => `$${++number}`);
        known = { name: `bare${names.size}`, text: numbered };
        names.set(text, known);
      }
      return (await client.query({ ...known, values: [...params] })).rows;
    },
    first: async (text, params) => (await bare.query(text, params))[0],
    close: () => client.end(),
  };
  return bare;
}

async function connectMariadb(url: string): Promise<BareSql> {
  const connection = await mysql.createConnection({
    uri: url,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const bare: BareSql = {
    async query(text, params) {
      const [rows] = await connection.execute(text, params as string[]);
      return Array.isArray(rows) ? (rows as BareRow[]) : [];
    },
    first: async (text, params) => (await bare.query(text, params))[0],
    close: () => connection.end(),
  };
  return bare;
}
