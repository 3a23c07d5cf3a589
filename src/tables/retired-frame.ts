/** The frame that tells of one retirement: which origins, and how much of each was covered. */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { readId } from "./frame-dictionary.ts";
import { FRAME_RETIRED, ORIGINS_MAX } from "./frame-kinds.ts";
import { COVERS_ALL } from "./origins.ts";

/** Origins retired in one batch: id to the seq that was covered of each. */
export type RetiredBatch = ReadonlyMap<number, number>;

export function encodeRetired(batch: RetiredBatch): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(FRAME_RETIRED);
  writer.varint(batch.size);
  for (const [id, seq] of batch) {
    writer.varint(id);
    writer.varint(seq);
  }
  return writer.take();
}

export function decodeRetired(bytes: Uint8Array): RetiredBatch {
  const reader = new ByteReader(bytes);
  reader.u8();
  const batch = new Map<number, number>();
  const count = reader.varint(ORIGINS_MAX);
  for (let at = 0; at < count; at++) {
    const id = readId(reader);
    batch.set(id, reader.varint(COVERS_ALL - 1));
  }
  reader.end();
  if (batch.size === 0) throw new ProtocolError("retirement of no origins");
  return batch;
}
