/**
 * Serial operations of one node: one at a time on each key, in the whole cluster. The member with
 * the lowest origin leads: it grants a key to one requester at a time, together with what it
 * holds. The requester waits until it holds as much, decides and writes an ordinary op of its
 * own log, and gives the key back when that op is where it must be: at every member that is
 * alive (`available`), or confirmed by a majority of voters (`quorum`). No IO; time is given.
 */
import { OverloadedError, ProtocolError, type SkeinError } from "../../errors.ts";
import type { Acks } from "../acks.ts";
import type { Replica } from "../replica.ts";
import { type View, viewOf } from "../view.ts";
import { Calls } from "./calls.ts";
import { tooOld } from "./failures.ts";
import { Leader } from "./leader.ts";
import { SerialMembers } from "./members.ts";
import type { Outcomes } from "./outcomes.ts";
import { Post, slices } from "./post.ts";
import { NOTHING, type Pending, type Requests, type SerialCall } from "./requests.ts";
import type { Waiting } from "./reservations.ts";
import { decodeSerial, type SerialFrame } from "./serial-frames.ts";
import { compareTerms, NO_TERM, type Term } from "./term.ts";
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
}

/** Decisions in one turn on a key that is wanted often; the rest waits for the next turn. */
const ROUNDS_MAX = 1000;

/** The machine. */
export class Serial {
  readonly #parts: SerialParts;
  readonly #self: number;
  readonly #members: SerialMembers;
  readonly #leader: Leader;
  readonly #voters: Voters;
  readonly #calls: Calls;
  readonly #requests: Requests;
  readonly #outcomes: Outcomes;
  readonly #post: Post;
  /** The newest term that this node has promised to follow. */
  #promised: Term = NO_TERM;
  /** The highest number of a term that was heard of. */
  #highest = 0;
  /** The leader that this node follows, over the link of now. */
  #following: Term | null = null;
  /** Terms that wait to be followed: number by leader. */
  readonly #leads = new Map<number, number>();
  #isOpen = false;
  #grantCount = 0;

