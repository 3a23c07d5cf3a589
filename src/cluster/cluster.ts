/**
 * One node's part of the mesh: links to all others, who is alive, who is closed for good. It
 * knows nothing of tables; their frames pass through. All of it is synchronous and driven by
 * the transport, the clock and the randomness that it is given.
 */
import { InvalidArgumentError, ProtocolError, TooLargeError } from "../errors.ts";
import type { Clock, Log, Random, Timer } from "../runtime.ts";
import { Announcer } from "./announcer.ts";
import type { ClusterEvents, Member, Peer } from "./cluster-events.ts";
import { decodeClusterFrame, encodeClusterFrame, type PingFrame } from "./cluster-frames.ts";
import {
  type CheckedClusterOptions,
  type ClusterOptions,
  checkClusterOptions,
} from "./cluster-options.ts";
import { type ClusterStatus, clusterStatus } from "./cluster-status.ts";
import { Connection, type ConnectionEnd, type ConnectionOwner } from "./connection.ts";
import { Dialer } from "./dialer.ts";
import { TICKS_PER_PING } from "./failure-detector.ts";
import { NONCE_BYTES, UPPER_KIND_MIN } from "./frame-limits.ts";
import { LinkNews } from "./link-news.ts";
import { LinkTable } from "./link-table.ts";
import type { Learned } from "./membership.ts";
import { RefusalCount } from "./refusal-count.ts";
import { type Census, Roster } from "./roster.ts";
import type { Link, LinkHandler, Transport } from "./transport.ts";

export type {
  ClusterEvents,
  DownReason,
  Member,
  MemberIdentity,
  MemberState,
  OriginClosedReason,
  Peer,
  Refusal,
} from "./cluster-events.ts";
export type { ClusterOptions, ClusterTimings } from "./cluster-options.ts";
export type { ClusterStatus } from "./cluster-status.ts";

/** What a Cluster is driven by. */
export interface ClusterEnvironment {
  readonly transport: Pick<Transport, "dial">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: ClusterEvents;
  /** Whether the layer above has closed that origin for good. */
  isClosed(origin: number): boolean;
  /** Other origins that the layer above holds and has not closed; none without it. */
  openOrigins?(): Iterable<number>;
}

type State = "new" | "running" | "stopped";

/** Addresses taken from discovery at most. */
const TARGETS_MAX = 10_000;
/** Answers of discovery before it is believed that they name everybody. */
const ANSWERS_MIN = 2;

export class Cluster {
  readonly #options: CheckedClusterOptions;
  readonly #environment: ClusterEnvironment;
  readonly #owner: ConnectionOwner;
  readonly #links: LinkTable;
  readonly #news: LinkNews;
  readonly #roster: Roster;
  readonly #dialer: Dialer;
  readonly #refusals: RefusalCount;
  readonly #announcer: Announcer;
  readonly #counts = { handshakes: 0, replacedLinks: 0, badFrames: 0, internalErrors: 0 };
  /** Addresses that turned out to be this node's own. */
  readonly #ownAddresses = new Set<string>();
  #state: State = "new";
  #targets: readonly string[] = [];
  /** How often discovery has answered. */
  #answers = 0;
  #ticks = 0;
  #timer: Timer | undefined;
  readonly #known = (origin: number) =>
    origin === this.#options.origin ? this.#options : this.#roster.membership.get(origin)?.identity;

