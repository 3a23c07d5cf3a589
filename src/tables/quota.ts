/** Quotas of a table: checked on the node that writes, for rows must be the same everywhere. */
import { TooLargeError } from "../errors.ts";
import type { TableState } from "./table-state.ts";

/** The quotas of one table. */
export interface Quota {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/**
 * Throws unless rows to be written fit: keys count against `maxRows`, hidden ones too, keys and
 * encoded values against `maxBytes`. What is written over another row counts by what it adds.
 * @throws TooLargeError
 */
export function checkQuota(
  { maxRows, maxBytes }: Quota,
  table: TableState,
  entries: readonly (readonly [key: string, value: string])[],
): void {
  const added = additions(table, entries);
  const rows = table.rows.size + added.rows;
  if (added.rows > 0 && rows > maxRows) {
    throw new TooLargeError(`table "${table.name}" would have ${rows} rows, at most ${maxRows}`);
  }
  const bytes = table.bytes + added.bytes;
  if (added.bytes > 0 && bytes > maxBytes) {
    throw new TooLargeError(`table "${table.name}" would have ${bytes} bytes, at most ${maxBytes}`);
  }
}

function additions(
  table: TableState,
  entries: readonly (readonly [key: string, value: string])[],
): { rows: number; bytes: number } {
  const before = new Map<string, number>();
  let rows = 0;
  let bytes = 0;
  for (const [key, value] of entries) {
    const size = key.length + value.length;
    const replaced = before.get(key) ?? heldBytes(table, key);
    if (replaced === 0 && !before.has(key)) rows++;
    if (table.type === "bag") bytes += size;
    else bytes += size - replaced;
    before.set(key, table.type === "bag" ? 1 : size);
  }
  return { rows, bytes };
}

/** Bytes of all rows under a key. */
function heldBytes(table: TableState, key: string): number {
  let bytes = 0;
  for (let row = table.rows.get(key) ?? null; row !== null; row = row.next) {
    bytes += row.key.length + row.value.length;
  }
  return bytes;
}
