/**
 * The other nodes as this one counts them: known, alive, down, closed for good. It joins the
 * pure parts (membership, failure detector, absence) and announces what they come to.
 */

import { Absence } from "./absence.ts";
import type { Announcer } from "./announcer.ts";
import type { DownReason, Member, OriginClosedReason, Peer } from "./cluster-events.ts";
import type { PingFrame, PingMember } from "./cluster-frames.ts";
import type { CheckedClusterOptions } from "./cluster-options.ts";
import type { Connection } from "./connection.ts";
import { FailureDetector } from "./failure-detector.ts";
import { FEATURE_LINK_NEWS } from "./link-news.ts";
import type { LinkTable } from "./link-table.ts";
import { type Learned, Membership } from "./membership.ts";
import { pingOf } from "./ping.ts";

/** What a Roster works with. */
export interface RosterEnvironment {
  readonly options: CheckedClusterOptions;
  readonly links: LinkTable;
  readonly announcer: Announcer;
  /** Whether the layer above has closed that origin for good. */
  isClosed(origin: number): boolean;
  /** Origins that the layer above holds and has not closed. */
  openOrigins(): Iterable<number>;
  /** The addresses that are worth dialling have changed. */
  addressesChanged(): void;
  /** An origin is closed for good, by whomever. */
  closed(): void;
  /** This incarnation is closed; called once. */
  fenced(): void;
}

/** How many nodes there are, this one included. */
export interface Census {
  /** Counted as alive. */
  readonly live: number;
  /** Known and not closed. */
  readonly known: number;
  /** Alive ones with a lower origin than this node's. */
  readonly rank: number;
}

export class Roster {
  readonly membership: Membership;
  readonly #environment: RosterEnvironment;
  readonly #detector: FailureDetector;
  readonly #absence = new Absence();
  #beat = 0;
  #isFenced = false;

  constructor(environment: RosterEnvironment, now: number) {
    const { options } = environment;
    this.#environment = environment;
    this.membership = new Membership({
      self: options,
      maxMembers: options.timings.maxMembers,
      isClosed: (origin) => environment.isClosed(origin),
    });
    this.#detector = new FailureDetector(options.timings, now);
  }

  get isFenced(): boolean {
    return this.#isFenced;
  }

  /** All other nodes that are known and not closed. */
  members(now: number): Member[] {
    return [...this.membership.list()].map(({ identity }) => {
      const connection = this.#environment.links.get(identity.origin);
      return {
        ...identity,
        state: this.#detector.state(identity.origin),
        linked: connection !== undefined,
        linkedTo: connection === undefined ? [] : [...connection.linkedTo],
        lastHeardMsAgo: this.#detector.heardMsAgo(identity.origin, now),
        roundTripMs: connection?.roundTripMs,
      };
    });
  }

