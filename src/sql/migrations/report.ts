/** How a database stands beside the program, for people to read. */
import type { SqlDatabase } from "../database.ts";
import type { SqlDialect } from "../dialect.ts";
import { mysqlTraits } from "../mysql/mysql-traits.ts";
import { cockroachTraits, postgresTraits } from "../postgres/postgres-traits.ts";
import { sqliteTraits } from "../sqlite/sqlite-traits.ts";
import { placeOf } from "./migrate.ts";
import { checksumOf, type Migration, textOfMigration } from "./migration.ts";
import { readState } from "./state.ts";

/** One migration. */
export interface ReportedMigration {
  readonly version: number;
  readonly name: string;
  /**
   * `begun`: it was cut off and will be completed. `edited`: it is not the one that was applied.
   * `newer`: a newer program applied it.
   */
  readonly state: "applied" | "pending" | "begun" | "edited" | "newer";
  /** ISO 8601, by the database's clock. Undefined if it is pending. */
  readonly appliedAt: string | undefined;
  readonly durationMs: number | undefined;
}

/** Reads only. */
export async function reportMigrations(
  database: SqlDatabase,
  migrations: readonly Migration[],
  prefix: string,
): Promise<readonly ReportedMigration[]> {
  const at = placeOf({ database, prefix });
  const state = await readState(database, migrations, at);
  const own = migrations.map((migration): ReportedMigration => {
    const { version, name } = migration;
    const row = state.applied.find((each) => each.version === version);
    if (row === undefined) {
      return { version, name, state: "pending", appliedAt: undefined, durationMs: undefined };
    }
    const { appliedAtUs, durationMs } = row;
    const isEdited = row.checksum !== checksumOf(migration, at);
    const found = isEdited ? "edited" : row.isDirty ? "begun" : "applied";
    return { version, name, state: found, appliedAt: timeOf(appliedAtUs), durationMs };
  });
  const newer = state.unknown.map(
    ({ version, name, appliedAtUs, durationMs }): ReportedMigration => ({
      ...{ version, name, state: "newer", appliedAt: timeOf(appliedAtUs), durationMs },
    }),
  );
  return [...own, ...newer];
}

const TRAITS = {
  sqlite: sqliteTraits,
  postgres: postgresTraits,
  mysql: mysqlTraits,
  cockroach: cockroachTraits,
} as const;

/** All statements for an empty database of a dialect, without connecting to one. */
export function schemaText(
  dialect: SqlDialect,
  migrations: readonly Migration[],
  prefix: string,
): string {
  const at = { dialect, traits: TRAITS[dialect], prefix };
  return migrations
    .map((each) => `-- ${each.version} ${each.name}\n${textOfMigration(each, at)}`)
    .join("\n");
}

function timeOf(us: bigint): string {
  return new Date(Number(us / 1000n)).toISOString();
}
