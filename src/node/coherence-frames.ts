/** Frames by which nodes keep the read caches of stores in step: see mesh-coherence.ts. */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import type { Invalidation } from "../persistent/cache/coherence.ts";

/** What nodes say in the handshake that understand these frames. */
export const FEATURE_STORE_CACHE = "store-cache";
export const FRAME_CHANGED = 0x45;
export const FRAME_FORGOTTEN = 0x46;

const HOST_BYTES_MAX = 255;
const STORE_BYTES_MAX = 100;
const USER_BYTES_MAX = 1023;

/** "Forget this": answered with the same number. */
export function encodeChanged(id: number, { host, store, user }: Invalidation): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(FRAME_CHANGED);
  writer.varint(id);
  writer.utf8(host);
  writer.utf8(store);
  writer.u8(user === undefined ? 0 : 1);
  if (user !== undefined) writer.utf8(user);
  return writer.take();
}

/** @throws ProtocolError */
export function decodeChanged(frame: Uint8Array): {
  readonly id: number;
  readonly change: Invalidation;
} {
  const reader = new ByteReader(frame);
  reader.u8();
  const id = reader.varint();
  const host = reader.utf8(HOST_BYTES_MAX);
  const store = reader.utf8(STORE_BYTES_MAX);
  const form = reader.u8();
  if (form > 1) throw new ProtocolError(`change of a store of form ${form}, known are 0 and 1`);
  const user = form === 1 ? reader.utf8(USER_BYTES_MAX) : undefined;
  reader.end();
  return { id, change: { host, store, user } };
}

/** "It is forgotten." */
export function encodeForgotten(id: number): Uint8Array {
  const writer = new ByteWriter(16);
  writer.u8(FRAME_FORGOTTEN);
  writer.varint(id);
  return writer.take();
}

/** @throws ProtocolError */
export function decodeForgotten(frame: Uint8Array): number {
  const reader = new ByteReader(frame);
  reader.u8();
  const id = reader.varint();
  reader.end();
  return id;
}
