/** Which rights a role lacks for making and using tables, each with the command that grants it. */
import type { SqlDatabase } from "./database.ts";
import { textOf } from "./row-values.ts";

/** A right that is missing. */
export interface MissingGrant {
  /** For example `CREATE on schema public (CREATE TABLE, CREATE INDEX, CREATE TYPE)`. */
  readonly right: string;
  /** What an administrator runs. */
  readonly command: string;
}

/** Looks at the rights for the schema, and for those of the tables that exist. */
export async function missingGrants(
  database: SqlDatabase,
  tables: readonly string[],
): Promise<readonly MissingGrant[]> {
  switch (database.dialect) {
    case "postgres":
    case "cockroach":
      return missingOnPostgres(database, tables);
    case "mysql":
      return missingOnMysql(database);
    case "sqlite":
      return [];
    default:
      return database.dialect satisfies never;
  }
}

async function missingOnPostgres(
  database: SqlDatabase,
  tables: readonly string[],
): Promise<readonly MissingGrant[]> {
  const [place] = await database.query(
    `select quote_ident(current_user) as role, quote_ident(n.nspname) as schema,
       has_schema_privilege(n.oid, 'USAGE') as usage, has_schema_privilege(n.oid, 'CREATE') as make
     from pg_namespace n where n.nspname = coalesce(current_schema()::text, (
       select case when s = '"$user"' then current_user::text else s end
       from unnest(string_to_array(replace(current_setting('search_path'), ' ', ''), ',')) as s
       where exists (select 1 from pg_namespace where nspname = trim(both '"' from s)) limit 1))`,
  );
  if (place === undefined) {
    const command = "CREATE SCHEMA … AUTHORIZATION …, or ALTER ROLE … SET search_path = …";
    return [{ right: "a schema in search_path that exists", command }];
  }
  const [role, schema] = [textOf(place.role), textOf(place.schema)];
  const missing: MissingGrant[] = [];
  const grant = (right: string, on: string, why = "") => {
    const command = `GRANT ${right} ON ${on} TO ${role}`;
    missing.push({ right: `${right} on ${on.toLowerCase()}${why}`, command });
  };
  if (place.usage !== true) grant("USAGE", `SCHEMA ${schema}`);
  if (place.make !== true) {
    grant("CREATE", `SCHEMA ${schema}`, " (CREATE TABLE, CREATE INDEX, CREATE TYPE)");
  }
  if (place.usage !== true) return missing;
  const rows = await database.query(
    `select c.relname as name, pg_has_role(c.relowner, 'USAGE') as owns, p.kind,
       has_table_privilege(c.oid, p.kind) as has
     from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as p(kind)
     where c.oid in (select to_regclass(t) from unnest(?::text[]) as t) order by 1, 3`,
    [tables],
  );
  for (const row of rows) {
    if (row.has !== true) grant(textOf(row.kind), `TABLE ${textOf(row.name)}`);
  }
  for (const name of new Set(
    rows.filter((row) => row.owns !== true).map(({ name }) => textOf(name)),
  )) {
    missing.push({
      right: `ownership of table ${name} (ALTER TABLE, CREATE INDEX)`,
      command: `ALTER TABLE ${name} OWNER TO ${role}`,
    });
  }
  return missing;
}

const MYSQL_RIGHTS = ["CREATE", "ALTER", "INDEX", "SELECT", "INSERT", "UPDATE", "DELETE"];

/** Of a database; rights that a role of MySQL's brings cannot be seen, and none is then missed. */
async function missingOnMysql(database: SqlDatabase): Promise<readonly MissingGrant[]> {
  const [place] = await database.query(
    "select current_user() as account, current_role() as role, database() as name",
  );
  const role = place?.role;
  if (role !== null && role !== undefined && textOf(role) !== "NONE") return [];
  const [user, host] = splitAccount(textOf(place?.account));
  const grantee = `'${user}'@'${host}'`;
  const name = textOf(place?.name);
  const rows = await database.query(
    `select privilege_type as kind from information_schema.user_privileges where grantee = ?
     union select privilege_type as kind from information_schema.schema_privileges
     where grantee = ? and ? like table_schema`,
    [grantee, grantee, name],
  );
  const has = new Set(rows.map((row) => textOf(row.kind)));
  return MYSQL_RIGHTS.filter((right) => !has.has(right)).map((right) => ({
    right: `${right} on database ${name}`,
    command: `GRANT ${right} ON \`${name}\`.* TO ${grantee}`,
  }));
}

function splitAccount(account: string): readonly [string, string] {
  const at = account.lastIndexOf("@");
  return [account.slice(0, at), account.slice(at + 1)];
}
