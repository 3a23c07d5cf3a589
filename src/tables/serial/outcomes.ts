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
import type { Pending } from "./requests.ts";
import type { SerialFrame } from "./serial-frames.ts";
import type { Term } from "./term.ts";
import type { Voters } from "./voters.ts";

/** What they work with. */
export interface OutcomeParts {
  readonly replica: Replica;
  readonly acks: Acks;
  readonly members: SerialMembers;
  readonly voters: Voters;
  readonly clusterSize: number | undefined;
  /** Ends a call: well if the error is null. */
  readonly end: (pending: Pending, error: SkeinError | null) => void;
}

/** The waiting ones. */
export class Outcomes {
  readonly confirms: Confirms<Pending>;
  readonly #parts: OutcomeParts;
  /** Written in `available` mode, in the order of the log. */
  #written: Pending[] = [];
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

  /** Asks for what was decided in this turn; its ops must have been sent before. */
  ask(term: Term, broadcast: (frame: SerialFrame) => void): void {
    if (this.#decided.length === 0) return;
    const view = viewOf(this.#parts.replica.origins);
    const { id } = this.confirms.ask(this.#decided, { term, view });
    this.#decided = [];
    broadcast({ kind: "confirm", id, view });
  }

  /** Answers others as far as this node holds what they ask for. */
  answer(promised: Term, send: (to: number, frame: SerialFrame) => void): void {
    const voter = this.#parts.voters.isVoter;
    const closed = this.#parts.replica.origins.closedIds();
    for (const { to, id } of this.confirms.answers()) {
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
    for (const { id } of members.alive()) everywhere = Math.min(everywhere, acks.acked(id));
    let done = 0;
    for (const pending of this.#written) {
      if (pending.stage === "written" && pending.seq > everywhere) break;
      done++;
      end(pending, null);
    }
    this.#written.splice(0, done);
  }

  #settleConfirms(): void {
    const { voters, clusterSize = 0, end } = this.#parts;
    const others = voters.majority - (voters.isVoter ? 1 : 0);
    for (const { id, yes, no, calls } of this.confirms.open()) {
      const isOver = calls.every(({ stage }) => stage === "over");
      const isHopeless = clusterSize - no.size < voters.majority;
      if (!isOver && !isHopeless && yes.size < others) continue;
      this.confirms.close(id);
      const isKnown = yes.size >= others;
      const why = new UnavailableError("a majority has gone on to another leader");
      for (const pending of calls) end(pending, isKnown ? null : why);
    }
  }
}
