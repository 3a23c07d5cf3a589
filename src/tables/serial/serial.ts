/**
 * Serial operations of one node: one at a time on each key, in the whole cluster. The member with
 * the lowest origin leads: it grants a key to one requester at a time, together with what it
 * holds. The requester waits until it holds as much, decides and writes an ordinary op of its
 * own log, and gives the key back when that op is where it must be: at every member that is
 * alive (`available`), or confirmed by a majority of voters (`quorum`). No IO; time is given.
 */
import { OverloadedError, ProtocolError, type SkeinError } from "../../errors.ts";
import type { Acks } from "../acks.ts";
import { DETOUR_FEATURE, SERIAL_FEATURE } from "../features.ts";
import type { Replica } from "../replica.ts";
import { type View, viewOf } from "../view.ts";
import { Allegiance } from "./allegiance.ts";
import { Calls } from "./calls.ts";
import { Detours } from "./detours.ts";
import { tooOld, whyNoKey } from "./failures.ts";
import { Leader } from "./leader.ts";
import { type Reachable, SerialMembers } from "./members.ts";
import type { Outcomes } from "./outcomes.ts";
import { Pledges } from "./pledges.ts";
import { Post, slices } from "./post.ts";
import { NO_TERMS, type Pending, type Requests, type SerialCall } from "./requests.ts";
import type { Waiting } from "./reservations.ts";
import { decodeSerial, encodeSerial, type SerialFrame } from "./serial-frames.ts";
import { compareTerms } from "./term.ts";
import { Voters } from "./voters.ts";

/** What it works with. */
export interface SerialParts {
  readonly replica: Replica;
  readonly acks: Acks;
  readonly send: (peerId: number, frame: Uint8Array) => void;
  readonly wake: () => void;
  /** An origin is closed, by what a peer says. */
  readonly close: (id: number) => void;
  /** Rows are half merged: nothing may be decided by them. */
  readonly isMerging: () => boolean;
  readonly clusterSize: number | undefined;
}

/** What it did, for status and tests. */
export interface SerialCounts {
  /** Reigns of this node that began to serve. */
  readonly takeovers: number;
  /** Keys granted as the leader. */
  readonly grants: number;
  /** Calls that ended without knowing their outcome. */
  readonly unknown: number;
  /** Ways around broken links that came into use at this node. */
  readonly detours: number;
}

type DirectFrame = Exclude<SerialFrame, { kind: "detour" | "unreachable" }>;

const BY_DETOUR = { speaks: true, isDirect: false, relays: false };
/** Decisions in one turn on a key that is wanted often; the rest waits for the next turn. */
const ROUNDS_MAX = 1000;

/** The machine. */
export class Serial {
  readonly #parts: SerialParts;
  readonly #self: number;
  readonly #members: SerialMembers;
  readonly #leader: Leader;
  readonly #voters: Voters;
  readonly #detours: Detours;
  readonly #calls: Calls;
  readonly #pledges: Pledges;
  readonly #requests: Requests;
  readonly #outcomes: Outcomes;
  readonly #post: Post;
  readonly #allegiance = new Allegiance();
  #isOpen = false;
  #grantCount = 0;

