/**
 * The tables of discovery, as migrations. A released migration never changes, and a new one only
 * adds: nodes of the version before must go on working while a cluster is upgraded.
 *
 * Every statement may be repeated, because some databases commit each CREATE by itself and a
 * process may be killed between two of them.
 */
import { type Migration, sql } from "kysely";
import { UnsupportedError } from "../../errors.ts";
import type { DatabaseTraits, Executor } from "./database.ts";

/** Names of the tables, with the user's prefix. */
export interface TableNames {
  readonly nodes: string;
  readonly counter: string;
  readonly lease: string;
  readonly migration: string;
  readonly migrationLock: string;
}

/** Longest cluster or node name in characters: two of them fit into one index on MySQL. */
export const NAME_LENGTH_MAX = 250;

export function tableNames(prefix: string): TableNames {
  return {
    nodes: `${prefix}discovery_nodes`,
    counter: `${prefix}discovery_counter`,
    lease: `${prefix}discovery_lease`,
    migration: `${prefix}skein_discovery_migration`,
    migrationLock: `${prefix}skein_discovery_migration_lock`,
  };
}

/** All migrations by name, in the order of their names. */
export function discoveryMigrations(
  names: TableNames,
  traits: DatabaseTraits,
): Record<string, Migration> {
  const tail = sql.raw(traits.createTableTail);
  return {
    "0001_nodes": {
      async up(db) {
        await sql`create table if not exists ${sql.table(names.nodes)} (
          cluster_name varchar(250) not null,
          node_name varchar(250) not null,
          node_num integer,
          address varchar(1024) not null,
          updated_timestamp bigint not null,
          incarnation bigint not null,
          protocol_min integer not null,
          protocol_max integer not null,
          state varchar(16) not null,
          primary key (cluster_name, node_name),
          unique (cluster_name, node_num)
        ) ${tail}`.execute(db);
        await sql`create table if not exists ${sql.table(names.counter)} (
          cluster_name varchar(250) not null primary key,
          next_origin bigint not null
        ) ${tail}`.execute(db);
        await checkColumns(db, names);
      },
    },
    "0002_lease": {
      async up(db) {
        await sql`create table if not exists ${sql.table(names.lease)} (
          cluster_name varchar(250) not null,
          lease_name varchar(64) not null,
          holder_name varchar(250) not null,
          holder_origin bigint not null,
          term bigint not null,
          expires_timestamp bigint not null,
          primary key (cluster_name, lease_name)
        ) ${tail}`.execute(db);
        await checkLeaseColumns(db, names);
      },
    },
  };
}

async function checkLeaseColumns(executor: Executor, names: TableNames): Promise<void> {
  try {
    await sql`select cluster_name, lease_name, holder_name, holder_origin, term, expires_timestamp
      from ${sql.table(names.lease)} where 1 = 0`.execute(executor);
  } catch (error) {
    throw new UnsupportedError(
      `a table ${names.lease} exists that is not of this program; ` +
        "choose another tableOptions.prefix",
      { cause: error },
    );
  }
}

/** A table of that name may have been there before, made by somebody else. */
async function checkColumns(executor: Executor, names: TableNames): Promise<void> {
  try {
    await sql`select cluster_name, node_name, node_num, address, updated_timestamp, incarnation,
      protocol_min, protocol_max, state from ${sql.table(names.nodes)} where 1 = 0`.execute(
      executor,
    );
    await sql`select cluster_name, next_origin from ${sql.table(names.counter)}
      where 1 = 0`.execute(executor);
  } catch (error) {
    throw new UnsupportedError(
      `a table ${names.nodes} or ${names.counter} exists that is not of this program; ` +
        "choose another tableOptions.prefix",
      { cause: error },
    );
  }
}
