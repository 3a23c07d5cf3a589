/**
 * One node's part of the mesh: links to all others, who is alive, who is closed for good. It
 * knows nothing of tables; their frames pass through. All of it is synchronous and driven by
 * the transport, the clock and the randomness that it is given.
 */
import { InvalidArgumentError, ProtocolError, TooLargeError } from "../errors.ts";
import type { Clock, Log, Random, Timer } from "../runtime.ts";
import { Absence } from "./absence.ts";
import type {
  ClusterEvents,
  DownReason,
  Member,
  MemberIdentity,
  OriginClosedReason,
  Peer,
  Refusal,
} from "./cluster-events.ts";
import { decodeClusterFrame, encodeClusterFrame, type PingFrame } from "./cluster-frames.ts";
import {
  type CheckedClusterOptions,
  type ClusterOptions,
  checkClusterOptions,
} from "./cluster-options.ts";
import { type ClusterStatus, clusterStatus } from "./cluster-status.ts";
import { Connection, type ConnectionEnd, type ConnectionOwner } from "./connection.ts";
import { Dialer } from "./dialer.ts";
import { FailureDetector, TICKS_PER_PING } from "./failure-detector.ts";
import { UPPER_KIND_MIN } from "./frame-limits.ts";
import { LinkTable } from "./link-table.ts";
import { type Learned, Membership } from "./membership.ts";
import { pingOf } from "./ping.ts";
import { RefusalCount } from "./refusal-count.ts";
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
}

type State = "new" | "running" | "stopped";

/** Addresses taken from discovery at most. */
const TARGETS_MAX = 10_000;

export class Cluster {
  readonly #options: CheckedClusterOptions;
  readonly #environment: ClusterEnvironment;
  readonly #owner: ConnectionOwner;
  readonly #membership: Membership;
  readonly #detector: FailureDetector;
  readonly #links: LinkTable;
  readonly #dialer: Dialer;
  readonly #refusals: RefusalCount;
  readonly #absence = new Absence();
  readonly #counts = { handshakes: 0, replacedLinks: 0, badFrames: 0, internalErrors: 0 };
  /** Addresses that turned out to be this node's own. */
  readonly #ownAddresses = new Set<string>();
  #state: State = "new";
  #isFenced = false;
  #targets: readonly string[] = [];
  #beat = 1;
  #ticks = 0;
  #timer: Timer | undefined;

