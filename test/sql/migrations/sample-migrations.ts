/** Migrations with a step of every kind, for tests: four of them, with rows to count. */
import type { Migration } from "../../../src/sql/migrations/migration.ts";

const KINDS = 4;

/** `edited` changes the third one, as nobody must. */
export function sampleMigrations(edited = false): readonly Migration[] {
  return Array.from({ length: KINDS }, (_, at): Migration => {
    const version = at + 1;
    return {
      version,
      name: `sample_${version}`,
      steps: ({ prefix, traits }) => {
        const table = `${prefix}t${version}`;
        const count = edited && version === 3 ? "bigint" : "integer";
        return [
          { kind: "table", table, parts: ["id integer not null primary key", `n ${count}`] },
          { kind: "column", table, column: "body", type: traits.longText },
          {
            kind: "sql",
            text: `insert into ${table} (id, n)
              select x.id, x.n from (select 1 as id, 1 as n) x
              where not exists (select 1 from ${table} where id = 1)`,
          },
          {
            kind: "index",
            index: `${table}_n`,
            table,
            columns: ["n"],
            // Every other one, so that both ways are walked.
            ...(version % 2 === 0 ? { concurrently: true } : {}),
          },
        ];
      },
    };
  });
}
