/** Reads a replica's state out as plain data, in cluster-wide ids, for the checkers. */
import type { Row } from "../../src/tables/row.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import type { Tables } from "../../src/tables/tables.ts";
import type { Dot, OracleSibling, ReplicaView } from "./oracle.ts";

/** One stored sibling, and whether this node shows it. */
export interface StoredSibling extends OracleSibling {
  readonly hidden: boolean;
}

/** What the replica covers, has closed and retired. */
export function readView(tables: Tables): ReplicaView {
  const { origins } = tables.replica;
  const vector = new Map<number, number>();
  const closed = new Set<number>();
  for (let index = 0; index < origins.ids.length; index++) {
    const id = origins.ids[index] as number;
    if (origins.retired.has(id)) continue;
    const seq = origins.vector[index] as number;
    if (seq > 0) vector.set(id, seq);
    if (origins.closed[index]) closed.add(id);
  }
  return { vector, closed, isRetired: (origin) => origins.retired.has(origin) };
}

/** The stored siblings under a key, as they are chained; rows of closed owners left out. */
export function storedUnder(tables: Tables, tableId: string, key: string): StoredSibling[] {
  const table = tables.replica.tables.get(tableId);
  const head = table?.rows.get(key);
  return table === undefined || head === undefined ? [] : chainOf(tables, table, head);
}

/** Everything stored, by key of each table. */
export function* allStored(
  tables: Tables,
): Generator<{ table: TableState; key: string; siblings: StoredSibling[] }> {
  for (const table of tables.replica.tables.values()) {
    for (const head of table.rows.values()) {
      const siblings = chainOf(tables, table, head);
      if (siblings.length > 0) yield { table, key: head.key, siblings };
    }
  }
}

/** A row that is still held although its owner is closed; null if there is none. */
export function firstGone(tables: Tables): string | null {
  for (const table of tables.replica.tables.values()) {
    for (const head of table.rows.values()) {
      for (let row: Row | null = head; row !== null; row = row.next) {
        if (table.isGone(row)) return `${table.id} ${row.key}`;
      }
    }
  }
  return null;
}

/** Births killed before they came, as "table key origin:seq". */
export function readAhead(tables: Tables): Set<string> {
  const ahead = new Set<string>();
  for (const entry of tables.replica.ahead.list()) {
    const id = tables.replica.origins.ids[entry.origin];
    ahead.add(`${entry.table.id} ${JSON.stringify(entry.key)} ${id}:${entry.seq}`);
  }
  return ahead;
}

/** One line that is equal where views and rows are equal. */
export function fingerprint(tables: Tables): { view: string; rows: string } {
  const { vector, closed } = readView(tables);
  const retired = tables.replica.origins.retired.list();
  const entries = [...vector].sort((a, b) => a[0] - b[0]);
  const view = JSON.stringify([entries, [...closed].sort((a, b) => a - b), retired]);
  const lines: string[] = [];
  for (const { table, key, siblings } of allStored(tables)) {
    lines.push(JSON.stringify([table.id, key, siblings.map((row) => [row.birth, row.dot])]));
  }
  return { view, rows: lines.sort().join("\n") };
}

/** Rows that a node holds and others of these have written. */
export function rowsOfOthers(
  one: { readonly origin: number; readonly engine: { readonly tables: Tables } },
  live: readonly { readonly origin: number }[],
): { readonly table: TableState; readonly row: Row }[] {
  const { ids } = one.engine.tables.replica.origins;
  const owners = new Set(live.filter((other) => other !== one).map(({ origin }) => origin));
  const rows: { table: TableState; row: Row }[] = [];
  for (const table of one.engine.tables.replica.tables.values()) {
    for (const head of table.rows.values()) {
      for (let row: Row | null = head; row !== null; row = row.next) {
        if (owners.has(ids[row.birthOrigin] as number)) rows.push({ table, row });
      }
    }
  }
  return rows;
}

function chainOf(tables: Tables, table: TableState, head: Row): StoredSibling[] {
  const { ids } = tables.replica.origins;
  const siblings: StoredSibling[] = [];
  for (let row: Row | null = head; row !== null; row = row.next) {
    if (table.isGone(row)) continue;
    const birth: Dot = [ids[row.birthOrigin] as number, row.birthSeq];
    const dot: Dot = [ids[row.dotOrigin] as number, row.dotSeq];
    const { hi, lo, value } = row;
    siblings.push({ birth, dot, stamp: [hi, lo], value, hidden: table.isHidden(row) });
  }
  return siblings;
}
