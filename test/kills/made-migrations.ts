/**
 * What a new database gets, and two migrations more, which change a table with rows: many steps,
 * new columns, data, and indexes that are built while others write.
 */
import { STORE_MIGRATIONS } from "../../src/persistent/migrations/store-migrations.ts";
import type { Migration, MigrationStep } from "../../src/sql/migrations/migration.ts";

/** All that a process applies. */
export function migrationsOf(): readonly Migration[] {
  const last = STORE_MIGRATIONS.at(-1)?.version ?? 0;
  return [...STORE_MIGRATIONS, widening(last + 1), splitting(last + 2)];
}

/** The table that has rows before. */
export function keptTable(prefix: string): string {
  return `${prefix}kept`;
}

/** The table that is made of it: each of its rows comes three times. */
export function madeTable(prefix: string): string {
  return `${prefix}made`;
}

function widening(version: number): Migration {
  return {
    version,
    name: "widening",
    steps: ({ prefix, traits }) => {
      const table = keptTable(prefix);
      return [
        { kind: "column", table, column: "twice", type: "bigint" },
        { kind: "column", table, column: "body", type: traits.longText },
        { kind: "sql", text: `update ${table} set twice = 2 * id where twice is null` },
        index(`${prefix}kept_twice`, table, "twice"),
        { kind: "sql", text: `update ${table} set twice = twice + 1 where twice = 2 * id` },
      ];
    },
  };
}

function splitting(version: number): Migration {
  return {
    version,
    name: "splitting",
    steps: ({ prefix, traits }) => {
      const [from, to] = [keptTable(prefix), madeTable(prefix)];
      const fill = (which: number): MigrationStep => ({
        kind: "sql",
        text:
          `insert into ${to} (kept_id, part) select k.id, ${which} from ${from} k ` +
          `where not exists (select 1 from ${to} m where m.kept_id = k.id and m.part = ${which})`,
      });
      return [
        {
          kind: "table",
          table: to,
          // No key that would keep a row from coming twice.
          parts: ["kept_id bigint not null", "part integer not null"],
        },
        fill(1),
        index(`${prefix}made_by_kept`, to, "kept_id"),
        fill(2),
        { kind: "column", table: to, column: "note", type: traits.longText },
        fill(3),
        index(`${prefix}made_by_part`, to, "part"),
      ];
    },
  };
}

function index(name: string, table: string, column: string): MigrationStep {
  return { kind: "index", index: name, table, columns: [column], concurrently: true };
}
