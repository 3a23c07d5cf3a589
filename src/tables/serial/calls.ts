/**
 * The calls of this node's own code, from the moment in which they are made to their end: how many
 * there may be, what they run when their key is reserved, what they are told when time is over.
 */
import {
  OverloadedError,
  SerialUnknownError,
  type SkeinError,
  UnavailableError,
} from "../../errors.ts";
import { tooOld, unknown } from "./failures.ts";
import type { SerialMembers } from "./members.ts";
import { Outcomes } from "./outcomes.ts";
import { type Pending, Requests, type SerialCall } from "./requests.ts";
import type { SerialParts } from "./serial.ts";
import { REQUESTS_MAX } from "./serial-frames.ts";
import type { Voters } from "./voters.ts";

/** Keys that code may hold on to at once, on one node: they fit into one frame. */
const HOLDS_MAX = REQUESTS_MAX;

/** What they work with. */
export interface CallParts extends SerialParts {
  readonly self: number;
  readonly members: SerialMembers;
  readonly voters: Voters;
  /** What the machine waits for, for those that got no key. */
  readonly whyNot: (call: SerialCall) => string;
}

/** All that are under way. */
export class Calls {
  readonly requests: Requests;
  readonly outcomes: Outcomes;
  /** Calls that ended without knowing their outcome. */
  unknownCount = 0;
  readonly #parts: CallParts;
  #holdCount = 0;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.requests = new Requests(parts.replica.origins, parts.members);
    this.outcomes = new Outcomes({
      ...parts,
      resume: (pending) => {
        this.requests.resume(pending);
        parts.wake();
      },
      end: (pending, error) => this.cancel(pending, error),
    });
  }

  /** Begins a call. Throws OverloadedError, UnsupportedError or UnavailableError. */
  begin(call: SerialCall): Pending {
    const { replica, members, voters, wake } = this.#parts;
    const { serialCalls, serialKeys } = replica.limits;
    if (this.requests.size >= Math.min(serialCalls, serialKeys)) {
      throw new OverloadedError(`${this.requests.size} serial calls are under way, the most`);
    }
    if (call.holdMs !== null && this.#holdCount >= HOLDS_MAX) {
      throw new OverloadedError(`code holds on to ${HOLDS_MAX} keys or waits for them, the most`);
    }
    const old = members.tooOld();
    if (old.length > 0) throw tooOld(old);
    if (call.quorum && voters.isCrowded) {
      throw new UnavailableError("more nodes are known than clusterSize says");
    }
    if (call.holdMs !== null) this.#holdCount++;
    const pending = this.requests.add(call);
    wake();
    return pending;
  }

  /** The code that held on to a key has finished. */
  finish(pending: Pending): void {
    if (pending.stage !== "holding") return;
    this.outcomes.decided(pending, this.#parts.replica.nextSeq - 1);
    this.#parts.wake();
  }

  /** The caller waits no longer; what is written stands. Without an error all is well. */
  cancel(pending: Pending, error: SkeinError | null): void {
    if (pending.stage === "over") return;
    if (error === null) return this.end(pending, null);
    const mayHaveWritten = pending.wrote || pending.stage === "holding";
    if (mayHaveWritten) pending.seq = this.#parts.replica.nextSeq - 1;
    const isDecided = pending.stage === "written";
    const isUnknown = mayHaveWritten || isDecided;
    this.end(pending, isUnknown ? unknown(error, mayHaveWritten) : error);
  }

  /** Runs what is granted and covered; true if a key came free by it. */
  runGranted(): boolean {
    if (this.#parts.isMerging()) return false;
    const runnable = this.requests.takeRunnable();
    for (const pending of runnable) {
      if (pending.call.quorum && !pending.checked) this.outcomes.check(pending);
      else this.#run(pending);
    }
    return runnable.length > 0;
  }

  /** Fails those whose time is over. */
  expire(now: number): void {
    this.outcomes.tidy();
    for (const pending of [...this.requests.all()]) {
      if (pending.deadline > now) continue;
      this.cancel(pending, new UnavailableError(this.#whyNot(pending)));
    }
  }

  failAll(error: SkeinError): void {
    for (const pending of [...this.requests.all()]) this.cancel(pending, error);
  }

  /** The end of one: its key is given back. */
  end(pending: Pending, error: SkeinError | null): void {
    if (pending.stage === "over") return;
    if (pending.call.holdMs !== null) this.#holdCount--;
    this.requests.end(pending);
    if (error instanceof SerialUnknownError) this.unknownCount++;
    if (error === null) pending.call.done();
    else pending.call.fail(error);
    this.#parts.wake();
  }

  #run(pending: Pending): void {
    const { call } = pending;
    let seq: number | null;
    try {
      seq = call.run();
    } catch (error) {
      return this.end(pending, error as SkeinError);
    }
    if (seq !== null) return this.outcomes.decided(pending, seq);
    pending.stage = "holding";
    pending.deadline += call.holdMs ?? 0;
  }

  #whyNot({ stage, call }: Pending): string {
    const text = "the time for a serial call is over: ";
    if (stage === "holding") return `${text}the code held on to the key for too long`;
    if (stage === "written") return `${text}not all that had to have confirmed it`;
    return `${text}${this.#parts.whyNot(call)}`;
  }
}
