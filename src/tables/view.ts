/**
 * What one replica says of its coverage: its vector, the origins it has closed and those it has
 * retired. Part of pings, pulls and the end of a state session.
 */
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { readId } from "./frame-dictionary.ts";
import { ORIGINS_MAX } from "./frame-kinds.ts";
import type { IdRange } from "./id-ranges.ts";
import { COVERS_ALL, type Origins } from "./origins.ts";

/** In cluster-wide ids. */
export interface View {
  /** Origin id to highest contiguous seq applied. */
  readonly vector: ReadonlyMap<number, number>;
  /** Ascending. */
  readonly closed: readonly number[];
  /** Ascending and disjoint. */
  readonly retired: readonly IdRange[];
}

/** This replica's view now. */
export function viewOf(origins: Origins): View {
  const vector = new Map<number, number>();
  for (const index of origins.listedIndexes()) {
    vector.set(origins.ids[index] as number, origins.vector[index] as number);
  }
  return { vector, closed: origins.closedIds(), retired: origins.retired.list() };
}

/** Whether everything that `other` covers, has closed or retired is so in `view`, too. */
export function viewCovers(view: View, other: View): boolean {
  for (const [from, to] of other.retired) {
    if (!view.retired.some((range) => range[0] <= from && to <= range[1])) return false;
  }
  for (const [id, seq] of other.vector) {
    if ((view.vector.get(id) ?? 0) < seq && !inRanges(view.retired, id)) return false;
  }
  const closed = new Set(view.closed);
  return other.closed.every((id) => closed.has(id) || inRanges(view.retired, id));
}

/** Whether both say the same: then both hold the same rows. */
export function viewEquals(one: View, other: View): boolean {
  return viewCovers(one, other) && viewCovers(other, one);
}

/** How many ops one of the two covers and the other does not; those of retired origins apart. */
export function opsApart(one: View, other: View): number {
  let ops = 0;
  for (const [id, seq] of one.vector) {
    if (!inRanges(other.retired, id)) ops += Math.abs(seq - (other.vector.get(id) ?? 0));
  }
  for (const [id, seq] of other.vector) {
    if (!one.vector.has(id) && !inRanges(one.retired, id)) ops += seq;
  }
  return ops;
}

/** Appends a view to a frame. */
export function writeView(writer: ByteWriter, view: View): void {
  writer.varint(view.vector.size);
  for (const [id, seq] of view.vector) {
    writer.varint(id);
    writer.varint(seq);
  }
  writer.varint(view.closed.length);
  for (const id of view.closed) writer.varint(id);
  writer.varint(view.retired.length);
  for (const [from, to] of view.retired) {
    writer.varint(from);
    writer.varint(to - from);
  }
}

/** Reads a view and checks that its parts are in order. */
export function readView(reader: ByteReader): View {
  const vector = new Map<number, number>();
  const entries = reader.varint(ORIGINS_MAX);
  for (let at = 0; at < entries; at++) {
    const id = readId(reader);
    vector.set(id, reader.varint(COVERS_ALL - 1));
  }
  const closed: number[] = [];
  const closings = reader.varint(ORIGINS_MAX);
  for (let at = 0; at < closings; at++) closed.push(readId(reader));
  const retired: IdRange[] = [];
  const ranges = reader.varint(ORIGINS_MAX);
  let end = -1;
  for (let at = 0; at < ranges; at++) {
    const from = readId(reader);
    const to = from + reader.varint();
    if (from <= end + 1 || to >= COVERS_ALL) throw new ProtocolError("retired ranges out of order");
    retired.push([from, to]);
    end = to;
  }
  return { vector, closed, retired };
}

/** A peer's coverage by local origin index: what it holds or knows to be dead. */
export class Coverage {
  readonly #seqs: number[] = [];

  constructor(view: View, origins: Origins) {
    for (const [id, seq] of view.vector) this.#seqs[origins.intern(id)] = seq;
    for (let index = 0; index < origins.ids.length; index++) {
      if (inRanges(view.retired, origins.ids[index] as number)) this.#seqs[index] = COVERS_ALL;
    }
  }

  /** Highest contiguous seq of that origin; zero if it has none. */
  seq(index: number): number {
    return this.#seqs[index] ?? 0;
  }

  covers(index: number, seq: number): boolean {
    return seq <= (this.#seqs[index] ?? 0);
  }
}

/** Whether one of the ranges has that id. */
export function inRanges(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(([from, to]) => from <= id && id <= to);
}