  /** Throws InvalidOptionsError. Starts nothing. */
  constructor(options: ClusterOptions, environment: ClusterEnvironment) {
    const checked = checkClusterOptions(options);
    const { clock, random, log } = environment;
    this.#options = checked;
    this.#environment = environment;
    this.#refusals = new RefusalCount(clock, log);
    this.#announcer = new Announcer(environment.events, log, this.#refusals);
    this.#links = new LinkTable(checked.origin, checked.timings);
    this.#news = new LinkNews(this.#links);
    this.#dialer = new Dialer({
      ...checked.timings,
      clock,
      random,
      isTakenCareOf: (address, origin) => this.#links.isTakenCareOf(address, origin),
      linkedAt: (address) => this.#links.linkedAt(address),
      dial: (address) => this.#dial(address),
    });
    const roster = {
      options: checked,
      links: this.#links,
      announcer: this.#announcer,
      isClosed: (origin: number) => environment.isClosed(origin),
      openOrigins: () => environment.openOrigins?.() ?? [],
      addressesChanged: () => this.#refreshWanted(),
      closed: () => this.#dialer.doubt(),
      fenced: () => this.#dialer.stop(),
    };
    this.#roster = new Roster(roster, clock.now());
    this.#owner = this.#connectionOwner();
  }

  /** For `transport.listen`: takes a link that somebody else has opened. */
  accept(link: Link): LinkHandler {
    const connection = new Connection(this.#owner);
    connection.opened(link);
    if (this.#state !== "running") {
      connection.drop("not running");
      return connection;
    }
    const busy = this.#links.refusalOf(link.remote);
    if (busy === undefined) this.#links.add(connection);
    else connection.refuse("busy", busy);
    return connection;
  }

  /** Begins to ping and to dial. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#onTimer();
    this.#refreshWanted();
  }

  /** The addresses that discovery gives; each call replaces the list. At most 10000. */
  setTargets(addresses: readonly string[]): void {
    if (addresses.length > TARGETS_MAX) {
      const fields = { event: "too-many-targets", given: addresses.length, used: TARGETS_MAX };
      this.#environment.log.warn(fields, "discovery gives more addresses than are dialled");
    }
    this.#targets = addresses.slice(0, TARGETS_MAX);
    this.#answers++;
    // What was our own address may be another's by the time that it is listed again.
    for (const address of this.#ownAddresses) {
      if (!this.#targets.includes(address)) this.#ownAddresses.delete(address);
    }
    this.#refreshWanted();
  }

  /**
   * Hands a frame of the layer above to the link of that origin; nothing happens without one.
   * The bytes must not change afterwards. Throws if the frame could never be taken.
   */
  send(origin: number, frame: Uint8Array): void {
    if ((frame[0] ?? 0) < UPPER_KIND_MIN) {
      throw new InvalidArgumentError(`frame of kind ${frame[0]}, allowed is ${UPPER_KIND_MIN} up`);
    }
    const { maxFrameBytes } = this.#options.timings;
    if (frame.length > maxFrameBytes) {
      throw new TooLargeError(`frame of ${frame.length} bytes, allowed are ${maxFrameBytes}`);
    }
    this.#links.get(origin)?.send(frame);
  }

  /** Bytes handed to that link and not yet to the network; 0 without a link. */
  bufferedBytes(origin: number): number {
    return this.#links.get(origin)?.bufferedBytes() ?? 0;
  }

  linkedPeers(): readonly Peer[] {
    const peers: Peer[] = [];
    for (const { peer } of this.#links.linked()) if (peer !== undefined) peers.push(peer);
    return peers;
  }

  /** All other nodes that are known and not closed, down ones included. */
  members(): readonly Member[] {
    return this.#roster.members(this.#environment.clock.now());
  }

  /** How many nodes are alive and known, this one included; as `memberUp` and `memberDown` say. */
  census(): Census {
    return this.#roster.census();
  }

  /** Whether another node is alive, as `memberUp` and `memberDown` say. */
  isLive(origin: number): boolean {
    return this.#roster.isLive(origin);
  }

  /**
   * Whether nobody can be in the cluster unheard of: each address that discovery or a member
   * names is linked, or its host says that nobody listens there. That word must be younger than
   * the newest closing: who began to listen later may know more of what was closed. The first
   * answer of discovery does not count: it may be from before others were listed.
   */
  isComplete(): boolean {
    if (this.#answers < ANSWERS_MIN) return false;
    const peers = this.linkedPeers();
    return this.#dialer.status().every(({ address, origin, isVacant }) => {
      return isVacant || peers.some((peer) => peer.address === address || peer.origin === origin);
    });
  }

  /** The layer above has closed that origin for good: it is dropped, forgotten and refused. */
  close(origin: number, reason: string): void {
    this.#roster.close(origin, { text: reason, down: "closed" });
  }

  /** Closes the link to that origin; a redial follows. */
  disconnect(origin: number, reason: string): void {
    this.#links.get(origin)?.drop(reason);
  }

  /** Says goodbye to all and closes the links when that has gone out. No event comes any more. */
  leave(): void {
    if (this.#state === "running") {
      const goodbye = encodeClusterFrame({ kind: "goodbye" });
      for (const connection of this.#links.linked()) connection.send(goodbye);
    }
    this.#end("goodbye", true);
  }

  /** Closes all links and says nothing, as a crash would. No event comes any more. */
  stop(): void {
    this.#end("stopped", false);
  }

  status(): ClusterStatus {
    return clusterStatus({
      options: this.#options,
      state: this.#roster.isFenced ? "fenced" : this.#state,
      counts: this.#counts,
      refusals: this.#refusals,
      links: this.#links,
      membership: this.#roster.membership,
      dialer: this.#dialer,
      ownAddresses: this.#ownAddresses,
    });
  }

  #end(reason: string, flush: boolean): void {
    this.#state = "stopped";
    this.#announcer.mute();
    this.#timer?.cancel();
    this.#dialer.stop();
    for (const connection of this.#links.all()) connection.drop(reason, flush);
  }

  #connectionOwner(): ConnectionOwner {
    const { clock, random } = this.#environment;
    const { membership } = this.#roster;
    return {
      options: this.#options,
      clock,
      wall: () => clock.wall(),
      nonce: () => random.bytes(NONCE_BYTES),
      side: () => membership.side(),
      verdictOn: (identity) => membership.verdictOn(identity),
      isMisnamed: (identity) => membership.isMisnamed(identity),
      admit: (connection) => this.#links.objectionTo(connection),
      cameUp: (connection) => this.#onUp(connection),
      selfFenced: (reason, isReplaced) => this.#roster.fence(reason, isReplaced),
      frame: (connection, frame) => this.#onFrame(connection, frame),
      ended: (connection, end) => this.#onEnded(connection, end),
    };
  }

  #dial(address: string): void {
    const connection = new Connection(this.#owner, address);
    this.#links.add(connection);
    const attempt = this.#environment.transport.dial(address, connection);
    connection.onAbort(() => attempt.abort());
  }

  #refreshWanted(): void {
    if (this.#state !== "running" || this.#roster.isFenced) return;
    const wanted = new Set(this.#targets);
    for (const { identity } of this.#roster.membership.list()) wanted.add(identity.address);
    wanted.delete(this.#options.address);
    for (const address of this.#ownAddresses) wanted.delete(address);
    this.#dialer.want(wanted);
  }

  // Links coming and going

  #onUp(connection: Connection): void {
    const { peer } = connection;
    if (peer === undefined) return;
    const learned = this.#roster.membership.learn(peer, 0);
    if (learned.kind !== "new" && learned.kind !== "same" && learned.kind !== "risen") {
      return this.#refuseLate(connection, learned);
    }
    const older = this.#links.linkUp(connection, peer.origin);
    this.#counts.handshakes++;
    if (connection.dialled !== undefined) this.#dialer.settled(connection.dialled, peer.origin);
    for (const rival of this.#links.rivalsOf(connection)) rival.drop("another link came up");
    if (older !== undefined) this.#replaced(older);
    // Whoever listens may close it in the meantime.
    if (this.#links.get(peer.origin) !== connection) return;
    this.#roster.linkUp(peer, { learned, now: this.#environment.clock.now() });
    if (this.#links.get(peer.origin) !== connection) return;
    connection.send(this.#ping());
    this.#news.came(peer.origin);
    connection.isAnnounced = true;
    this.#announcer.linkUp(peer);
    this.#refreshWanted();
  }

  #refuseLate(connection: Connection, learned: Learned): void {
    if (learned.kind === "full") connection.refuse("busy", "no room for another member");
    else if (learned.kind === "misnamed") connection.refuse("name", "origin of another name");
    else connection.refuse("fenced", "incarnation closed here");
    if (learned.kind === "successor") {
      this.#roster.fence("a newer incarnation of it is there", true);
    }
  }

  #replaced(older: Connection): void {
    const reason = "replaced by a new link";
    this.#counts.replacedLinks++;
    older.drop(reason);
    if (older.peer !== undefined) this.#announcer.linkDown(older.peer, reason);
  }

  #onEnded(connection: Connection, end: ConnectionEnd): void {
    const wasLinked = this.#links.remove(connection);
    if (this.#state !== "running") return;
    const { peer } = connection;
    if (end.kind === "malformed") {
      this.#counts.badFrames++;
      this.#announcer.badFrame(connection.address, end.message);
    }
    if (end.kind === "refused" && end.reason === "malformed" && end.byUs) this.#counts.badFrames++;
    if (wasLinked && peer !== undefined) {
      this.#roster.unlinked(peer.origin);
      this.#news.lost(peer.origin);
      const heldMs = this.#environment.clock.now() - connection.upAt;
      this.#dialer.lost(peer.address, heldMs);
      if (connection.dialled !== undefined) this.#dialer.lost(connection.dialled, heldMs);
    } else if (connection.dialled !== undefined) {
      this.#dialEnded(connection.dialled, { end, origin: peer?.origin });
    }
    if (end.kind === "refused") this.#refused(connection, end);
    if (wasLinked && peer !== undefined && connection.isAnnounced) {
      this.#announcer.linkDown(peer, textOf(end));
    }
    this.#roster.judgeVacant();
  }

  #dialEnded(
    address: string,
    { end, origin }: { end: ConnectionEnd; origin?: number | undefined },
  ) {
    if (end.kind === "closed" && end.byUs) return this.#dialer.settled(address, origin);
    if (end.kind === "refused" && end.reason === "self") {
      this.#ownAddresses.add(address);
      return this.#refreshWanted();
    }
    const isQuick =
      end.kind === "closed" ||
      (end.kind === "dial failed" && end.why !== "invalid") ||
      (end.kind === "refused" && (end.reason === "busy" || end.reason === "timeout"));
    const isVacant = end.kind === "dial failed" && end.why === "refused";
    const found = this.#dialer.failed(address, textOf(end), { isHopeless: !isQuick, isVacant });
    if (isVacant) this.#roster.refusedAt(address, { now: this.#environment.clock.now(), found });
  }

  #refused(connection: Connection, end: Extract<ConnectionEnd, { kind: "refused" }>): void {
    const { reason, message, byUs } = end;
    const { address, claimedName } = connection;
    const name = claimedName === undefined ? {} : { name: claimedName };
    this.#announcer.refused({ address, ...name, reason, message, byUs });
  }

  // Frames

  #onFrame(connection: Connection, frame: Uint8Array): void {
    const { peer } = connection;
    if (peer === undefined) return;
    try {
      if ((frame[0] ?? 0) >= UPPER_KIND_MIN) this.#environment.events.frame(peer, frame);
      else this.#onClusterFrame(connection, { peer, frame });
    } catch (error) {
      if (error instanceof ProtocolError) return connection.dropMalformed(error.message);
      this.#counts.internalErrors++;
      this.#announcer.internalError(peer.origin, error);
      connection.drop("internal error");
    }
  }

  #onClusterFrame(connection: Connection, { peer, frame }: { peer: Peer; frame: Uint8Array }) {
    const decoded = decodeClusterFrame(frame, this.#known);
    switch (decoded.kind) {
      case "ping":
        return this.#onPing(connection, { peer, ping: decoded });
      case "pong":
        connection.roundTripMs = Math.max(0, this.#environment.clock.now() - decoded.stamp);
        return;
      case "goodbye":
        return this.#roster.close(peer.origin, {
          text: "goodbye",
          down: "goodbye",
          announced: "goodbye",
        });
      case "link":
        if (decoded.linked) connection.linkedTo.add(decoded.origin);
        else connection.linkedTo.delete(decoded.origin);
        return this.#roster.judgeVacant();
      case "refuse": {
        const { reason, message } = decoded;
        this.#refused(connection, { kind: "refused", reason, message, byUs: false });
        return connection.drop(`refused: ${reason}`);
      }
      default:
        throw new ProtocolError(`frame "${decoded.kind}" after the handshake`);
    }
  }

  #onPing(connection: Connection, { peer, ping }: { peer: Peer; ping: PingFrame }): void {
    if (ping.members[0]?.origin !== peer.origin) {
      throw new ProtocolError("ping that does not start with its sender");
    }
    connection.send(encodeClusterFrame({ kind: "pong", stamp: ping.stamp }));
    connection.hasPinged = true;
    connection.linkedTo.clear();
    for (const { origin, linked } of ping.members) if (linked) connection.linkedTo.add(origin);
    this.#roster.hear(peer, { ping, now: this.#environment.clock.now() });
    this.#roster.judgeVacant();
  }

  // Time

  #onTimer(): void {
    const { clock } = this.#environment;
    const { pingMs } = this.#options.timings;
    this.#timer = clock.after(pingMs / TICKS_PER_PING, () => this.#onTimer());
    const now = clock.now();
    const isRound = this.#ticks++ % TICKS_PER_PING === 0;
    if (isRound) {
      // Pings go out before anyone is judged: after a stall of ours the others wait for them.
      this.#roster.nextBeat(now);
      const ping = this.#ping();
      this.#news.round();
      for (const connection of this.#links.linked()) connection.send(ping);
    }
    this.#dropOverfull();
    this.#roster.judge(now);
    if (!isRound) return;
    this.#roster.endRound();
    this.#announcer.tick(now);
  }

  /** A peer that does not read may cost memory up to a limit only. */
  #dropOverfull(): void {
    const { maxBufferedBytes } = this.#options.timings;
    for (const connection of this.#links.all()) {
      const bytes = connection.bufferedBytes();
      if (bytes > maxBufferedBytes) connection.drop(`${bytes} bytes wait to be read`);
    }
  }

  #ping(): Uint8Array {
    return encodeClusterFrame(this.#roster.ping(this.#environment.clock.now()));
  }
}

function textOf(end: ConnectionEnd): string {
  switch (end.kind) {
    case "dial failed":
      return `${end.why}: ${end.message}`;
    case "refused":
      return `refused: ${end.reason}: ${end.message}`;
    case "malformed":
      return end.message;
    case "closed":
      return end.reason;
  }
}
