/**
 * Ways around broken links. Two members that are alive and have no link to one another exchange
 * serial frames through a neighbour of both. To the rest of serial operations a detour is a link:
 * frames come in order and none is missing, and when one may be missing, the detour has ended at
 * both ends.
 *
 *   none --asked for by the higher origin--> opening --accepted--> up --either link breaks--> none
 *
 * The neighbour remembers nothing: it passes frames on, and tells all when a link of its own has
 * ended. Numbers of detours rise, so that a frame of one that has ended is known as such.
 */
import { ProtocolError } from "../../errors.ts";
import type { SerialMember, SerialMembers } from "./members.ts";
import type { DetourFrame, SerialFrame } from "./serial-frames.ts";

/** Rounds of pings in which the other end must have accepted. */
const OPENING_TICKS_MAX = 3;

/** What they work with. */
export interface DetourParts {
  readonly self: number;
  readonly members: SerialMembers;
  /** To a peer that relays, on its link. */
  readonly send: (peerId: number, frame: SerialFrame) => void;
  readonly up: (id: number) => void;
  readonly down: (id: number) => void;
  /** A frame that came by a detour. */
  readonly carried: (from: number, bytes: Uint8Array) => void;
}

interface Detour {
  readonly via: number;
  readonly number: number;
  isUp: boolean;
  ticks: number;
}

/** This node's detours, and those that lead through it. */
export class Detours {
  readonly #parts: DetourParts;
  /** By the other end. */
  readonly #detours = new Map<number, Detour>();
  /** Members without a link when that was looked at last: most get one at once. */
  #unlinked = new Set<number>();
  /** The neighbour that was tried last, by the other end. */
  readonly #tried = new Map<number, number>();
  /** The highest number that the other end has opened. */
  readonly #opened = new Map<number, number>();
  #nextNumber = 1;
  /** Those that came into use so far. */
  count = 0;

  constructor(parts: DetourParts) {
    this.#parts = parts;
  }

  /** Whether frames to that member go by a detour. */
  isUp(id: number): boolean {
    return this.#detours.get(id)?.isUp === true;
  }

  carry(id: number, bytes: Uint8Array): void {
    this.#tell(id, { act: "carry", bytes });
  }

  /** Members that a detour leads to. */
  *ends(): Generator<number> {
    for (const [id, { isUp }] of this.#detours) if (isUp) yield id;
  }

  /** A link of its own makes a detour needless. */
  linkUp(id: number): void {
    this.#end(id, true);
    this.#tried.delete(id);
  }

  linkDown(id: number): void {
    for (const [end, { via }] of [...this.#detours]) if (via === id) this.#end(end, false);
    for (const { id: peer, relays } of this.#parts.members.all()) {
      if (relays && peer !== id) this.#parts.send(peer, { kind: "unreachable", id });
    }
  }

  memberDown(id: number): void {
    this.#end(id, true);
    this.#tried.delete(id);
  }

  closed(id: number): void {
    this.memberDown(id);
    this.#opened.delete(id);
  }

  /** With every round of pings: asks for those that are missing. */
  tick(): void {
    const unlinked = new Set<number>();
    for (const member of this.#parts.members.alive()) {
      if (member.isDirect) continue;
      unlinked.add(member.id);
      const detour = this.#detours.get(member.id);
      if (detour !== undefined && !detour.isUp && ++detour.ticks > OPENING_TICKS_MAX) {
        this.#end(member.id, true);
      }
      // One of the two asks; the one who is to lead is asked.
      const isAsker = member.id < this.#parts.self;
      const isMissing = isAsker && !this.#detours.has(member.id);
      if (isMissing && this.#unlinked.has(member.id)) this.#open(member);
    }
    this.#unlinked = unlinked;
  }

  /** A frame of a detour, from a peer that relays. */
  receive(peer: number, frame: DetourFrame): void {
    const { self, members } = this.#parts;
    const { from, to, number } = frame;
    if (to === self) return this.#arrived(peer, frame);
    if (from !== peer) throw new ProtocolError(`peer ${peer} speaks for ${from} on a detour`);
    if (members.get(to)?.relays === true) return this.#parts.send(to, frame);
    if (frame.act === "close") return;
    this.#parts.send(peer, { kind: "detour", from: to, to: from, number, act: "close" });
  }

  /** That peer has no link to the member any more: what it should pass on may be lost. */
  unreachable(peer: number, id: number): void {
    if (this.#detours.get(id)?.via === peer) this.#end(id, false);
  }

  #open({ id }: SerialMember): void {
    const { members } = this.#parts;
    const tried = this.#tried.get(id) ?? 0;
    let first: number | null = null;
    let next: number | null = null;
    for (const peer of members.all()) {
      if (!peer.relays || !members.isLinkedTo(peer.id, id)) continue;
      if (first === null || peer.id < first) first = peer.id;
      if (peer.id > tried && (next === null || peer.id < next)) next = peer.id;
    }
    const via = next ?? first;
    if (via === null) return;
    this.#tried.set(id, via);
    this.#detours.set(id, { via, number: this.#nextNumber++, isUp: false, ticks: 0 });
    this.#tell(id, { act: "open" });
  }

  /** From the other end, through that peer. */
  #arrived(via: number, frame: DetourFrame): void {
    const { from, number } = frame;
    if (from === via) throw new ProtocolError("a detour that leads to its own neighbour");
    if (frame.act === "open") return this.#asked(via, frame);
    const detour = this.#detours.get(from);
    const isKnown = detour?.via === via && detour.number === number;
    if (frame.act === "close") {
      if (isKnown) this.#end(from, false);
    } else if (!isKnown) this.#refuse(via, frame);
    else if (frame.act === "carry") {
      if (detour.isUp) this.#parts.carried(from, frame.bytes);
    } else if (!detour.isUp) {
      detour.isUp = true;
      this.count++;
      this.#parts.up(from);
    }
  }

  #asked(via: number, frame: DetourFrame): void {
    const { members, self } = this.#parts;
    const { from, number } = frame;
    const member = members.get(from);
    if (from < self || member?.alive !== true || member.isDirect) return this.#refuse(via, frame);
    // An older one that took longer on its way.
    if (number <= (this.#opened.get(from) ?? 0)) return;
    this.#end(from, false);
    this.#opened.set(from, number);
    this.#detours.set(from, { via, number, isUp: true, ticks: 0 });
    this.#tell(from, { act: "accept" });
    this.count++;
    this.#parts.up(from);
  }

  #refuse(via: number, { from, number }: DetourFrame): void {
    const { self } = this.#parts;
    this.#parts.send(via, { kind: "detour", from: self, to: from, number, act: "close" });
  }

  #end(id: number, tells: boolean): void {
    const detour = this.#detours.get(id);
    if (detour === undefined) return;
    if (tells) this.#tell(id, { act: "close" });
    this.#detours.delete(id);
    if (detour.isUp) this.#parts.down(id);
  }

  #tell(
    to: number,
    what:
      | { readonly act: "open" | "accept" | "close" }
      | { readonly act: "carry"; readonly bytes: Uint8Array },
  ): void {
    const detour = this.#detours.get(to);
    if (detour === undefined) return;
    const { via, number } = detour;
    this.#parts.send(via, { kind: "detour", from: this.#parts.self, to, number, ...what });
  }
}
