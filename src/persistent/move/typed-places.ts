/**
 * Message archives and rosters among what is copied and moved. They have tables of their own on SQL
 * databases; here stands what copying must know of these: whose rows, in which order, which
 * columns.
 */
import { UnsupportedError } from "../../errors.ts";
import type { BatchColumn } from "../../sql/batch.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import { textOf } from "../../sql/row-values.ts";
import { SqlAdapter } from "../adapters/sql/sql-adapter.ts";
import type { StoreAdapter } from "../contract/driver.ts";
import { roomShape, userShape } from "../mam/message-shape.ts";
import { mamTables } from "../mam/tables.ts";
import { ITEM_COLUMNS } from "../roster/roster-item.ts";
import { rosterTables } from "../roster/tables.ts";
import { nameOf } from "./own-places.ts";
import { TYPED_KINDS, type TypedKind, type TypedPlace } from "./place-kinds.ts";

/** A table of rows that belong to the number of an owner. */
export interface OwnedTable {
  readonly table: string;
  /** The column of the owner's number. */
  readonly owner: string;
  /** The column that orders an owner's rows. */
  readonly key: BatchColumn;
  /** The others. */
  readonly columns: readonly BatchColumn[];
}

/** The tables of one kind. */
export interface TypedTables {
  readonly kind: TypedKind;
  readonly store: TypedPlace["store"];
  /** Who has rows: id, server, name. */
  readonly owners: string;
  /** Of the owners these only: a condition, or "". */
  readonly only: string;
  /** The columns of an owner that are copied, and how a new one begins. */
  readonly ownColumns: readonly string[];
  /** What a new owner has beside server and name. */
  readonly fixed: Readonly<Record<string, string | bigint>>;
  readonly rows: readonly OwnedTable[];
  /** A row of the owner is data itself, and all of an owner is written in one transaction. */
  readonly isOwnerData: boolean;
}

const RULES = { packetBytesMax: 1, hasTextSearch: true };
const RETRACTED: BatchColumn = { name: "retracted_us", type: "bigint" };

/** The tables of a kind under a prefix. */
export function typedTables(kind: TypedKind, prefix: string): TypedTables {
  if (kind === "roster") return tablesOfRosters(prefix);
  const tables = mamTables(prefix);
  const isRoom = kind === "room messages";
  const { table, columns } = (isRoom ? roomShape : userShape)(tables, RULES);
  const [, , ...others] = columns;
  const owner = "archive_id";
  const messages = {
    table,
    owner,
    key: { name: "id", type: "bigint" },
    columns: [...others, RETRACTED],
  } as const;
  const preferences = {
    table: tables.preference,
    owner,
    key: { name: "remote_jid", type: "text" },
    columns: [{ name: "behaviour", type: "text" }],
  } as const;
  const letter = isRoom ? "r" : "u";
  return {
    kind,
    store: "archive",
    owners: tables.archive,
    only: `kind = '${letter}'`,
    ownColumns: [],
    fixed: { kind: letter },
    rows: isRoom ? [messages] : [messages, preferences],
    isOwnerData: false,
  };
}

function tablesOfRosters(prefix: string): TypedTables {
  const tables = rosterTables(prefix);
  return {
    kind: "roster",
    store: "roster",
    owners: tables.owner,
    only: "",
    ownColumns: ["version", "floor_version"],
    fixed: { version: 0n, floor_version: 0n },
    rows: [
      {
        table: tables.item,
        owner: "roster_id",
        key: { name: "jid", type: "text" },
        columns: ITEM_COLUMNS.map((name) => ({ name, type: TYPES.get(name) ?? "text" })),
      },
    ],
    isOwnerData: true,
  };
}

const TYPES: ReadonlyMap<string, BatchColumn["type"]> = new Map([
  ["preapproved", "smallint"],
  ["version", "bigint"],
]);

/** The typed stores of a back end; none where there are no tables. */
export async function typedPlaces(
  adapter: StoreAdapter,
  host: string | undefined,
): Promise<readonly TypedPlace[]> {
  if (!(adapter instanceof SqlAdapter)) return [];
  const places: TypedPlace[] = [];
  for (const kind of TYPED_KINDS) {
    const tables = typedTables(kind, adapter.tablePrefix);
    const { store, owners, only } = tables;
    const text =
      `select distinct server from ${owners} where ${only === "" ? "1 = 1" : only}` +
      `${host === undefined ? "" : " and server = ?"} order by server`;
    const rows = await adapter.database.query(text, host === undefined ? [] : [host]);
    for (const row of rows) places.push({ host: textOf(row.server), store, kind });
  }
  return places;
}

/**
 * The database of a typed store.
 * @throws UnsupportedError if the back end has no tables
 */
export function databaseOf(
  adapter: StoreAdapter,
  place: TypedPlace,
): { readonly database: SqlDatabase; readonly prefix: string } {
  if (adapter instanceof SqlAdapter) {
    return { database: adapter.database, prefix: adapter.tablePrefix };
  }
  throw new UnsupportedError(
    `${nameOf(place)} has tables of its own, which the adapter "${adapter.name}" ` +
      'does not have, allowed is the adapter "sql"; nothing was changed; name the stores that are ' +
      "to be copied, or choose another target",
  );
}
