/** The frames of serial operations, and their bytes. doc/protocol-serial.md describes them. */
import { ByteReader, ByteWriter } from "../../bytes.ts";
import { ProtocolError } from "../../errors.ts";
import { readId } from "../frame-dictionary.ts";
import { ORIGINS_MAX } from "../frame-kinds.ts";
import { readView, type View, writeView } from "../view.ts";
import type { Term } from "./term.ts";

/** First and last kind of these frames; sent only where both ends have the feature. */
export const SERIAL_KIND_MIN = 0x30;
export const SERIAL_KIND_MAX = 0x3c;
/** Requests in one frame. */
export const REQUESTS_MAX = 1000;
/** Pledges of one node: who asks for more gets no answer. Those of a frame. */
export const PLEDGES_MAX = 65_536;
const RESOURCE_BYTES_MAX = 4096;
/** What a detour carries. */
const CARRIED_BYTES_MAX = 16 * 1024 * 1024;

/** One request for a key. */
export interface AskedKey {
  /** Unique to its asker's incarnation. */
  readonly request: number;
  readonly resource: string;
  readonly quorum: boolean;
}

/** One key given back. */
export interface Released {
  readonly request: number;
  /** The key is free once this much of the releaser's log is applied. */
  readonly upTo: number;
}

/** A key that a node may have written to in `quorum` mode. */
export interface PledgedKey {
  readonly origin: number;
  readonly request: number;
  readonly resource: string;
}

/** Frames between the ends of a detour; the neighbour in the middle passes them on. */
export type DetourFrame = {
  readonly kind: "detour";
  readonly from: number;
  readonly to: number;
  /** Given by the end with the higher origin. */
  readonly number: number;
} & (
  | { readonly act: "open" | "accept" | "close" }
  /** A frame of serial operations. */
  | { readonly act: "carry"; readonly bytes: Uint8Array }
);

/** The frames. */
export type SerialFrame =
  | DetourFrame
  /** "I have no link to that one any more." */
  | { readonly kind: "unreachable"; readonly id: number }
  /** What a vector frame says, where there is no link. */
  | { readonly kind: "report"; readonly view: View; readonly links: readonly number[] }
  /** Both ends when a link is up, and when `voter` changes. */
  | {
      readonly kind: "state";
      readonly promised: Term;
      readonly voter: boolean;
      readonly view: View;
      /** Of its own calls that are under way, and of others by its word. */
      readonly pledged: readonly PledgedKey[];
    }
  /** "Follow me in my term of this number." */
  | { readonly kind: "lead"; readonly count: number }
  /** The answer; `promised` is another term if that is newer. */
  | {
      readonly kind: "follow";
      readonly promised: Term;
      readonly voter: boolean;
      readonly view: View;
      /** Origins that the sender is linked to. */
      readonly links: readonly number[];
      /** Keys that its code holds on to. */
      readonly holds: readonly AskedKey[];
      /** Of others, by its word. */
      readonly pledged: readonly PledgedKey[];
    }
  | { readonly kind: "ask"; readonly count: number; readonly asked: readonly AskedKey[] }
  | {
      readonly kind: "grant";
      readonly count: number;
      readonly view: View;
      /** Members that the leader counts as alive, without the two ends. */
      readonly alive: readonly number[];
      readonly requests: readonly number[];
    }
  /** The leader has no room for these. */
  | { readonly kind: "refuse"; readonly requests: readonly number[] }
  | { readonly kind: "release"; readonly released: readonly Released[] }
  /**
   * "Say so when you cover this, and which term you have promised then." `asked`: keys that are to
   * be decided on if a majority says so.
   */
  | {
      readonly kind: "confirm";
      readonly id: number;
      readonly view: View;
      readonly asked: readonly AskedKey[];
    }
  /** Calls that were confirmed have ended. */
  | { readonly kind: "ended"; readonly released: readonly Released[] }
  | {
      readonly kind: "confirmed";
      readonly id: number;
      readonly promised: Term;
      readonly voter: boolean;
      readonly closed: readonly number[];
    };

