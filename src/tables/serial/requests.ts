/**
 * This node's own serial calls, each in one of these stages:
 *
 *   asking --granted--> granted --all that the leader held is here--> written or holding
 *   holding --finished--> written --it is where it must be--> done
 *   granted --the link to the leader breaks, or another leads--> asking
 *
 * A grant that was not used dies with its link and its term; what was written under it stands.
 */
import type { SkeinError } from "../../errors.ts";
import type { Origins } from "../origins.ts";
import type { View } from "../view.ts";
import { coversView, type SerialMembers } from "./members.ts";
import type { AskedKey, Released } from "./serial-frames.ts";

/** One call, made by the face. */
export interface SerialCall {
  /** Names the key in the cluster. */
  readonly resource: string;
  readonly quorum: boolean;
  /** Monotonic clock, ms. */
  readonly deadline: number;
  /** For how long the code may hold on to the key, ms; null if it decides at once. */
  readonly holdMs: number | null;
  /**
   * Runs while the key is this node's alone: decides and writes. Returns the seq of what it
   * wrote, 0 for nothing, null to hold on to the key until `finish`. May throw: then nothing is
   * written and the call fails with that.
   */
  run(): number | null;
  done(): void;
  fail(error: SkeinError): void;
}

export type Stage = "asking" | "granted" | "holding" | "written" | "over";

/** A call under way. */
export interface Pending {
  readonly call: SerialCall;
  request: number;
  stage: Stage;
  /** When it is given up, monotonic clock, ms. */
  deadline: number;
  /** Where this node's log was when it was written. */
  seq: number;
  /** Something was written under the key. */
  wrote: boolean;
  /** Of `quorum` mode: a majority has confirmed that the grant's term still is the newest. */
  checked: boolean;
}

/** What the leader knows when it grants keys. */
export interface GrantTerms {
  readonly view: View;
  /** Whom it counts as alive: their rows are not to be taken for absent. */
  readonly alive: readonly number[];
}

interface GrantBatch extends GrantTerms {
  readonly pendings: readonly Pending[];
}

/** Terms that are always met. */
export const NO_TERMS: GrantTerms = {
  view: { vector: new Map(), closed: [], retired: [] },
  alive: [],
};

/** All of them. */
export class Requests {
  readonly #origins: Origins;
  readonly #members: SerialMembers;
  readonly #pending = new Map<number, Pending>();
  #granted: GrantBatch[] = [];
  /** Not sent to a leader yet. */
  #unsent: Pending[] = [];
  #released: Released[] = [];
  #nextRequest = 1;

  constructor(origins: Origins, members: SerialMembers) {
    this.#origins = origins;
    this.#members = members;
  }

  get size(): number {
    return this.#pending.size;
  }

  all(): IterableIterator<Pending> {
    return this.#pending.values();
  }

  add(call: SerialCall): Pending {
    const { deadline } = call;
    const pending: Pending = {
      call,
      request: 0,
      stage: "asking",
      deadline,
      seq: 0,
      wrote: false,
      checked: false,
    };
    this.#renew(pending);
    return pending;
  }

  /** What is to be asked of the leader now. */
  takeAsked(): AskedKey[] {
    const unsent = this.#unsent.filter(({ stage }) => stage === "asking");
    this.#unsent = [];
    return unsent.map(askedOf);
  }

  takeReleased(): Released[] {
    const released = this.#released;
    this.#released = [];
    return released;
  }

  /** Keys that user code holds on to. */
  holds(): AskedKey[] {
    const holds: AskedKey[] = [];
    for (const pending of this.#pending.values()) {
      if (pending.stage === "holding") holds.push(askedOf(pending));
    }
    return holds;
  }

  granted(requests: readonly number[], terms: GrantTerms): void {
    const pendings: Pending[] = [];
    for (const request of requests) {
      const pending = this.#pending.get(request);
      if (pending?.stage !== "asking") {
        this.#released.push({ request, upTo: 0 });
        continue;
      }
      pending.stage = "granted";
      pendings.push(pending);
    }
    if (pendings.length > 0) this.#granted.push({ ...terms, pendings });
  }

  /** Those that may run by now: this node knows all that the leader knew. */
  takeRunnable(): Pending[] {
    const runnable: Pending[] = [];
    const left: GrantBatch[] = [];
    for (const batch of this.#granted) {
      const isKnown = coversView(this.#origins, batch.view) && this.#seesAll(batch.alive);
      if (isKnown) runnable.push(...batch.pendings);
      else left.push(batch);
    }
    this.#granted = left;
    return runnable.filter(({ stage }) => stage === "granted");
  }

  /** What those waited for beside their grant has come. */
  resume(pending: Pending): void {
    this.#granted.push({ ...NO_TERMS, pendings: [pending] });
  }

  /** No leader is followed any more: what was not used is to be asked for again. */
  abandon(): void {
    this.#granted = [];
    this.#released = [];
    this.#unsent = [];
    for (const pending of [...this.#pending.values()]) {
      if (pending.stage === "asking" || pending.stage === "granted") this.#renew(pending);
    }
  }

  /** Ends a call and gives its key back. */
  end(pending: Pending): void {
    pending.stage = "over";
    this.#pending.delete(pending.request);
    this.#released.push({ request: pending.request, upTo: pending.seq });
  }

  /** The call of that number, if it is under way. */
  find(request: number): Pending | undefined {
    return this.#pending.get(request);
  }

  /** A node that has just begun hides the rows of those that it has not heard of yet. */
  #seesAll(alive: readonly number[]): boolean {
    for (const id of alive) {
      if (this.#members.get(id)?.alive === true || this.#origins.retired.has(id)) continue;
      const index = this.#origins.find(id);
      if (index < 0 || this.#origins.gone[index] !== true) return false;
    }
    return true;
  }

  /** A new number, so that answers to the old one say nothing. */
  #renew(pending: Pending): void {
    this.#pending.delete(pending.request);
    pending.request = this.#nextRequest++;
    pending.stage = "asking";
    pending.checked = false;
    this.#pending.set(pending.request, pending);
    this.#unsent.push(pending);
  }
}

function askedOf({ request, call }: Pending): AskedKey {
  return { request, resource: call.resource, quorum: call.quorum };
}
