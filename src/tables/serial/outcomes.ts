/**
 * Calls that have decided and wait until that is known where it must be: in `available` mode at
 * every member that is alive, in `quorum` mode at a majority of voters.
 */
import { type SkeinError, UnavailableError } from "../../errors.ts";
import type { Acks } from "../acks.ts";
import type { Replica } from "../replica.ts";
import { viewOf } from "../view.ts";
import { Confirms } from "./confirms.ts";
import type { SerialMembers } from "./members.ts";
import { slices } from "./post.ts";
import type { Pending } from "./requests.ts";
import {
  type AskedKey,
  type PledgedKey,
  REQUESTS_MAX,
  type Released,
  type SerialFrame,
} from "./serial-frames.ts";
import type { Term } from "./term.ts";
import type { Voters } from "./voters.ts";

/** What they work with. */
export interface OutcomeParts {
  /** This node's origin id. */
  readonly self: number;
  readonly replica: Replica;
  readonly acks: Acks;
  readonly members: SerialMembers;
  readonly voters: Voters;
  readonly clusterSize: number | undefined;
  /** A call that was checked goes on. */
  readonly resume: (pending: Pending) => void;
  /** Ends a call: well if the error is null. */
  readonly end: (pending: Pending, error: SkeinError | null) => void;
}

/** A call under the number that it had then. */
interface Check {
  readonly pending: Pending;
  readonly request: number;
}

/** The waiting ones. */
export class Outcomes {
  readonly confirms: Confirms<Check>;
  readonly #parts: OutcomeParts;
  /** Written in `available` mode, in the order of the log. */
  #written: Pending[] = [];
  /** Granted in `quorum` mode, to be decided if the term still is the newest. */
  #checking: Check[] = [];
  /** Calls whose keys others have pledged, by the number that was asked with. */
  readonly #pledged = new Map<number, Pending>();
  /** Decided in `quorum` mode, to be confirmed once the ops are on their way. */
  #decided: Pending[] = [];

  constructor(parts: OutcomeParts) {
    this.#parts = parts;
    this.confirms = new Confirms(parts.replica.origins);
  }

  /** The decision is made, and written up to that seq; 0 if there was nothing to write. */
  decided(pending: Pending, seq: number): void {
    pending.stage = "written";
    pending.seq = seq;
    pending.wrote = seq > 0;
    if (pending.call.quorum) this.#decided.push(pending);
    else if (seq > 0) this.#written.push(pending);
    else this.#parts.end(pending, null);
  }

  /**
   * Asks a majority first: who is cut off must not write what would surface later. Who is cut off
   * right after it has been answered may write, for the majority has pledged the key.
   */
  check(pending: Pending): void {
    this.#checking.push({ pending, request: pending.request });
  }

  /** Asks for what has come up in this turn; ops written in it must have been sent before. */
  ask(term: Term, broadcast: (frame: SerialFrame) => void): void {
    if (this.#pledged.size > 0) {
      for (const released of slices(this.#takeEnded())) broadcast({ kind: "ended", released });
    }
    if (this.#decided.length + this.#checking.length === 0) return;
    const view = viewOf(this.#parts.replica.origins);
    const send = (calls: readonly Check[], asked: readonly AskedKey[]): void => {
      if (calls.length === 0) return;
      const isCheck = asked.length > 0;
      const { id } = this.confirms.ask(calls, { term, view, asked, isCheck });
      broadcast({ kind: "confirm", id, view, asked });
    };
    send(
      this.#decided.map((pending) => ({ pending, request: pending.request })),
      [],
    );
    this.#decided = [];
    // All that is pledged to one node fits into one frame.
    const checks = this.#checking.splice(0, REQUESTS_MAX - this.#pledged.size);
    for (const { pending, request } of checks) this.#pledged.set(request, pending);
    send(
      checks,
      checks.map(({ pending: { call }, request }) => {
        return { request, resource: call.resource, quorum: true };
      }),
    );
  }

  /** Keys of this node's calls that others have pledged. */
  pledged(): PledgedKey[] {
    const pledged: PledgedKey[] = [];
    const { self } = this.#parts;
    for (const [request, { call, stage }] of this.#pledged) {
      if (stage !== "over") pledged.push({ origin: self, request, resource: call.resource });
    }
    return pledged;
  }

  /** Those that are over, or that are to be asked for again. */
  #takeEnded(): Released[] {
    const ended: Released[] = [];
    for (const [request, pending] of this.#pledged) {
      const isRenewed = pending.request !== request;
      if (!isRenewed && pending.stage !== "over") continue;
      this.#pledged.delete(request);
      ended.push({ request, upTo: isRenewed ? 0 : pending.seq });
    }
    return ended;
  }

  /** Answers others as far as this node holds what they ask for. */
  answer(promised: Term, send: (to: number, frame: SerialFrame) => void): void {
    const answers = this.confirms.answers();
    if (answers.length === 0) return;
    const voter = this.#parts.voters.isVoter;
    const closed = this.#parts.replica.origins.closedIds();
    for (const { to, id } of answers) {
      send(to, { kind: "confirmed", id, promised, voter, closed });
    }
  }

  /** Ends those that are known where they must be. */
  settle(): void {
    this.#settleWritten();
    this.#settleConfirms();
  }

  /** Forgets those that were given up. */
  tidy(): void {
    this.#written = this.#written.filter(({ stage }) => stage === "written");
  }

  #settleWritten(): void {
    if (this.#written.length === 0) return;
    const { acks, members, end } = this.#parts;
    let everywhere = Number.POSITIVE_INFINITY;
    for (const { id } of members.alive()) {
      everywhere = Math.min(everywhere, Math.max(acks.acked(id), members.applied(id)));
    }
    let done = 0;
    for (const pending of this.#written) {
      if (pending.stage === "written" && pending.seq > everywhere) break;
      done++;
      end(pending, null);
    }
    this.#written.splice(0, done);
  }

  #checked(pending: Pending): void {
    if (pending.stage !== "granted") return;
    pending.checked = true;
    this.#parts.resume(pending);
  }

  #settleConfirms(): void {
    const { voters, clusterSize = 0, end } = this.#parts;
    const others = voters.majority - (voters.isVoter ? 1 : 0);
    for (const { id, yes, no, calls, isCheck } of this.confirms.open()) {
      const isOver = calls.every(({ pending, request }) => {
        return pending.stage === "over" || pending.request !== request;
      });
      const isHopeless = clusterSize - no.size < voters.majority;
      if (!isOver && !isHopeless && yes.size < others) continue;
      this.confirms.close(id);
      const isKnown = yes.size >= others;
      const why = new UnavailableError("a majority has gone on to another leader");
      for (const { pending, request } of calls) {
        if (!isCheck) end(pending, isKnown ? null : why);
        else if (isKnown && pending.request === request) this.#checked(pending);
      }
    }
  }
}
