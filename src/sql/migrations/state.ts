/** What was applied to a database: one row for each migration. */
import { UnsupportedError } from "../../errors.ts";
import type { SqlSession } from "../database.ts";
import { bigintOf, numberOf, textOf } from "../row-values.ts";
import { checksumOf, type Migration, type MigrationPlace } from "./migration.ts";

/** A row of the table. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  /** The lowest version whose programs can work with the tables after this. */
  readonly readableBy: number;
  /** µs since the Unix epoch, by the database's clock. */
  readonly appliedAtUs: bigint;
  readonly durationMs: number;
  /** It was begun and has not been ended. */
  readonly isDirty: boolean;
}

/** How a database stands beside the program. */
export interface MigrationState {
  readonly applied: readonly AppliedMigration[];
  /** To be applied, or to be ended, in this order. */
  readonly pending: readonly Migration[];
  /** Applied by a newer program. */
  readonly unknown: readonly AppliedMigration[];
}

/** The table's name. */
export function stateTable(prefix: string): string {
  return `${prefix}schema_migration`;
}

/** Makes the table if it is not there; another process may be doing the same. */
export async function makeStateTable(session: SqlSession, at: MigrationPlace): Promise<void> {
  await session.execute(
    `create table if not exists ${stateTable(at.prefix)} (
      version integer not null primary key,
      name varchar(190) not null,
      checksum varchar(64) not null,
      readable_by integer not null,
      applied_at bigint not null,
      duration bigint not null,
      dirty smallint not null
    ) ${at.traits.createTableTail}`,
  );
}

/** Reads the table; one that is not there is empty. */
export async function readState(
  session: SqlSession,
  migrations: readonly Migration[],
  at: MigrationPlace,
): Promise<MigrationState> {
  const applied = await readApplied(session, at);
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  const done = new Set(applied.filter((row) => !row.isDirty).map((row) => row.version));
  return {
    applied,
    pending: migrations.filter((migration) => !done.has(migration.version)),
    unknown: applied.filter((row) => !known.has(row.version)),
  };
}

async function readApplied(session: SqlSession, at: MigrationPlace) {
  try {
    const rows = await session.query(
      `select version, name, checksum, readable_by, applied_at, duration, dirty
       from ${stateTable(at.prefix)} order by version`,
    );
    return rows.map(
      (row): AppliedMigration => ({
        version: numberOf(row.version),
        name: textOf(row.name),
        checksum: textOf(row.checksum),
        readableBy: numberOf(row.readable_by),
        appliedAtUs: bigintOf(row.applied_at),
        durationMs: numberOf(row.duration),
        isDirty: numberOf(row.dirty) !== 0,
      }),
    );
  } catch (error) {
    if (session.traits.isMissingTable(error)) return [];
    throw error;
  }
}

/** Throws if a migration was edited after it was applied, or if the tables are too new for us. */
export function refuseForeign(
  subject: string,
  state: MigrationState,
  migrations: readonly Migration[],
  at: MigrationPlace,
): void {
  for (const migration of migrations) {
    const row = state.applied.find(({ version }) => version === migration.version);
    if (row === undefined || row.checksum === checksumOf(migration, at)) continue;
    throw new UnsupportedError(
      `${subject}: migration ${row.version} "${row.name}" is not the one that was applied ` +
        `(checksum ${row.checksum.slice(0, 12)} there, ${checksumOf(migration, at).slice(0, 12)} ` +
        "here): a released migration must not be edited; use the program that applied it",
    );
  }
  const own = migrations.at(-1)?.version ?? 0;
  for (const row of state.unknown) {
    if (row.readableBy <= own) continue;
    throw new UnsupportedError(
      `${subject}: its tables were brought to version ${row.version} "${row.name}", which this ` +
        `program cannot read: it knows version ${own}, needed is ${row.readableBy} or newer`,
    );
  }
}

/** Notes that a migration was begun, or that it is done. */
export async function writeRow(
  session: SqlSession,
  at: MigrationPlace,
  row: { readonly migration: Migration; readonly durationMs: number; readonly isDirty: boolean },
): Promise<void> {
  const { migration, durationMs, isDirty } = row;
  const table = stateTable(at.prefix);
  const duration = BigInt(Math.round(durationMs));
  const dirty = isDirty ? 1 : 0;
  const changed = await session.execute(
    `update ${table} set duration = ?, dirty = ?, applied_at = ${at.traits.nowUs}
     where version = ?`,
    [duration, dirty, migration.version],
  );
  if (changed > 0) return;
  await session.execute(
    `insert into ${table} (version, name, checksum, readable_by, applied_at, duration, dirty)
     values (?, ?, ?, ?, ${at.traits.nowUs}, ?, ?)`,
    [
      migration.version,
      migration.name,
      checksumOf(migration, at),
      migration.readableBy ?? 0,
      duration,
      dirty,
    ],
  );
}
