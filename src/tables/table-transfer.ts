/**
 * Emptying a table, and its rows as lines of JSON: the first line says what it is, each further
 * one is a row. A key or a value that JSON would alter stands there in its own encoding.
 */
import { InvalidArgumentError } from "../errors.ts";
import { checkEncodedKey, decodeKey, encodeKey, type Key } from "./key.ts";
import type { TableReads } from "./table-reads.ts";
import type { TableType } from "./table-state.ts";
import { checkEncodedValue, decodeValue, encodeValue } from "./value.ts";
import type { WriteResult } from "./write-calls.ts";

/** The form of the lines. */
const VERSION = 1;
/** Rows of one batch while a table is emptied or filled, so that the node breathes in between. */
const BATCH_ROWS = 1000;
/** Bytes of lines of one batch. */
const BATCH_UNITS = 1024 * 1024;
const LINE_UNITS_MAX = 16 * 1024 * 1024;

/** One row of an export, as its line says it. */
interface Line {
  readonly key?: Key;
  readonly encodedKey?: string;
  readonly value?: unknown;
  readonly encodedValue?: string;
}

/** Removes all rows under all keys, hidden ones too, batch by batch. Resolves to their number. */
export async function clearTable(
  reads: TableReads,
  deleteMany: (keys: readonly Key[]) => Promise<WriteResult>,
): Promise<number> {
  reads.tables.checkWritable(1, reads.state);
  let removed = 0;
  let keys: Key[] = [];
  for (const key of reads.state.rows.keys()) {
    keys.push(decodeKey(key));
    if (keys.length < BATCH_ROWS) continue;
    removed += keys.length;
    await deleteMany(keys);
    keys = [];
  }
  if (keys.length > 0) await deleteMany(keys);
  return removed + keys.length;
}

/** The lines of an export, without line ends. Rows are given as pairs, what is hidden left out. */
export function* exportLines(
  reads: TableReads,
  rows: Iterable<readonly [Key, unknown]>,
): IterableIterator<string> {
  const { name, type } = reads.state;
  yield JSON.stringify({ skein: VERSION, table: name, type });
  for (const [key, value] of rows) yield JSON.stringify(lineOf(key, value));
}

/**
 * Writes the rows of an export, batch by batch. Resolves to their number.
 * @throws InvalidArgumentError with the number of the line; batches before it stand
 */
export async function importLines<V>(
  reads: TableReads,
  lines: Iterable<string> | AsyncIterable<string>,
  write: (entries: readonly (readonly [Key, V])[]) => Promise<WriteResult>,
): Promise<number> {
  reads.tables.checkWritable(1, reads.state);
  const { type } = reads.state;
  let number = 0;
  let rows = 0;
  let units = 0;
  let entries: (readonly [Key, V])[] = [];
  for await (const line of lines) {
    number++;
    if (number === 1) {
      checkHeader(line, type);
      continue;
    }
    if (line === "") continue;
    entries.push(entryOf<V>(line, number));
    units += line.length;
    if (entries.length < BATCH_ROWS && units < BATCH_UNITS) continue;
    rows += entries.length;
    await write(entries);
    entries = [];
    units = 0;
  }
  if (number === 0) throw new InvalidArgumentError("an export has a first line, this has none");
  if (entries.length > 0) await write(entries);
  return rows + entries.length;
}

function lineOf(key: Key, value: unknown): Line {
  const encodedKey = encodeKey(key);
  const encodedValue = encodeValue(value);
  return {
    ...(isKeptByJson(key, encodedKey, encodeKey) ? { key } : { encodedKey }),
    ...(isKeptByJson(value, encodedValue, encodeValue) ? { value } : { encodedValue }),
  };
}

function isKeptByJson(
  given: unknown,
  encoded: string,
  encode: (value: unknown) => string,
): boolean {
  try {
    return encode(JSON.parse(JSON.stringify(given))) === encoded;
  } catch {
    return false;
  }
}

function checkHeader(line: string, type: TableType): void {
  const header = parse(line, 1);
  const version: unknown = Reflect.get(header, "skein");
  if (version !== VERSION) {
    throw new InvalidArgumentError(`line 1: no export of version ${VERSION}: ${line.slice(0, 80)}`);
  }
  const given: unknown = Reflect.get(header, "type");
  if (given === type) return;
  throw new InvalidArgumentError(`line 1: rows of a ${String(given)}, this table is a ${type}`);
}

function entryOf<V>(line: string, number: number): readonly [Key, V] {
  const given: Line = parse(line, number);
  try {
    if (given.encodedKey !== undefined) checkEncodedKey(given.encodedKey);
    if (given.encodedValue !== undefined) checkEncodedValue(given.encodedValue);
    const { key, encodedKey, value, encodedValue } = given;
    const decoded = encodedKey === undefined ? key : decodeKey(encodedKey);
    if (decoded === undefined) throw new InvalidArgumentError("no key");
    encodeKey(decoded);
    const content = encodedValue === undefined ? value : decodeValue(encodedValue);
    return [decoded, content as V];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`line ${number}: ${why}`, { cause: error });
  }
}

function parse(line: unknown, number: number): object {
  if (typeof line !== "string" || line.length > LINE_UNITS_MAX) {
    throw new InvalidArgumentError(
      `line ${number} is no string of ${LINE_UNITS_MAX} units at most`,
    );
  }
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch (error) {
    throw new InvalidArgumentError(`line ${number} is no JSON`, { cause: error });
  }
  throw new InvalidArgumentError(`line ${number} is no object`);
}
