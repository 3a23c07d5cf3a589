/**
 * At rest nothing is kept of rows that are gone: no birth that is awaited, no sibling that is none,
 * no row noted as shadowed, no merged value, no change that is still to be told.
 */
import type { TableState } from "../../src/tables/table-state.ts";
import type { Incarnation } from "./incarnation.ts";

/** What is left over on that node; null if there is nothing. */
export function leftover(one: Incarnation): string | null {
  const { replica } = one.engine.tables;
  if (replica.ahead.size > 0) return `${replica.ahead.size} births are awaited`;
  if (replica.deliveries.isDue) return "something is still to be told";
  if (replica.touchSets.size > 0) return `${replica.touchSets.size} lists of touched keys are kept`;
  for (const table of replica.tables.values()) {
    const what = ofTable(table, replica.origins.self);
    if (what !== null) return `${table.id}: ${what}`;
  }
  return null;
}

function ofTable(table: TableState, self: number): string | null {
  for (const key of table.multi) {
    if ((table.rows.get(key)?.next ?? null) === null) return `${key} counts as having siblings`;
  }
  for (const key of table.merged?.keys() ?? []) {
    if (!table.multi.has(key)) return `a merged value of ${key} is kept, which has no siblings`;
  }
  const seqs = new Set<number>();
  for (const head of table.rows.values()) {
    for (let row: typeof head | null = head; row !== null; row = row.next) {
      if (row.birthOrigin === self) seqs.add(row.birthSeq);
    }
  }
  for (const seq of table.lost?.shadowed ?? []) {
    if (!seqs.has(seq)) return `birth ${seq} is noted as shadowed, and gone`;
  }
  if (table.feed?.isIdle === false) return "a watcher has not been told of all";
  return null;
}