const KINDS: Readonly<Record<SerialFrame["kind"], number>> = {
  state: 0x30,
  lead: 0x31,
  follow: 0x32,
  ask: 0x33,
  grant: 0x34,
  refuse: 0x35,
  release: 0x36,
  confirm: 0x37,
  confirmed: 0x38,
  detour: 0x39,
  unreachable: 0x3a,
  report: 0x3b,
  ended: 0x3c,
};
const ACTS = ["open", "accept", "close", "carry"] as const;

/** Whether a frame is one of these. */
export function isSerialFrame(frame: Uint8Array): boolean {
  const kind = frame[0] as number;
  return kind >= SERIAL_KIND_MIN && kind <= SERIAL_KIND_MAX;
}

export function encodeSerial(frame: SerialFrame): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(KINDS[frame.kind]);
  switch (frame.kind) {
    case "state":
      writeTerm(writer, frame.promised);
      writer.u8(frame.voter ? 1 : 0);
      writeView(writer, frame.view);
      writePledged(writer, frame.pledged);
      break;
    case "lead":
      writer.varint(frame.count);
      break;
    case "follow":
      writeTerm(writer, frame.promised);
      writer.u8(frame.voter ? 1 : 0);
      writeView(writer, frame.view);
      writeNumbers(writer, frame.links);
      writeAsked(writer, frame.holds);
      writePledged(writer, frame.pledged);
      break;
    case "ask":
      writer.varint(frame.count);
      writeAsked(writer, frame.asked);
      break;
    case "grant":
      writer.varint(frame.count);
      writeView(writer, frame.view);
      writeNumbers(writer, frame.alive);
      writeNumbers(writer, frame.requests);
      break;
    case "refuse":
      writeNumbers(writer, frame.requests);
      break;
    case "release":
    case "ended":
      writeReleased(writer, frame.released);
      break;
    case "confirm":
      writer.varint(frame.id);
      writeView(writer, frame.view);
      writeAsked(writer, frame.asked);
      break;
    case "confirmed":
      writer.varint(frame.id);
      writeTerm(writer, frame.promised);
      writer.u8(frame.voter ? 1 : 0);
      writeNumbers(writer, frame.closed);
      break;
    case "detour":
      writeDetour(writer, frame);
      break;
    case "unreachable":
      writer.varint(frame.id);
      break;
    case "report":
      writeView(writer, frame.view);
      writeNumbers(writer, frame.links);
      break;
    default:
      frame satisfies never;
  }
  return writer.take();
}

/** Throws ProtocolError unless the bytes are one of the frames. */
export function decodeSerial(bytes: Uint8Array): SerialFrame {
  const reader = new ByteReader(bytes);
  const frame = readFrame(reader.u8(), reader);
  reader.end();
  return frame;
}

function readFrame(kind: number, reader: ByteReader): SerialFrame {
  switch (kind) {
    case KINDS.state: {
      const promised = readTerm(reader);
      const voter = readFlag(reader);
      const view = readView(reader);
      return { kind: "state", promised, voter, view, pledged: readPledged(reader) };
    }
    case KINDS.lead:
      return { kind: "lead", count: reader.varint() };
    case KINDS.follow: {
      const promised = readTerm(reader);
      const voter = readFlag(reader);
      const view = readView(reader);
      const links = readNumbers(reader, ORIGINS_MAX);
      const holds = readAsked(reader);
      const pledged = readPledged(reader);
      return { kind: "follow", promised, voter, view, links, holds, pledged };
    }
    case KINDS.ask:
      return { kind: "ask", count: reader.varint(), asked: readAsked(reader) };
    case KINDS.grant: {
      const count = reader.varint();
      const view = readView(reader);
      const alive = readNumbers(reader, ORIGINS_MAX);
      return { kind: "grant", count, view, alive, requests: readNumbers(reader, REQUESTS_MAX) };
    }
    case KINDS.refuse:
      return { kind: "refuse", requests: readNumbers(reader, REQUESTS_MAX) };
    case KINDS.release:
      return { kind: "release", released: readReleased(reader) };
    case KINDS.confirm:
      return {
        ...{ kind: "confirm", id: reader.varint() },
        ...{ view: readView(reader), asked: readAsked(reader) },
      };
    case KINDS.confirmed: {
      const id = reader.varint();
      const promised = readTerm(reader);
      const voter = readFlag(reader);
      return { kind: "confirmed", id, promised, voter, closed: readNumbers(reader, ORIGINS_MAX) };
    }
    case KINDS.ended:
      return { kind: "ended", released: readReleased(reader) };
    case KINDS.detour:
      return readDetour(reader);
    case KINDS.unreachable:
      return { kind: "unreachable", id: readId(reader) };
    case KINDS.report:
      return { kind: "report", view: readView(reader), links: readNumbers(reader, ORIGINS_MAX) };
    default:
      throw new ProtocolError(`frame of kind ${kind}, unknown to this protocol`);
  }
}

