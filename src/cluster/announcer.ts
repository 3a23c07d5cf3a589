/** Tells the listener what happens and writes it to the log, until it is muted. */
import type { Log } from "../runtime.ts";
import type {
  ClusterEvents,
  DownReason,
  MemberIdentity,
  OriginClosedReason,
  Peer,
  Refusal,
} from "./cluster-events.ts";
import type { RefusalCount } from "./refusal-count.ts";

export class Announcer {
  readonly #events: ClusterEvents;
  readonly #log: Log;
  readonly #refusals: RefusalCount;
  #isMuted = false;

  constructor(events: ClusterEvents, log: Log, refusals: RefusalCount) {
    this.#events = events;
    this.#log = log;
    this.#refusals = refusals;
  }

  /** From now on nothing is said. */
  mute(): void {
    this.#isMuted = true;
  }

  linkUp(peer: Peer): void {
    if (this.#isMuted) return;
    this.#log.info({ event: "link-up", ...peer }, "linked");
    this.#events.linkUp(peer);
  }

  linkDown(peer: Peer, reason: string): void {
    if (this.#isMuted) return;
    this.#log.info({ event: "link-down", ...plain(peer), reason }, "link lost");
    this.#events.linkDown(peer, reason);
  }

  memberUp(identity: MemberIdentity): void {
    if (this.#isMuted) return;
    const member = plain(identity);
    this.#log.info({ event: "member-up", ...member }, "member up");
    this.#events.memberUp(member);
  }

  memberDown(identity: MemberIdentity, reason: DownReason): void {
    if (this.#isMuted) return;
    const member = plain(identity);
    this.#log.warn({ event: "member-down", ...member, reason }, "member down");
    this.#events.memberDown(member, reason);
  }

  originClosed(origin: number, reason: OriginClosedReason): void {
    if (this.#isMuted) return;
    this.#log.info({ event: "origin-closed", origin, reason }, "incarnation closed for good");
    this.#events.originClosed(origin, reason);
  }

  fenced(reason: string, isReplaced: boolean): void {
    if (this.#isMuted) return;
    this.#log.error({ event: "fenced", reason, isReplaced }, "this incarnation is closed");
    this.#events.fenced(reason, isReplaced);
  }

  refused(refusal: Refusal): void {
    this.#refusals.note(refusal);
    if (!this.#isMuted) this.#events.refused(refusal);
  }

  badFrame(address: string, message: string): void {
    this.#log.warn({ event: "bad-frame", address, message }, "bad frame; its link is closed");
  }

  internalError(origin: number, error: unknown): void {
    const fields = { event: "frame-handler-failed", origin, err: error };
    this.#log.error(fields, "a frame could not be handled; its link is closed");
  }

  tick(now: number): void {
    if (!this.#isMuted) this.#events.tick(now);
  }
}

function plain({ origin, name, nodeNumber, address }: MemberIdentity): MemberIdentity {
  return { origin, name, nodeNumber, address };
}
