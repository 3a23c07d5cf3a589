/**
 * The frame that goes with every ping: this node's view, whom it is linked to, and what it knows
 * of the progress of members that the receiver cannot hear itself.
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { readId } from "./frame-dictionary.ts";
import { FRAME_VECTOR, ORIGINS_MAX } from "./frame-kinds.ts";
import { readView, type View, writeView } from "./view.ts";

/** As decoded. */
export interface VectorFrame {
  readonly view: View;
  /** Ids of the peers that the sender is linked to. */
  readonly links: readonly number[];
  /** What other members have applied of the receiver's log: id to seq. */
  readonly applied: ReadonlyMap<number, number>;
}

export function encodeVector(frame: VectorFrame): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(FRAME_VECTOR);
  writeView(writer, frame.view);
  writer.varint(frame.links.length);
  for (const id of frame.links) writer.varint(id);
  writer.varint(frame.applied.size);
  for (const [id, seq] of frame.applied) {
    writer.varint(id);
    writer.varint(seq);
  }
  return writer.take();
}

export function decodeVector(bytes: Uint8Array): VectorFrame {
  const reader = new ByteReader(bytes);
  reader.u8();
  const view = readView(reader);
  const links: number[] = [];
  const linkCount = reader.varint(ORIGINS_MAX);
  for (let at = 0; at < linkCount; at++) links.push(readId(reader));
  const applied = new Map<number, number>();
  const appliedCount = reader.varint(ORIGINS_MAX);
  for (let at = 0; at < appliedCount; at++) {
    const id = readId(reader);
    applied.set(id, reader.varint());
  }
  reader.end();
  return { view, links, applied };
}
