/**
 * Frames that carry rows name each origin and each table once, in a dictionary in front, and
 * refer to them by position. This writes and reads that dictionary.
 */
import { type ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { NAME_BYTES_MAX, ORIGINS_MAX, TABLES_MAX } from "./frame-kinds.ts";
import type { Replica } from "./replica.ts";
import type { TableState } from "./table-state.ts";

const BAG = 1;
const CLUSTER = 2;

/** Collects a body and the dictionary that it needs; one writer serves one frame at a time. */
export class DictionaryWriter {
  readonly body = new ByteWriter();
  readonly #out = new ByteWriter();
  readonly #ids: readonly number[];
  /** Position by local origin index, valid where the epoch is this frame's. */
  readonly #position: number[] = [];
  readonly #epochs: number[] = [];
  #epoch = 0;
  readonly #origins: number[] = [];
  readonly #tables: TableState[] = [];

  constructor(ids: readonly number[]) {
    this.#ids = ids;
  }

  /** Begins a frame. */
  begin(): void {
    this.#epoch++;
    this.#origins.length = 0;
    this.#tables.length = 0;
    this.body.reset();
  }

  /** Writes a reference to an origin into the body. */
  origin(index: number): void {
    if (this.#epochs[index] !== this.#epoch) {
      this.#epochs[index] = this.#epoch;
      this.#position[index] = this.#origins.length;
      this.#origins.push(index);
    }
    this.body.varint(this.#position[index] as number);
  }

  /** Writes a reference to a table into the body. */
  table(table: TableState): void {
    let position = this.#tables.indexOf(table);
    if (position < 0) {
      position = this.#tables.length;
      this.#tables.push(table);
    }
    this.body.varint(position);
  }

  /** The whole frame: kind, dictionary, body. */
  finish(kind: number): Uint8Array {
    const out = this.#out;
    out.reset();
    out.u8(kind);
    out.varint(this.#origins.length);
    for (const index of this.#origins) out.varint(this.#ids[index] as number);
    out.varint(this.#tables.length);
    for (const table of this.#tables) {
      out.u8((table.type === "bag" ? BAG : 0) | (table.lifetime === "cluster" ? CLUSTER : 0));
      out.text(table.name);
    }
    return out.concat(this.body);
  }
}

/** A dictionary as read: positions to local origin indexes and tables. */
export class DictionaryReader {
  readonly #origins: number[] = [];
  readonly #tables: TableState[] = [];
  readonly #reader: ByteReader;

  constructor(reader: ByteReader, replica: Replica) {
    this.#reader = reader;
    const origins = reader.varint(ORIGINS_MAX);
    for (let at = 0; at < origins; at++) this.#origins.push(replica.origins.intern(readId(reader)));
    const tables = reader.varint(TABLES_MAX);
    for (let at = 0; at < tables; at++) this.#tables.push(readTable(reader, replica));
  }

  /** Reads a reference to an origin; returns its local index. */
  origin(): number {
    const index = this.#origins[this.#reader.varint()];
    if (index === undefined) throw new ProtocolError("origin that is not in the dictionary");
    return index;
  }

  /** Reads a reference to a table. */
  table(): TableState {
    const table = this.#tables[this.#reader.varint()];
    if (table === undefined) throw new ProtocolError("table that is not in the dictionary");
    return table;
  }
}

/** Reads an origin id, which is never zero. */
export function readId(reader: ByteReader): number {
  const id = reader.varint();
  if (id === 0) throw new ProtocolError("origin id 0");
  return id;
}

/** Reads a seq, which is never zero. */
export function readSeq(reader: ByteReader): number {
  const seq = reader.varint();
  if (seq === 0) throw new ProtocolError("seq 0");
  return seq;
}

function readTable(reader: ByteReader, replica: Replica): TableState {
  const flags = reader.u8();
  if (flags > (BAG | CLUSTER)) throw new ProtocolError(`table flags ${flags}, known are 0 to 3`);
  const name = reader.text(NAME_BYTES_MAX);
  if (name === "") throw new ProtocolError("table without a name");
  if (replica.tables.size >= replica.limits.tables) {
    throw new ProtocolError(`more than ${replica.limits.tables} tables`);
  }
  return replica.table({
    name,
    type: (flags & BAG) !== 0 ? "bag" : "set",
    lifetime: (flags & CLUSTER) !== 0 ? "cluster" : "node",
  });
}
