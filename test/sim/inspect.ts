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

/** Whether exactly these are stored under a key, in that order. */
export function isStored(
  tables: Tables,
  place: { readonly table: string; readonly key: string },
  expected: readonly OracleSibling[],
): boolean {
  const table = tables.replica.tables.get(place.table);
  const { ids } = tables.replica.origins;
  let at = 0;
  for (let row = table?.rows.get(place.key) ?? null; row !== null; row = row.next) {
    if (table?.isGone(row)) continue;
    const { birth, dot, stamp, value } = expected[at++] ?? NOTHING;
    if (birth[0] !== ids[row.birthOrigin] || birth[1] !== row.birthSeq) return false;
    if (dot[0] !== ids[row.dotOrigin] || dot[1] !== row.dotSeq) return false;
    if (stamp[0] !== row.hi || stamp[1] !== row.lo || value !== row.value) return false;
  }
  return at === expected.length;
}

const NOTHING: OracleSibling = { birth: [0, 0], dot: [0, 0], stamp: [0, 0], value: "" };

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

/** Texts that are equal where views and where rows are equal; the rows' one is a sum. */
export function fingerprint(tables: Tables): { view: string; rows: string } {
  const { origins } = tables.replica;
  const entries: string[] = [];
  for (let index = 0; index < origins.ids.length; index++) {
    const id = origins.ids[index] as number;
    const seq = origins.vector[index] as number;
    if ((seq === 0 && !origins.closed[index]) || origins.retired.has(id)) continue;
    entries.push(`${id}:${seq}${origins.closed[index] ? " closed" : ""}`);
  }
  const view = `${entries.sort().join(", ")}; retired ${origins.retired.list().join(" ")}`;
  return { view, rows: sumOfRows(tables) };
}

/** Each row as a line, in order: what a sum stands for. */
export function rowLines(tables: Tables): string[] {
  const lines: string[] = [];
  for (const { table, key, siblings } of allStored(tables)) {
    lines.push(JSON.stringify([table.id, key, siblings.map((row) => [row.birth, row.dot])]));
  }
  return lines.sort();
}

/** Sums of 64 hash bits over births and dots with their places, in whatever order they come. */
function sumOfRows(tables: Tables): string {
  const { ids } = tables.replica.origins;
  let count = 0;
  let [a, b] = [0, 0];
  for (const table of tables.replica.tables.values()) {
    const tableHash = hashOf(table.id, 0x9e3779b9);
    for (const head of table.rows.values()) {
      let hash = hashOf(head.key, tableHash);
      for (let row: Row | null = head; row !== null; row = row.next) {
        if (table.isGone(row)) continue;
        // Each sibling's hash goes on from the one before: their order counts.
        hash = mixed(mixed(hash, ids[row.birthOrigin] as number), row.birthSeq);
        hash = mixed(mixed(hash, ids[row.dotOrigin] as number), row.dotSeq);
        count++;
        a = (a + hash) | 0;
        b = (b + mixed(hash, 0x85ebca6b)) | 0;
      }
    }
  }
  return `${count} rows ${a}.${b}`;
}

function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = mixed(hash, text.charCodeAt(at));
  return hash;
}

function mixed(hash: number, word: number): number {
  const h = Math.imul(hash ^ word, 0x85ebca6b);
  return Math.imul(h ^ (h >>> 15), 0xc2b2ae35) ^ (h >>> 13);
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