  /** Throws InvalidOptionsError. Starts nothing. */
  constructor(options: ClusterOptions, environment: ClusterEnvironment) {
    const checked = checkClusterOptions(options);
    const { timings } = checked;
    const { clock, random, log } = environment;
    this.#options = checked;
    this.#environment = environment;
    this.#membership = new Membership({
      self: checked,
      maxMembers: timings.maxMembers,
      isClosed: (origin) => environment.isClosed(origin),
    });
    this.#detector = new FailureDetector(timings, clock.now());
    this.#links = new LinkTable(checked.origin, timings);
    this.#refusals = new RefusalCount(clock, log);
    this.#dialer = new Dialer({
      ...timings,
      clock,
      random,
      isTakenCareOf: (address, origin) => this.#links.isTakenCareOf(address, origin),
      dial: (address) => this.#dial(address),
    });
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
    return [...this.#links.linked()].flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
  }

  /** All other nodes that are known and not closed, down ones included. */
  members(): readonly Member[] {
    const now = this.#environment.clock.now();
    return [...this.#membership.list()].map(({ identity }) => {
      const connection = this.#links.get(identity.origin);
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

  /** The layer above has closed that origin for good: it is dropped, forgotten and refused. */
  close(origin: number, reason: string): void {
    this.#closeOrigin(origin, { text: reason, down: "closed" });
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
      state: this.#isFenced ? "fenced" : this.#state,
      counts: this.#counts,
      refusals: this.#refusals,
      links: this.#links,
      membership: this.#membership,
      dialer: this.#dialer,
      ownAddresses: this.#ownAddresses,
    });
  }

  get #events(): ClusterEvents {
    return this.#environment.events;
  }

  #end(reason: string, flush: boolean): void {
    this.#state = "stopped";
    this.#timer?.cancel();
    this.#dialer.stop();
    for (const connection of this.#links.all()) connection.drop(reason, flush);
  }

  #connectionOwner(): ConnectionOwner {
    const { clock, random } = this.#environment;
    return {
      options: this.#options,
      clock,
      wall: () => clock.wall(),
      nonce: () => random.bytes(16),
      side: () => this.#membership.side(),
      verdictOn: (identity) => this.#membership.verdictOn(identity),
      isMisnamed: (identity) => this.#membership.isMisnamed(identity),
      admit: (connection) => this.#links.objectionTo(connection),
      cameUp: (connection) => this.#onUp(connection),
      selfFenced: (reason) => this.#fence(reason),
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
    if (this.#state !== "running" || this.#isFenced) return;
    const wanted = new Set(this.#targets);
    for (const { identity } of this.#membership.list()) wanted.add(identity.address);
    wanted.delete(this.#options.address);
    for (const address of this.#ownAddresses) wanted.delete(address);
    this.#dialer.want(wanted);
  }

  // Links coming and going

  #onUp(connection: Connection): void {
    const { peer } = connection;
    if (peer === undefined) return;
    const learned = this.#membership.learn(peer, 0);
    if (learned.kind !== "new" && learned.kind !== "same" && learned.kind !== "risen") {
      return this.#refuseLate(connection, learned);
    }
    const { origin } = peer;
    const older = this.#links.linkUp(connection, origin);
    this.#counts.handshakes++;
    if (connection.dialled !== undefined) this.#dialer.settled(connection.dialled, origin);
    this.#absence.forget(origin);
    const cameUp = this.#detector.linked(origin, this.#environment.clock.now());
    for (const rival of this.#links.rivalsOf(connection)) rival.drop("another link came up");
    if (older !== undefined) this.#replaced(older);
    if (learned.kind === "new") this.#supersede(learned.superseded);
    if (cameUp) this.#memberUp(peer);
    // Whoever listens may have closed it in the meantime.
    if (this.#links.get(origin) !== connection) return;
    connection.send(this.#ping());
    this.#environment.log.info({ event: "link-up", ...peer }, "linked");
    this.#events.linkUp(peer);
    this.#refreshWanted();
  }

  #refuseLate(connection: Connection, learned: Learned): void {
    if (learned.kind === "full") connection.refuse("busy", "no room for another member");
    else if (learned.kind === "misnamed") connection.refuse("name", "origin of another name");
    else connection.refuse("fenced", "incarnation closed here");
    if (learned.kind === "successor") this.#fence("a newer incarnation of this name is there");
  }

  #replaced(older: Connection): void {
    const reason = "replaced by a new link";
    this.#counts.replacedLinks++;
    older.drop(reason);
    if (older.peer !== undefined) this.#linkDown(older.peer, reason);
  }

  #onEnded(connection: Connection, end: ConnectionEnd): void {
    const wasLinked = this.#links.remove(connection);
    if (this.#state !== "running") return;
    const { peer } = connection;
    if (end.kind === "malformed") this.#counts.badFrames++;
    if (end.kind === "refused" && end.reason === "malformed" && end.byUs) this.#counts.badFrames++;
    if (wasLinked && peer !== undefined) {
      this.#absence.forget(peer.origin);
      this.#detector.unlinked(peer.origin);
      const heldMs = this.#environment.clock.now() - connection.upAt;
      this.#dialer.lost(peer.address, heldMs);
      if (connection.dialled !== undefined) this.#dialer.lost(connection.dialled, heldMs);
    } else if (connection.dialled !== undefined) {
      this.#dialEnded(connection.dialled, { end, origin: peer?.origin });
    }
    if (end.kind === "refused") this.#refused(connection, end);
    if (wasLinked && peer !== undefined) this.#linkDown(peer, textOf(end));
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
    this.#dialer.failed(address, textOf(end), !isQuick);
    if (end.kind !== "dial failed" || end.why !== "refused") return;
    const now = this.#environment.clock.now();
    for (const { identity } of this.#membership.list()) {
      if (identity.address === address) this.#detector.refused(identity.origin, now);
    }
  }

  #refused(connection: Connection, end: Extract<ConnectionEnd, { kind: "refused" }>): void {
    const { reason, message, byUs } = end;
    const { address, peer } = connection;
    const name = peer === undefined ? {} : { name: peer.name };
    const refusal: Refusal = { address, ...name, reason, message, byUs };
    this.#refusals.note(refusal);
    this.#events.refused(refusal);
  }

  #linkDown(peer: Peer, reason: string): void {
    if (this.#state !== "running") return;
    const { origin, name, address } = peer;
    this.#environment.log.info({ event: "link-down", origin, name, address, reason }, "link lost");
    this.#events.linkDown(peer, reason);
  }

  // Frames

  #onFrame(connection: Connection, frame: Uint8Array): void {
    const { peer } = connection;
    if (peer === undefined) return;
    try {
      if ((frame[0] ?? 0) >= UPPER_KIND_MIN) this.#events.frame(peer, frame);
      else this.#onClusterFrame(connection, { peer, frame });
    } catch (error) {
      if (error instanceof ProtocolError) return this.#badFrame(connection, error.message);
      this.#counts.internalErrors++;
      const fields = { event: "frame-handler-failed", origin: peer.origin, err: error };
      this.#environment.log.error(fields, "a frame could not be handled; its link is closed");
      connection.drop("internal error");
    }
  }

  #badFrame(connection: Connection, message: string): void {
    const fields = { event: "bad-frame", address: connection.address, message };
    this.#environment.log.warn(fields, "bad frame; its link is closed");
    connection.dropMalformed(message);
  }

  #onClusterFrame(connection: Connection, { peer, frame }: { peer: Peer; frame: Uint8Array }) {
    const decoded = decodeClusterFrame(frame);
    switch (decoded.kind) {
      case "ping":
        return this.#onPing(connection, { peer, ping: decoded });
      case "pong":
        connection.roundTripMs = Math.max(0, this.#environment.clock.now() - decoded.stamp);
        return;
      case "goodbye":
        return this.#closeOrigin(peer.origin, { text: "goodbye", down: "goodbye" }, "goodbye");
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
    const linked = ping.members.filter((member) => member.linked);
    connection.linkedTo = new Set(linked.map((member) => member.origin));
    this.#absence.reported(peer.origin, ping.absent);
    const sizeBefore = this.#membership.size;
    for (const member of ping.members) this.#hearOf(member, member.beat);
    if (this.#membership.size !== sizeBefore) this.#refreshWanted();
    if (ping.absent.length > 0) this.#closeAbsent();
  }

  #hearOf(identity: MemberIdentity, beat: number): void {
    const now = this.#environment.clock.now();
    const learned = this.#membership.learn(identity, beat);
    if (learned.kind === "new") {
      this.#detector.learned(identity.origin, now);
      this.#supersede(learned.superseded);
    } else if (learned.kind === "risen") {
      if (this.#detector.heard(identity.origin, now)) this.#memberUp(identity);
    } else if (learned.kind === "successor") {
      this.#fence(`incarnation ${identity.origin} of this name is known to others`);
    }
  }

  // Judging

  #onTimer(): void {
    const { clock } = this.#environment;
    const { pingMs } = this.#options.timings;
    this.#timer = clock.after(pingMs / TICKS_PER_PING, () => this.#onTimer());
    const now = clock.now();
    for (const connection of this.#links.linked()) {
      if (connection.heardSinceLook && connection.peer !== undefined) {
        this.#detector.linkHeard(connection.peer.origin, now);
      }
      connection.heardSinceLook = false;
    }
    const isRound = this.#ticks++ % TICKS_PER_PING === 0;
    // Pings go out before anyone is judged: after a stall of ours the others wait for them.
    if (isRound) this.#round(now);
    this.#judge(now);
    if (!isRound || this.#state !== "running") return;
    this.#closeAbsent();
    this.#events.tick(now);
  }

  #round(now: number): void {
    const { forgetAfterMs } = this.#options.timings;
    this.#beat++;
    const absent: number[] = [];
    if (forgetAfterMs > 0) {
      for (const { identity } of this.#membership.list()) {
        if (this.#detector.downMs(identity.origin, now) >= forgetAfterMs) {
          absent.push(identity.origin);
        }
      }
    }
    this.#absence.round(absent);
    const ping = this.#ping();
    for (const connection of this.#links.linked()) connection.send(ping);
  }

  #ping(): Uint8Array {
    return encodeClusterFrame(
      pingOf({
        self: this.#options,
        beat: this.#beat,
        stamp: this.#environment.clock.now(),
        members: this.#membership.list(),
        isLinked: (origin) => this.#links.get(origin) !== undefined,
        absent: this.#absence.listed,
        maxBytes: this.#options.timings.maxFrameBytes,
      }),
    );
  }

  #judge(now: number): void {
    const { downMs } = this.#options.timings;
    for (const { origin, kind } of this.#detector.tick(now, (of) => this.#isVouched(of))) {
      const connection = this.#links.get(origin);
      if (kind === "link silent") {
        connection?.drop(`nothing came over this link for ${downMs} ms`);
        continue;
      }
      connection?.drop(`down: ${kind}`);
      const member = this.#membership.get(origin);
      if (member !== undefined) this.#memberDown(member.identity, kind);
    }
  }

  /** Whether a member that is linked here claims a link to that origin. */
  #isVouched(origin: number): boolean {
    for (const connection of this.#links.linked()) {
      if (connection.linkedTo.has(origin)) return true;
    }
    return false;
  }

  #memberUp({ origin, name, nodeNumber, address }: MemberIdentity): void {
    this.#environment.log.info({ event: "member-up", origin, name, address }, "member up");
    this.#events.memberUp({ origin, name, nodeNumber, address });
  }

  #memberDown({ origin, name, nodeNumber, address }: MemberIdentity, reason: DownReason): void {
    if (this.#state !== "running") return;
    const fields = { event: "member-down", origin, name, address, reason };
    this.#environment.log.warn(fields, "member down");
    this.#events.memberDown({ origin, name, nodeNumber, address }, reason);
  }

  // Closing for good

  #closeAbsent(): void {
    const live: number[] = [];
    for (const { identity } of this.#membership.list()) {
      if (this.#detector.isCounted(identity.origin)) live.push(identity.origin);
    }
    for (const origin of this.#absence.agreed(live)) {
      if (this.#detector.state(origin) !== "down") continue;
      this.#absence.closed(origin);
      this.#closeOrigin(origin, { text: "absent", down: "closed" }, "absent");
    }
  }

  #supersede(origins: readonly number[]): void {
    const reason = "newer incarnation";
    for (const origin of origins)
      this.#closeOrigin(origin, { text: reason, down: "closed" }, reason);
  }

  #closeOrigin(
    origin: number,
    how: { text: string; down: DownReason },
    announced?: OriginClosedReason,
  ): void {
    const wasKnown = this.#membership.close(origin);
    const identity = wasKnown ?? this.#links.get(origin)?.peer;
    const wasCounted = this.#detector.forget(origin);
    for (const connection of this.#links.all()) {
      if (connection.peer?.origin === origin) connection.drop(how.text);
    }
    this.#refreshWanted();
    if (wasCounted && identity !== undefined) this.#memberDown(identity, how.down);
    if (announced === undefined || this.#state !== "running") return;
    this.#environment.log.info({ event: "origin-closed", origin, reason: announced }, "closed");
    this.#events.originClosed(origin, announced);
  }

  #fence(reason: string): void {
    if (this.#isFenced || this.#state !== "running") return;
    this.#isFenced = true;
    this.#dialer.stop();
    this.#environment.log.error({ event: "fenced", reason }, "this incarnation is closed");
    this.#events.fenced(reason);
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