  constructor(parts: SerialParts) {
    const { origins } = parts.replica;
    this.#parts = parts;
    this.#self = origins.ids[origins.self] as number;
    this.#members = new SerialMembers(this.#self, origins);
    this.#leader = new Leader(origins, this.#members);
    this.#voters = new Voters(origins, parts.clusterSize);
    this.#post = new Post(origins, this.#members, parts.send);
    this.#calls = new Calls({
      ...parts,
      members: this.#members,
      voters: this.#voters,
      whyNot: (call) => this.#whyNot(call),
    });
    this.#requests = this.#calls.requests;
    this.#outcomes = this.#calls.outcomes;
  }

  get counts(): SerialCounts {
    const { takeovers } = this.#leader;
    return { takeovers, grants: this.#grantCount, unknown: this.#calls.unknownCount };
  }

  /** Calls under way. */
  get pending(): number {
    return this.#requests.size;
  }

  /** Origin id of the leader that this node follows; null while there is none. */
  get leader(): number | null {
    return this.#following?.leader ?? null;
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

  memberUp(id: number): void {
    this.#members.up(id);
  }

  memberDown(id: number): void {
    this.#members.down(id);
    this.#leader.gone(id);
    this.#voters.down(id);
    this.#leads.delete(id);
    this.#lost(id);
  }

  closed(id: number): void {
    this.memberDown(id);
    this.#voters.closed(id);
    this.#outcomes.confirms.closed(id);
  }

  linkUp(id: number, of: { readonly name: string; readonly speaks: boolean }): void {
    this.#members.linked(id, of);
    this.#voters.linked(id, of.name);
    this.#leader.linked(id);
    if (!of.speaks) {
      this.#calls.failAll(tooOld([of.name]));
      return;
    }
    this.#post.send(id, this.#state());
    if (this.#leader.term !== null)
      this.#post.send(id, { kind: "lead", count: this.#leader.term.count });
    for (const open of this.#outcomes.confirms.open())
      this.#post.send(id, { ...open, kind: "confirm" });
  }

  linkDown(id: number): void {
    this.#members.unlinked(id);
    this.#leader.unlinked(id);
    this.#outcomes.confirms.unlinked(id);
    this.#leads.delete(id);
    this.#post.forget(id);
    this.#lost(id);
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
    switch (frame.kind) {
      case "state":
        this.#adoptClosings(frame.view.closed);
        this.#voters.told(from, frame);
        return this.#leader.told(from, frame);
      case "lead":
        this.#highest = Math.max(this.#highest, frame.count);
        this.#leads.set(from, frame.count);
        return;
      case "follow":
        return this.#onFollow(from, frame);
      case "ask":
        if (frame.count !== this.#leader.term?.count) return;
        for (const asked of frame.asked) this.#onAsk({ ...asked, origin: from });
        return;
      case "grant":
        this.#adoptClosings(frame.view.closed);
        if (this.#following?.leader !== from || this.#following.count !== frame.count) return;
        return this.#requests.granted(frame.requests, frame.view);
      case "refuse":
        return this.#onRefuse(frame.requests);
      case "release":
        for (const one of frame.released) this.#leader.reservations.release(from, one);
        return;
      case "confirm":
        this.#adoptClosings(frame.view.closed);
        return this.#outcomes.confirms.asked(from, frame);
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
    this.#highest = Math.max(this.#highest, promised.count);
    const term = this.#leader.term;
    if (term === null) return;
    if (compareTerms(promised, term) === 0) {
      this.#members.reported(from, { view, links });
      this.#leader.followed(from, frame);
    } else if (compareTerms(promised, term) > 0) this.#beginTerm();
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
    if (this.#following !== null && this.#following.leader !== this.#self) {
      const { leader, count } = this.#following;
      for (const asked of slices(this.#requests.takeAsked())) {
        this.#post.send(leader, { kind: "ask", count, asked });
      }
      for (const released of slices(this.#requests.takeReleased())) {
        this.#post.send(leader, { kind: "release", released });
      }
    }
    this.#post.flush(this.#leader.term?.count ?? 0);
    this.#outcomes.ask(this.#promised, (frame) => this.#post.broadcast(frame));
    this.#outcomes.answer(this.#promised, (to, frame) => this.#post.send(to, frame));
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
    const isOld = term !== null && compareTerms(this.#promised, term) > 0;
    if (term === null || isOver || isOld) this.#beginTerm();
  }

  #beginTerm(): void {
    this.#highest = Math.max(this.#highest, this.#promised.count) + 1;
    const term: Term = { count: this.#highest, leader: this.#self };
    this.#post.forget();
    this.#leader.begin(term);
    this.#promised = term;
    this.#requests.abandon();
    this.#following = term;
    for (const hold of this.#requests.holds()) this.#leader.reservations.adopt(this.#self, hold);
    this.#post.broadcast({ kind: "lead", count: term.count });
  }

  #vote(): void {
    const newest = this.#voters.step();
    if (newest === null) return;
    if (compareTerms(newest, this.#promised) > 0) {
      this.#promised = newest;
      this.#highest = Math.max(this.#highest, newest.count);
      const following = this.#following;
      // Its leader learns from the answer that its term is over.
      if (following !== null && following.leader !== this.#self) {
        // It may have begun a newer term, of which it has told already.
        const { leader, count } = following;
        this.#leads.set(leader, Math.max(count, this.#leads.get(leader) ?? 0));
        this.#lost(leader);
      }
    }
    this.#post.broadcast(this.#state());
  }

  #follow(): void {
    const { lowest } = this.#members;
    const count = this.#leads.get(lowest);
    if (count === undefined) return;
    this.#leads.delete(lowest);
    const term: Term = { count, leader: lowest };
    if (compareTerms(term, this.#promised) >= 0) {
      this.#promised = term;
      const before = this.#following;
      if (before === null || compareTerms(before, term) !== 0) this.#requests.abandon();
      this.#following = term;
    }
    const links: number[] = [];
    for (const { id, linked } of this.#members.all()) if (linked) links.push(id);
    this.#post.send(lowest, {
      kind: "follow",
      promised: this.#promised,
      voter: this.#voters.isVoter,
      view: viewOf(this.#parts.replica.origins),
      links,
      holds: this.#requests.holds(),
    });
  }

  /** Grants of that node are void: it is no leader any more, or not over this link. */
  #lost(id: number): void {
    if (this.#following?.leader !== id) return;
    this.#following = null;
    this.#requests.abandon();
  }

  #serve(): void {
    const { reservations } = this.#leader;
    if (this.#following?.leader === this.#self) {
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
    if (own.length > 0) this.#requests.granted(own, NOTHING);
  }

  #whyNot({ quorum }: SerialCall): string {
    if (this.#following === null) return "there is no leader within reach";
    const awaited = this.#leader.term === null ? [] : this.#leader.awaited();
    if (awaited.length > 0) return `the leader waits for ${awaited.join(", ")}`;
    return `the key was not free${quorum ? ", or no majority is within reach" : ""}`;
  }

  #state(): SerialFrame {
    const view = viewOf(this.#parts.replica.origins);
    return { kind: "state", promised: this.#promised, voter: this.#voters.isVoter, view };
  }
}
