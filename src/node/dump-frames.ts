/** The frames of remote dumps: a request for the first or the next page, and a page. */
import { type ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { stampToMs } from "../tables/hybrid-clock.ts";
import { checkEncodedKey, KEY_BYTES_MAX } from "../tables/key.ts";
import type { Row } from "../tables/row.ts";
import type { DumpedRow } from "../tables/table-reads.ts";
import type { TableIdentity } from "../tables/table-state.ts";
import { checkEncodedValue, decodeValue, VALUE_BYTES_MAX } from "../tables/value.ts";

export const FRAME_DUMP_REQUEST = 0x41;
export const FRAME_DUMP_PAGE = 0x42;

const NAME_BYTES_MAX = 1024;
/** A page is full with so many bytes, or so many rows. */
const PAGE_BYTES = 256 * 1024;
const PAGE_ROWS = 500;
const ROWS_MAX = 100_000;

const IS_BAG = 1;
const IS_CLUSTER = 2;
const WITH_HIDDEN = 4;
const IS_FIRST = 8;

const GOES_ON = 0;
const LAST = 1;
const REFUSED = 2;

/** What is asked for. */
export interface DumpRequest {
  /** Of the asking node: all pages of one dump have the same. */
  readonly id: number;
  readonly isFirst: boolean;
  readonly table: TableIdentity;
  /** Rows of absent owners and lost siblings, too. */
  readonly hidden: boolean;
}

/** A row as it comes: its key still encoded, its owner known by its id alone. */
export type PageRow = Omit<DumpedRow<unknown>, "key" | "owner"> & { readonly key: string };

export function writeRequest(writer: ByteWriter, request: DumpRequest): void {
  const { id, isFirst, table, hidden } = request;
  writer.u8(FRAME_DUMP_REQUEST);
  writer.varint(id);
  const flags =
    (table.type === "bag" ? IS_BAG : 0) |
    (table.lifetime === "cluster" ? IS_CLUSTER : 0) |
    (hidden ? WITH_HIDDEN : 0) |
    (isFirst ? IS_FIRST : 0);
  writer.u8(flags);
  writer.text(table.name);
}

export function readRequest(reader: ByteReader): DumpRequest {
  reader.u8();
  const id = reader.varint();
  const flags = reader.u8();
  if (flags > 15) throw new ProtocolError(`flags ${flags} of a dump, known are 0 to 15`);
  const name = reader.text(NAME_BYTES_MAX);
  if (name === "" || name.includes("|")) throw new ProtocolError("a dump of no table");
  reader.end();
  const table: TableIdentity = {
    name,
    type: (flags & IS_BAG) !== 0 ? "bag" : "set",
    lifetime: (flags & IS_CLUSTER) !== 0 ? "cluster" : "node",
  };
  return { id, isFirst: (flags & IS_FIRST) !== 0, table, hidden: (flags & WITH_HIDDEN) !== 0 };
}

/** One page that is being filled. */
export class DumpPage {
  isLast = false;
  readonly #id: number;
  readonly #rows = new ByteWriter(4096);
  #count = 0;
  #bytes = 0;
  #isRefused = false;

  constructor(id: number) {
    this.#id = id;
  }

  get isFull(): boolean {
    return this.#count >= PAGE_ROWS || this.#bytes >= PAGE_BYTES;
  }

  /** No dump is given: too many are under way, or its place is not known any more. */
  refuse(): void {
    this.#isRefused = true;
  }

  add(row: Row, of: { readonly ids: readonly number[]; readonly isHidden: boolean }): void {
    const rows = this.#rows;
    rows.u8(of.isHidden ? 1 : 0);
    rows.text(row.key);
    rows.varint(of.ids[row.birthOrigin] as number);
    rows.varint(of.ids[row.dotOrigin] as number);
    rows.varint(row.dotSeq);
    rows.varint(row.hi);
    rows.varint(row.lo);
    rows.latin1(row.value);
    this.#count++;
    this.#bytes += row.key.length + row.value.length + 24;
  }

  take(): Uint8Array {
    const head = new ByteWriter(32);
    head.u8(FRAME_DUMP_PAGE);
    head.varint(this.#id);
    head.u8(this.#isRefused ? REFUSED : this.isLast ? LAST : GOES_ON);
    head.varint(this.#count);
    return head.concat(this.#rows);
  }
}

export function readPage(reader: ByteReader): {
  readonly id: number;
  readonly isLast: boolean;
  readonly isRefused: boolean;
  readonly rows: readonly PageRow[];
} {
  reader.u8();
  const id = reader.varint();
  const state = reader.u8();
  if (state > REFUSED) throw new ProtocolError(`page of state ${state}, known are 0 to 2`);
  const count = reader.varint(ROWS_MAX);
  const rows: PageRow[] = [];
  for (let at = 0; at < count; at++) rows.push(readRow(reader));
  reader.end();
  return { id, isLast: state === LAST, isRefused: state === REFUSED, rows };
}

function readRow(reader: ByteReader): PageRow {
  const hidden = reader.u8() !== 0;
  const key = reader.text(2 * KEY_BYTES_MAX);
  checkEncodedKey(key);
  const ownerOrigin = reader.varint();
  const version = `${reader.varint()}.${reader.varint()}`;
  const writtenAt = stampToMs(reader.varint(), reader.varint());
  const value = reader.latin1(VALUE_BYTES_MAX + 1);
  checkEncodedValue(value);
  return { key, value: decodeValue(value), version, ownerOrigin, writtenAt, hidden };
}