  constructor(parts: SerialParts) {
    const { origins } = parts.replica;
    this.#parts = parts;
    this.#self = origins.ids[origins.self] as number;
    this.#members = new SerialMembers(this.#self, origins);
    this.#leader = new Leader(origins, this.#members);
    this.#voters = new Voters(origins, parts.clusterSize);
    const direct = parts.send;
    this.#detours = new Detours({
      self: this.#self,
      members: this.#members,
      send: (id, frame) => direct(id, encodeSerial(frame)),
      up: (id) => this.#reachable(id, { name: this.#nameOf(id), ...BY_DETOUR }),
      down: (id) => this.#unreachable(id),
      carried: (from, bytes) => this.#carried(from, bytes),
    });
    this.#post = new Post(origins, this.#members, (id, bytes) => {
      if (this.#detours.isUp(id)) this.#detours.carry(id, bytes);
      else direct(id, bytes);
    });
    this.#calls = new Calls({
      ...parts,
      self: this.#self,
      members: this.#members,
      voters: this.#voters,
      whyNot: ({ quorum }) => {
        const leader = this.leader === null ? null : this.#leader;
        return whyNoKey({ self: this.#self, members: this.#members, leader, quorum });
      },
    });
    this.#pledges = new Pledges(origins);
    this.#requests = this.#calls.requests;
    this.#outcomes = this.#calls.outcomes;
  }

  get counts(): SerialCounts {
    const { takeovers } = this.#leader;
    const { count: detours } = this.#detours;
    return { takeovers, grants: this.#grantCount, unknown: this.#calls.unknownCount, detours };
  }

  /** Calls under way. */
  get pending(): number {
    return this.#requests.size;
  }

  /** Origin id of the leader that this node follows; null while there is none. */
  get leader(): number | null {
    return this.#allegiance.following?.leader ?? null;
  }

  /** Keys held or waited for at this node as the leader. */
  get reserved(): number {
    return this.#leader.reservations.size;
  }

  /** Whether this node votes in `quorum` mode. */
  get isVoter(): boolean {
    return this.#voters.isVoter;
  }

  /** This node has met those that it could reach: it may lead from now on. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#parts.wake();
  }

  /** Begins a call. Throws OverloadedError, UnsupportedError or UnavailableError. */
  request(call: SerialCall): Pending {
    return this.#calls.begin(call);
  }

  /** The code that held on to a key has finished. */
  finish(pending: Pending): void {
    this.#calls.finish(pending);
  }

  /** The caller waits no longer; what is written stands. */
  cancel(pending: Pending, error: SkeinError): void {
    this.#calls.cancel(pending, error);
  }

  /** Fails the calls whose time is over. */
  expire(now: number): void {
    this.#calls.expire(now);
  }

  failAll(error: SkeinError): void {
    this.#calls.failAll(error);
  }

  // Members and links

  memberUp(id: number, name: string): void {
    this.#members.up(id, name);
  }

  memberDown(id: number): void {
    this.#detours.memberDown(id);
    this.#members.down(id);
    this.#leader.gone(id);
    this.#voters.down(id);
    this.#allegiance.forget(id);
    this.#lost(id);
  }

  closed(id: number): void {
    this.memberDown(id);
    this.#detours.closed(id);
    this.#voters.closed(id);
    this.#outcomes.confirms.closed(id);
  }

  /** A link is up; `features`: what both ends can do beyond protocol 1. */
  linkUp(id: number, of: { readonly name: string; readonly features: readonly string[] }): void {
    this.#detours.linkUp(id);
    const speaks = of.features.includes(SERIAL_FEATURE);
    const relays = speaks && of.features.includes(DETOUR_FEATURE);
    this.#reachable(id, { name: of.name, speaks, isDirect: true, relays });
  }

  linkDown(id: number): void {
    this.#unreachable(id);
    this.#detours.linkDown(id);
  }

  /** With every round of pings: looks for ways around broken links. */
  tick(): void {
    this.#detours.tick();
    this.#pledges.list();
    const view = viewOf(this.#parts.replica.origins);
    const links = this.#members.links();
    for (const id of this.#detours.ends()) this.#post.send(id, { kind: "report", view, links });
  }

  #reachable(id: number, of: Reachable): void {
    this.#members.linked(id, of);
    this.#voters.linked(id, of.name);
    this.#leader.linked(id);
    if (!of.speaks) return this.#calls.failAll(tooOld([of.name]));
    this.#post.send(id, this.#state());
    if (this.#leader.term !== null)
      this.#post.send(id, { kind: "lead", count: this.#leader.term.count });
    for (const open of this.#outcomes.confirms.open())
      this.#post.send(id, { ...open, kind: "confirm" });
  }

  #unreachable(id: number): void {
    this.#members.unlinked(id);
    this.#leader.unlinked(id);
    this.#outcomes.confirms.unlinked(id);
    this.#allegiance.forget(id);
    this.#post.forget(id);
    this.#lost(id);
  }

  #carried(from: number, bytes: Uint8Array): void {
    const frame = decodeSerial(bytes);
    if (frame.kind === "detour" || frame.kind === "unreachable") {
      throw new ProtocolError("a detour within a detour");
    }
    this.#handle(from, frame);
    this.#parts.wake();
  }

  #nameOf(id: number): string {
    return this.#members.get(id)?.name ?? String(id);
  }

  /** A member says, directly, what it holds and whom it is linked to. */
  reported(id: number, report: { readonly view: View; readonly links: readonly number[] }): void {
    this.#members.reported(id, report);
  }

  // Frames

  /** Throws ProtocolError on bytes that break the protocol. */
  receive(from: number, bytes: Uint8Array): void {
    if (this.#members.get(from)?.speaks !== true) {
      throw new ProtocolError("frame of serial operations, which were not negotiated");
    }
    const frame = decodeSerial(bytes);
    if (frame.kind === "detour" || frame.kind === "unreachable") {
      if (this.#members.get(from)?.relays !== true) {
        throw new ProtocolError("frame of a detour, which was not negotiated");
      }
      if (frame.kind === "detour") this.#detours.receive(from, frame);
      else this.#detours.unreachable(from, frame.id);
    } else this.#handle(from, frame);
  }

  #handle(from: number, frame: DirectFrame): void {
    switch (frame.kind) {
      case "report":
        this.#adoptClosings(frame.view.closed);
        return this.#members.reported(from, frame);
      case "state":
        this.#adoptClosings(frame.view.closed);
        this.#voters.told(from, frame);
        this.#hearPledges(from, frame);
        return this.#leader.told(from, frame);
      case "lead":
        return this.#allegiance.called(from, frame.count);
      case "follow":
        return this.#onFollow(from, frame);
      case "ask":
        if (frame.count !== this.#leader.term?.count) return;
        for (const asked of frame.asked) this.#onAsk({ ...asked, origin: from });
        return;
      case "grant":
        this.#adoptClosings(frame.view.closed);
        if (!this.#follows(from, frame.count)) return;
        return this.#requests.granted(frame.requests, frame);
      case "refuse":
        return this.#onRefuse(frame.requests);
      case "release":
        for (const one of frame.released) this.#leader.reservations.release(from, one);
        return;
      case "confirm":
        this.#adoptClosings(frame.view.closed);
        if (frame.asked.length > 0 && this.#pledges.isFull) return;
        this.#pledges.add(from, frame.asked);
        return this.#outcomes.confirms.asked(from, frame);
      case "ended":
        return this.#pledges.ended(from, frame.released);
      case "confirmed":
        this.#adoptClosings(frame.closed);
        return this.#outcomes.confirms.answered(from, frame);
      default:
        frame satisfies never;
    }
  }

  #onFollow(from: number, frame: Extract<SerialFrame, { kind: "follow" }>): void {
    const { promised, view, links } = frame;
    this.#adoptClosings(view.closed);
    this.#allegiance.heardOf(promised.count);
    const term = this.#leader.term;
    if (term === null) return;
    if (compareTerms(promised, term) === 0) {
      this.#members.reported(from, { view, links });
      this.#leader.followed(from, frame);
    } else if (compareTerms(promised, term) > 0) this.#beginTerm();
  }

  #follows(leader: number, count: number): boolean {
    const { following } = this.#allegiance;
    return following?.leader === leader && following.count === count;
  }

  #onAsk(waiting: Waiting): void {
    const { reservations } = this.#leader;
    const { serialKeys } = this.#parts.replica.limits;
    const isFull = reservations.size >= serialKeys;
    if (!isFull && reservations.requestsOf(waiting.origin) < serialKeys) {
      return reservations.ask(waiting);
    }
    if (waiting.origin === this.#self) this.#onRefuse([waiting.request]);
    else this.#post.refuse(waiting.origin, waiting.request);
  }

  #onRefuse(requests: readonly number[]): void {
    for (const request of requests) {
      const pending = this.#requests.find(request);
      if (pending?.stage !== "asking") continue;
      this.#calls.end(
        pending,
        new OverloadedError("the leader of serial operations is overloaded"),
      );
    }
  }

  #hearPledges(from: number, frame: Extract<SerialFrame, { kind: "state" }>): void {
    const own = frame.pledged.filter(({ origin }) => origin === from);
    this.#pledges.heard(from, own, frame.view.vector.get(from) ?? 0);
    // Who is to become a voter must remember what a majority has pledged.
    if (this.#voters.isVoter) return;
    for (const pledge of frame.pledged) {
      if (pledge.origin !== from && pledge.origin !== this.#self) {
        this.#pledges.add(pledge.origin, [pledge]);
      }
    }
  }

  #adoptClosings(ids: readonly number[]): void {
    for (const id of ids) this.#parts.close(id);
  }

  // Each turn

  /** Leads, follows, grants and decides, as far as it can be done now. */
  act(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#lead();
      this.#vote();
      this.#follow();
      this.#serve();
      if (!this.#calls.runGranted()) return;
    }
    this.#parts.wake();
  }

  /** Sends what this turn has come to; ops that were written must have been sent before. */
  flush(): void {
    const { following, promised } = this.#allegiance;
    if (following !== null && following.leader !== this.#self) {
      const { leader, count } = following;
      for (const asked of slices(this.#requests.takeAsked())) {
        this.#post.send(leader, { kind: "ask", count, asked });
      }
      for (const released of slices(this.#requests.takeReleased())) {
        this.#post.send(leader, { kind: "release", released });
      }
    }
    this.#post.flush(this.#leader.term?.count ?? 0);
    this.#outcomes.ask(promised, (frame) => this.#post.broadcast(frame));
    this.#outcomes.answer(promised, (to, frame) => this.#post.send(to, frame));
  }

  /** Ends the calls whose outcome is known where it must be. */
  settle(): void {
    this.#outcomes.settle();
  }

  // Leading and following

  #lead(): void {
    const settled = this.#members.settle();
    const { term } = this.#leader;
    if (!this.#isOpen || this.#members.lowest !== this.#self) {
      if (term === null) return;
      this.#post.forget();
      this.#leader.end();
      this.#lost(this.#self);
      return;
    }
    // After deaths all is heard anew: what the dead held is free, what they wrote is here.
    const isOver = this.#leader.tookOver && settled.length > 0;
    const isOld = term !== null && compareTerms(this.#allegiance.promised, term) > 0;
    if (term === null || isOver || isOld) this.#beginTerm();
  }

  #beginTerm(): void {
    const term = this.#allegiance.lead(this.#self);
    this.#post.forget();
    this.#leader.begin(term);
    this.#requests.abandon();
    for (const hold of this.#requests.holds()) this.#leader.reservations.adopt(this.#self, hold);
    this.#leader.keep(this.#pledges.list());
    this.#post.broadcast({ kind: "lead", count: term.count });
  }

  #vote(): void {
    const newest = this.#voters.step();
    if (newest === null) return;
    const over = this.#allegiance.promise(newest, this.#self);
    if (over !== null) this.#lost(over);
    this.#post.broadcast(this.#state());
  }

  #follow(): void {
    const { lowest } = this.#members;
    const answer = this.#allegiance.answer(lowest);
    if (answer === null) return;
    if (answer.isNew) this.#requests.abandon();
    this.#post.send(lowest, {
      kind: "follow",
      promised: this.#allegiance.promised,
      voter: this.#voters.isVoter,
      view: viewOf(this.#parts.replica.origins),
      links: this.#members.links(),
      holds: this.#requests.holds(),
      pledged: this.#pledges.list(),
    });
  }

  /** Grants of that node are void: it is no leader any more, or not over this link. */
  #lost(id: number): void {
    if (this.#allegiance.lost(id)) this.#requests.abandon();
  }

  #serve(): void {
    const { reservations } = this.#leader;
    if (this.leader === this.#self) {
      for (const asked of this.#requests.takeAsked()) this.#onAsk({ ...asked, origin: this.#self });
      for (const one of this.#requests.takeReleased()) reservations.release(this.#self, one);
    }
    if (!this.#leader.step()) return;
    const { origins } = this.#parts.replica;
    reservations.drain((id, seq) => {
      const index = origins.find(id);
      return seq === 0 || (index >= 0 && origins.covered(index, seq));
    });
    const votes = this.#leader.voters + (this.#voters.isVoter ? 1 : 0);
    const hasQuorum = votes >= this.#voters.majority && !this.#voters.isCrowded;
    const own: number[] = [];
    reservations.grant(
      ({ quorum }) => !quorum || hasQuorum,
      ({ origin, request }) => {
        this.#grantCount++;
        if (origin === this.#self) own.push(request);
        else this.#post.grant(origin, request);
      },
    );
    if (own.length > 0) this.#requests.granted(own, NO_TERMS);
  }

  #state(): SerialFrame {
    const view = viewOf(this.#parts.replica.origins);
    const { promised } = this.#allegiance;
    const pledged = [...this.#outcomes.pledged(), ...this.#pledges.list()];
    return { kind: "state", promised, voter: this.#voters.isVoter, view, pledged };
  }
}