  /** How many nodes there are, this one included. */
  census(): Census {
    let live = 1;
    let rank = 0;
    for (const { identity } of this.membership.list()) {
      if (!this.#detector.isCounted(identity.origin)) continue;
      live++;
      if (identity.origin < this.#environment.options.origin) rank++;
    }
    return { live, known: this.membership.size + 1, rank };
  }

  /** Whether it is counted as alive: announced as up, and not as down since. */
  isLive(origin: number): boolean {
    return this.#detector.isCounted(origin);
  }

  /** A link to that peer came up, and `learned` is what the membership made of it. */
  linkUp(peer: Peer, about: { learned: Learned; now: number }): void {
    this.#absence.forget(peer.origin);
    const cameUp = this.#detector.linked(peer.origin, about.now);
    if (about.learned.kind === "new") this.#supersede(about.learned.superseded);
    // Whoever listens may have closed it in the meantime.
    const isOpen = this.membership.get(peer.origin) !== undefined;
    if (cameUp && isOpen) this.#environment.announcer.memberUp(peer);
  }

  /** Its link is gone, and none has taken its place. */
  unlinked(origin: number): void {
    this.#absence.forget(origin);
    this.#detector.unlinked(origin);
  }

  /** The host there said that nobody listens. `found`: who was found there the last time. */
  refusedAt(address: string, about: { now: number; found: number | undefined }): void {
    const { now, found } = about;
    for (const { identity } of this.membership.list()) {
      if (identity.address !== address) continue;
      this.#detector.refused(identity.origin, { now, wasFound: identity.origin === found });
    }
    this.judgeVacant();
  }

  /** Somebody's links have changed: those whose host refused us may be vouched for no longer. */
  judgeVacant(): void {
    for (const origin of this.#detector.judgeVacant((of) => this.#mayBeLinked(of))) {
      const member = this.membership.get(origin);
      if (member !== undefined) this.#environment.announcer.memberDown(member.identity, "refused");
    }
  }

  /** Takes in what a linked peer's ping says. */
  hear(peer: Peer, about: { ping: PingFrame; now: number }): void {
    const { ping, now } = about;
    this.#absence.reported(peer.origin, ping.absent);
    const sizeBefore = this.membership.size;
    for (const member of ping.members) this.#hearOf(member, now);
    if (this.membership.size !== sizeBefore) this.#environment.addressesChanged();
    if (ping.absent.length > 0) this.#closeAbsent();
  }

  /** A round of pings begins: the beat rises, and those long down are listed. */
  nextBeat(now: number): void {
    const { forgetAfterMs } = this.#environment.options.timings;
    this.#beat++;
    const absent: number[] = [];
    if (forgetAfterMs > 0) {
      this.#watchStrangers(now);
      for (const origin of this.#detector.watched()) {
        if (this.#detector.downMs(origin, now) >= forgetAfterMs) absent.push(origin);
      }
    }
    this.#absence.round(absent);
  }

  /**
   * Origins whose ops came by way of others, and nobody who knew them as members is left: no
   * ping will ever name them, and they are absent like members that are down.
   */
  #watchStrangers(now: number): void {
    for (const origin of this.#environment.openOrigins()) this.#detector.learned(origin, now);
  }

  /** After a round of pings: closes those whom all live members list as absent. */
  endRound(): void {
    this.#closeAbsent();
  }

  /** The ping of this round, the same for all peers. */
  ping(now: number): PingFrame {
    const { options, links } = this.#environment;
    return pingOf({
      self: options,
      beat: this.#beat,
      stamp: now,
      members: this.membership.list(),
      isLinked: (origin) => links.get(origin) !== undefined,
      absent: this.#absence.listed,
      maxBytes: options.timings.maxFrameBytes,
    });
  }

  /** Judges all others; to be called TICKS_PER_PING times per ping interval. */
  judge(now: number): void {
    const { links, announcer, options } = this.#environment;
    for (const connection of links.linked()) {
      const origin = connection.peer?.origin;
      if (connection.heardSinceLook && origin !== undefined) this.#detector.linkHeard(origin, now);
      connection.heardSinceLook = false;
    }
    for (const { origin, kind } of this.#detector.tick(now, (of) => this.#isVouched(of))) {
      const connection = links.get(origin);
      if (kind === "link silent") {
        connection?.drop(`nothing came over this link for ${options.timings.downMs} ms`);
        continue;
      }
      const member = this.membership.get(origin);
      connection?.drop(`down: ${kind}`);
      if (member !== undefined) announcer.memberDown(member.identity, kind);
    }
  }

  /** That origin never comes back: forgotten, its links dropped, refused from now on. */
  close(
    origin: number,
    how: { text: string; down: DownReason; announced?: OriginClosedReason },
  ): void {
    const { links, announcer } = this.#environment;
    const identity = this.membership.close(origin) ?? links.get(origin)?.peer;
    const wasCounted = this.#detector.forget(origin);
    const isItsOwn = (connection: Connection) => connection.peer?.origin === origin;
    for (const connection of links.all().filter(isItsOwn)) connection.drop(how.text);
    this.#environment.addressesChanged();
    this.#environment.closed();
    if (wasCounted && identity !== undefined) announcer.memberDown(identity, how.down);
    if (how.announced !== undefined) announcer.originClosed(origin, how.announced);
  }

  /** Others have closed this incarnation, or there is a newer one (`isReplaced`). */
  fence(reason: string, isReplaced: boolean): void {
    if (this.#isFenced) return;
    this.#isFenced = true;
    this.#environment.fenced();
    this.#environment.announcer.fenced(reason, isReplaced);
  }

  #hearOf(member: PingMember, now: number): void {
    const learned = this.membership.learn(member, member.beat);
    if (learned.kind === "new") {
      this.#detector.learned(member.origin, now);
      this.#supersede(learned.superseded);
    } else if (learned.kind === "risen") {
      if (this.#detector.heard(member.origin, now)) this.#environment.announcer.memberUp(member);
    } else if (learned.kind === "successor") {
      this.fence(`incarnation ${member.origin} of this name is known to others`, true);
    } else if (learned.kind === "superseded") {
      // Whoever tells of it may be the last to know whose it was.
      this.#supersede([member.origin]);
    }
  }

  /** Whether a peer that is linked here claims a link to that origin. */
  #isVouched(origin: number): boolean {
    for (const connection of this.#environment.links.linked()) {
      if (connection.linkedTo.has(origin)) return true;
    }
    return false;
  }

  /** Whether that origin is linked to a peer in reach, or is about to link itself to this node. */
  #mayBeLinked(origin: number): boolean {
    const { links } = this.#environment;
    for (const { linkedTo, hasPinged, peer } of links.linked()) {
      // Who tells of its links with its pings only may have got one since.
      const isCurrent = hasPinged && peer?.features.includes(FEATURE_LINK_NEWS) === true;
      if (!isCurrent || linkedTo.has(origin)) return true;
    }
    return links.isComing(origin);
  }

  #closeAbsent(): void {
    const live: number[] = [];
    let known = 0;
    for (const { identity } of this.membership.list()) {
      known++;
      if (this.#detector.isCounted(identity.origin)) live.push(identity.origin);
    }
    for (const origin of this.#absence.agreed(live, known)) {
      // The list is of the last round; it may have been closed in another way since.
      if (this.membership.isClosed(origin)) continue;
      this.#absence.closed(origin);
      this.close(origin, { text: "absent", down: "closed", announced: "absent" });
    }
  }

  #supersede(origins: readonly number[]): void {
    const text = "newer incarnation";
    for (const origin of origins) this.close(origin, { text, down: "closed", announced: text });
  }
}