function writeDetour(writer: ByteWriter, frame: DetourFrame): void {
  for (const number of [frame.from, frame.to, frame.number]) writer.varint(number);
  writer.u8(ACTS.indexOf(frame.act));
  if (frame.act === "carry") writer.bytes(frame.bytes);
}

function readDetour(reader: ByteReader): DetourFrame {
  const ends = { from: readId(reader), to: readId(reader), number: readId(reader) };
  const act = ACTS[reader.u8()];
  switch (act) {
    case "open":
    case "accept":
    case "close":
      return { kind: "detour", ...ends, act };
    case "carry":
      return { kind: "detour", ...ends, act, bytes: reader.bytes(CARRIED_BYTES_MAX) };
    default:
      throw new ProtocolError("frame of a detour with an unknown act");
  }
}

function writeTerm(writer: ByteWriter, term: Term): void {
  writer.varint(term.count);
  writer.varint(term.leader);
}

function readTerm(reader: ByteReader): Term {
  return { count: reader.varint(), leader: reader.varint() };
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw new ProtocolError(`flag ${flag} in a frame, allowed are 0 and 1`);
  return flag === 1;
}

function writeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  writer.varint(numbers.length);
  for (const number of numbers) writer.varint(number);
}

function readNumbers(reader: ByteReader, max: number): number[] {
  const numbers: number[] = [];
  for (let rest = reader.varint(max); rest > 0; rest--) numbers.push(readId(reader));
  return numbers;
}

function writeAsked(writer: ByteWriter, asked: readonly AskedKey[]): void {
  writer.varint(asked.length);
  for (const { request, resource, quorum } of asked) {
    writer.varint(request);
    writer.u8(quorum ? 1 : 0);
    writer.text(resource);
  }
}

function readAsked(reader: ByteReader): AskedKey[] {
  const asked: AskedKey[] = [];
  for (let rest = reader.varint(REQUESTS_MAX); rest > 0; rest--) {
    const request = readId(reader);
    asked.push({ request, quorum: readFlag(reader), resource: reader.text(RESOURCE_BYTES_MAX) });
  }
  return asked;
}

function writePledged(writer: ByteWriter, pledged: readonly PledgedKey[]): void {
  writer.varint(pledged.length);
  for (const { origin, request, resource } of pledged) {
    writer.varint(origin);
    writer.varint(request);
    writer.text(resource);
  }
}

function readPledged(reader: ByteReader): PledgedKey[] {
  const pledged: PledgedKey[] = [];
  for (let rest = reader.varint(PLEDGES_MAX); rest > 0; rest--) {
    const origin = readId(reader);
    pledged.push({ origin, request: readId(reader), resource: reader.text(RESOURCE_BYTES_MAX) });
  }
  return pledged;
}

function writeReleased(writer: ByteWriter, released: readonly Released[]): void {
  writer.varint(released.length);
  for (const { request, upTo } of released) {
    writer.varint(request);
    writer.varint(upTo);
  }
}

function readReleased(reader: ByteReader): Released[] {
  const released: Released[] = [];
  for (let rest = reader.varint(REQUESTS_MAX); rest > 0; rest--) {
    released.push({ request: readId(reader), upTo: reader.varint() });
  }
  return released;
}
