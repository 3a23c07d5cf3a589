/** Makes the database that a target names, if it is not there and the role may. */
import type { SqlDatabase } from "./database.ts";
import { openSqlDatabase, type SqlSurroundings } from "./open.ts";
import { type DatabaseTarget, targetName } from "./target.ts";

/** A database that every role of the server may connect to. */
const MEETING_PLACES = {
  postgres: "postgres",
  cockroach: "defaultdb",
  mysql: "information_schema",
};
const POOL = { max: 1, min: 0 } as const;

/** Resolves with whether it was made now. SQLite makes its file when it is opened. */
export async function createDatabase(
  target: DatabaseTarget,
  surroundings: SqlSurroundings,
): Promise<{ readonly subject: string; readonly isNew: boolean }> {
  if (target.dialect === "sqlite") {
    const file = await openSqlDatabase({ database: target, pool: POOL }, surroundings);
    await file.close();
    return { subject: file.subject, isNew: false };
  }
  const place = { ...target, database: MEETING_PLACES[target.dialect] };
  const server = await openSqlDatabase({ database: place, pool: POOL }, surroundings);
  try {
    const isNew = !(await isThere(server, target.database));
    if (isNew) await make(server, target.database);
    return { subject: targetName(target), isNew };
  } finally {
    await server.close();
  }
}

async function isThere(server: SqlDatabase, name: string): Promise<boolean> {
  const text =
    server.dialect === "mysql"
      ? "select 1 as one from information_schema.schemata where schema_name = ?"
      : "select 1 as one from pg_database where datname = ?";
  return (await server.query(text, [name])).length > 0;
}

async function make(server: SqlDatabase, name: string): Promise<void> {
  if (server.dialect === "mysql") {
    const quoted = `\`${name.replaceAll("`", "``")}\``;
    await server.execute(`create database ${quoted} character set utf8mb4 collate utf8mb4_bin`);
    return;
  }
  const quoted = `"${name.replaceAll('"', '""')}"`;
  const how = server.dialect === "postgres" ? " template template0 encoding 'UTF8'" : "";
  await server.execute(`create database ${quoted}${how}`);
}
