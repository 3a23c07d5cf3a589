/** Frames by which members ask one another until when their side holds the lease. */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";

/** Nodes with it answer questions about the lease. */
export const FEATURE_LEASE = "lease";

export const FRAME_LEASE_ASK = 0x43;
export const FRAME_LEASE = 0x44;

/** Longer leases are not given, ms. */
const LEFT_MAX_MS = 600_000;

/** A member's answer. */
export interface LeaseGrant {
  /** Of the question. */
  readonly round: number;
  readonly term: number;
  /** Who holds it; the sender, or somebody whom the sender counts as alive. */
  readonly holder: number;
  /** For how long it was still held when the sender answered, ms. */
  readonly leftMs: number;
}

/** `round` numbers the questions of their sender. */
export function encodeLeaseAsk(round: number): Uint8Array {
  const writer = new ByteWriter(16);
  writer.u8(FRAME_LEASE_ASK);
  writer.varint(round);
  return writer.take();
}

/** The number of the question. Throws ProtocolError. */
export function decodeLeaseAsk(frame: Uint8Array): number {
  const reader = new ByteReader(frame);
  reader.u8();
  const round = reader.varint();
  reader.end();
  return round;
}

export function encodeLeaseGrant({ round, term, holder, leftMs }: LeaseGrant): Uint8Array {
  const writer = new ByteWriter(32);
  writer.u8(FRAME_LEASE);
  for (const number of [round, term, holder, leftMs]) writer.varint(number);
  return writer.take();
}

/** Throws ProtocolError. */
export function decodeLeaseGrant(frame: Uint8Array): LeaseGrant {
  const reader = new ByteReader(frame);
  reader.u8();
  const round = reader.varint();
  const term = reader.varint();
  const holder = reader.varint();
  const leftMs = reader.varint(LEFT_MAX_MS);
  reader.end();
  if (term === 0 || holder === 0) throw new ProtocolError("a lease of nobody");
  return { round, term, holder, leftMs };
}
