/**
 * What a migration is: a number, a name, and steps that each may be repeated, for some databases
 * commit each step by itself and a process may be killed between two of them.
 *
 * A released migration never changes: its checksum is kept in the database. A later one first adds
 * (columns, tables), and takes away only what no program in use needs; `readableBy` says which.
 */
import { createHash } from "node:crypto";
import type { SqlDialect, SqlTraits } from "../dialect.ts";

/** One step. Names are of tables, columns and indexes as they are in the database. */
export type MigrationStep =
  | {
      readonly kind: "table";
      readonly table: string;
      /** Columns and keys, one each. */
      readonly parts: readonly string[];
    }
  | {
      readonly kind: "index";
      readonly index: string;
      readonly table: string;
      readonly columns: readonly string[];
      /** Built while others write, outside of a transaction, where the database can. */
      readonly concurrently?: boolean;
    }
  | {
      readonly kind: "column";
      readonly table: string;
      readonly column: string;
      readonly type: string;
    }
  /** Any statement that does no harm when it is run a second time. */
  | { readonly kind: "sql"; readonly text: string };

/** See the head of this file. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  /** Lower case letters, digits and _. */
  readonly name: string;
  /** The lowest version whose programs can work with the tables after this. Default: any. */
  readonly readableBy?: number;
  readonly steps: (at: MigrationPlace) => readonly MigrationStep[];
}

/** Where a migration is applied. */
export interface MigrationPlace {
  readonly dialect: SqlDialect;
  readonly traits: SqlTraits;
  /** Goes before the name of every table and index. */
  readonly prefix: string;
}

/** The statement of a step, as it is run on an empty database. */
export function statementOf(step: MigrationStep, { dialect, traits }: MigrationPlace): string {
  switch (step.kind) {
    case "table": {
      const parts = step.parts.map((part) => `  ${part}`).join(",\n");
      const tail = traits.createTableTail === "" ? "" : ` ${traits.createTableTail}`;
      return `create table if not exists ${step.table} (\n${parts}\n)${tail}`;
    }
    case "index": {
      const how = step.concurrently === true && dialect === "postgres" ? " concurrently" : "";
      const once = traits.upsert === "on conflict" ? " if not exists" : "";
      const columns = step.columns.join(", ");
      return `create index${how}${once} ${step.index} on ${step.table} (${columns})`;
    }
    case "column": {
      const once = dialect === "postgres" || dialect === "cockroach" ? " if not exists" : "";
      return `alter table ${step.table} add column${once} ${step.column} ${step.type}`;
    }
    case "sql":
      return step.text;
    default:
      return step satisfies never;
  }
}

/** All statements of a migration. */
export function textOfMigration(migration: Migration, at: MigrationPlace): string {
  return migration
    .steps(at)
    .map((step) => `${statementOf(step, at)};\n`)
    .join("\n");
}

/** 64 hex digits over the statements, whatever the prefix. */
export function checksumOf(migration: Migration, at: MigrationPlace): string {
  const text = textOfMigration(migration, { ...at, prefix: "" });
  return createHash("sha256").update(text).digest("hex");
}

/** The step must run outside of a transaction. */
export function needsNoTransaction(step: MigrationStep, { dialect }: MigrationPlace): boolean {
  return step.kind === "index" && step.concurrently === true && dialect === "postgres";
}
