/**
 * Puts one node's tables and its cluster together. `startNode` and the simulator both build their
 * nodes with this function; transport, clock and randomness are all that differ. Synchronous and
 * without promises: those belong to the public faces.
 */
import { Cluster } from "../cluster/cluster.ts";
import type {
  ClusterEvents,
  DownReason,
  MemberIdentity,
  OriginClosedReason,
  Peer,
  Refusal,
} from "../cluster/cluster-events.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import { FEATURE_LINK_NEWS } from "../cluster/link-news.ts";
import type { Link, LinkHandler, Transport } from "../cluster/transport.ts";
import type { LeaseStore } from "../discovery/lease.ts";
import type { SplitRefusal } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import { TABLES_FEATURES } from "../tables/features.ts";
import type { TablesLimits } from "../tables/limits.ts";
import type { TablesObserver } from "../tables/observer.ts";
import { Tables } from "../tables/tables.ts";
import { FEATURE_LEASE } from "./lease-frames.ts";
import { LeaseSide } from "./lease-side.ts";
import { type PausingPolicy, Splits } from "./splits.ts";

/** What every node can do beyond protocol 1 as it was released first, for the handshake. */
export const ENGINE_FEATURES: readonly string[] = [FEATURE_LINK_NEWS, ...TABLES_FEATURES];

/** While writes wait, time-outs are looked at this often. */
const EXPIRE_MS = 100;

/** Frames from this kind on belong to the node layer. */
const NODE_FRAMES = 0x40;

/** Options of the cluster, and what the tables need besides. */
export interface EngineOptions extends ClusterOptions {
  /** Nodes of the whole cluster, for what needs a majority. */
  readonly clusterSize?: number | undefined;
  readonly limits?: Partial<TablesLimits>;
  readonly observer?: TablesObserver;
  /** 32 random bits, see RowMap. Default 0, for runs that are to be repeated. */
  readonly hashSeed?: number;
}

/** What the node layer wants to hear. All optional; called after the tables have been told. */
export interface EngineEvents {
  linkUp?(peer: Peer): void;
  linkDown?(peer: Peer, reason: string): void;
  /** A frame of the node layer. Throws ProtocolError if it breaks the protocol. */
  frame?(peer: Peer, frame: Uint8Array): void;
  memberUp?(member: MemberIdentity): void;
  memberDown?(member: MemberIdentity, reason: DownReason): void;
  originClosed?(origin: number, reason: OriginClosedReason | "gossip"): void;
  refused?(refusal: Refusal): void;
  caughtUp?(origin: number): void;
  lagging?(origin: number): void;
  /** That peer holds other rows at the same view; it is being repaired. */
  diverged?(origin: number): void;
  /** Tables of that policy are refused to this node's writers from now on. */
  paused?(refusal: SplitRefusal): void;
  /** They may be written again, or for the first time. */
  resumed?(policy: PausingPolicy): void;
  /** A listener of a table has thrown. */
  listenerFailed?(error: unknown): void;
  /** After each round of pings. */
  tick?(): void;
  /**
   * This incarnation is over. The engine goes on answering until it is stopped. `isReplaced`: a
   * newer incarnation of the name exists.
   */
  fenced?(reason: string, isReplaced: boolean): void;
}

/** What the engine stands on. */
export interface EngineEnvironment {
  readonly transport: Pick<Transport, "dial">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the side of a split that may write tables with `leaseSide` holds its lease. */
  readonly lease?: LeaseStore | undefined;
  readonly events?: EngineEvents;
}

/** One node without its public faces. */
export interface Engine {
  readonly tables: Tables;
  readonly cluster: Cluster;
  readonly splits: Splits;
  /** Undefined where the nodes share no database. */
  readonly lease: LeaseSide | undefined;
  /** For the transport: a link that others open. */
  accept(link: Link): LinkHandler;
  start(): void;
  /** This incarnation is over, as others have decided: waiting and later writes fail. */
  fence(reason: string, isReplaced: boolean): void;
  /** Says goodbye: peers drop this node's rows at once. */
  leave(): void;
  /** Stops without a word. */
  stop(): void;
}

/** Builds a node that is not started yet. */
export function assembleEngine(options: EngineOptions, environment: EngineEnvironment): Engine {
  return new AssembledEngine(options, environment);
}

class AssembledEngine implements Engine, ClusterEvents {
  readonly tables: Tables;
  readonly cluster: Cluster;
  readonly splits: Splits;
  readonly lease: LeaseSide | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #events: EngineEvents;
  #awake = false;
  #stopped = false;
  #expiryDue = false;
  #isReplaced = false;

  constructor(options: EngineOptions, environment: EngineEnvironment) {
    const { limits, observer, clusterSize, hashSeed, ...clusterOptions } = options;
    const { features = ENGINE_FEATURES } = options;
    const { clock, random, log, transport, lease } = environment;
    this.#clock = clock;
    this.#log = log;
    this.#events = environment.events ?? {};
    this.lease = this.#leaseSide(options.origin, environment);
    this.splits = new Splits({
      clusterSize,
      lease: this.lease,
      census: () => this.cluster.census(),
      changed: () => this.tables.splitChanged(),
      paused: (refusal) => this.#events.paused?.(refusal),
      resumed: (policy) => this.#events.resumed?.(policy),
    });
    this.tables = new Tables({
      origin: options.origin,
      wall: () => clock.wall(),
      now: () => clock.now(),
      ...(limits === undefined ? {} : { limits }),
      ...(observer === undefined ? {} : { observer }),
      ...(clusterSize === undefined ? {} : { clusterSize }),
      ...(hashSeed === undefined ? {} : { hashSeed }),
      splitQuestion: (policy) => this.splits.refusal(policy),
      outbox: {
        send: (peer, frame) => this.cluster.send(peer, frame),
        disconnect: (peer, reason) => this.#later(() => this.cluster.disconnect(peer, reason)),
        wake: () => this.#wake(),
      },
      events: {
        fenced: (reason) => this.#events.fenced?.(reason, this.#isReplaced),
        originClosed: (origin) => this.#later(() => this.cluster.close(origin, "gossip")),
        caughtUp: (origin) => this.#events.caughtUp?.(origin),
        lagging: (origin) => this.#events.lagging?.(origin),
        diverged: (origin) => this.#events.diverged?.(origin),
        listenerFailed: (error) => this.#events.listenerFailed?.(error),
      },
    });
    this.cluster = new Cluster(
      {
        ...clusterOptions,
        features: lease === undefined ? features : [...features, FEATURE_LEASE],
      },
      {
        transport,
        clock,
        random,
        log,
        events: this,
        isClosed: (origin) => this.tables.isClosed(origin),
        openOrigins: () => this.tables.openOrigins(),
      },
    );
  }

  accept(link: Link): LinkHandler {
    return this.cluster.accept(link);
  }

  start(): void {
    this.splits.judge();
    this.cluster.start();
  }

  fence(reason: string, isReplaced: boolean): void {
    this.#isReplaced = isReplaced;
    this.lease?.stop();
    this.tables.fence(reason);
  }

  leave(): void {
    this.tables.run();
    this.#stopped = true;
    this.lease?.stop();
    this.cluster.leave();
  }

  stop(): void {
    this.#stopped = true;
    this.lease?.stop();
    this.cluster.stop();
  }

  linkUp(peer: Peer): void {
    this.tables.linkUp(peer.origin, peer.name, peer.features);
    this.lease?.linkUp(peer);
    this.#events.linkUp?.(peer);
  }

  linkDown(peer: Peer, reason: string): void {
    this.tables.linkDown(peer.origin);
    this.#events.linkDown?.(peer, reason);
  }

  frame(peer: Peer, frame: Uint8Array): void {
    if (this.#stopped) return;
    if ((frame[0] as number) < NODE_FRAMES) this.tables.receive(peer.origin, frame);
    else if (this.lease?.frame(peer, frame) !== true) this.#events.frame?.(peer, frame);
  }

  memberUp(member: MemberIdentity): void {
    this.tables.memberUp(member.origin, member.name);
    this.splits.judge();
    this.#events.memberUp?.(member);
  }

  memberDown(member: MemberIdentity, reason: DownReason): void {
    // First, for what is waited for may not come to be done because nobody is left to wait for.
    this.splits.judge();
    this.tables.memberDown(member.origin);
    this.#events.memberDown?.(member, reason);
  }

  originClosed(origin: number, reason: OriginClosedReason): void {
    this.tables.close(origin);
    this.#events.originClosed?.(origin, reason);
  }

  fenced(reason: string, isReplaced: boolean): void {
    this.fence(reason, isReplaced);
  }

  refused(refusal: Refusal): void {
    this.#events.refused?.(refusal);
  }

  tick(): void {
    if (this.#stopped) return;
    this.lease?.tick();
    this.splits.judge();
    this.tables.tick(this.cluster.isComplete());
    this.#events.tick?.();
  }

  #leaseSide(origin: number, of: EngineEnvironment): LeaseSide | undefined {
    if (of.lease === undefined) return undefined;
    return new LeaseSide({
      store: of.lease,
      clock: of.clock,
      origin,
      census: () => this.cluster.census(),
      isLive: (other) => this.cluster.isLive(other),
      linkedPeers: () => this.cluster.linkedPeers(),
      send: (peer, frame) => this.cluster.send(peer, frame),
      changed: () => this.splits.judge(),
    });
  }

  /** Runs the tables once at the end of this turn, and again while they have work. */
  #wake(): void {
    if (!this.#awake && !this.#stopped) {
      this.#awake = true;
      this.#clock.defer(() => {
        this.#awake = false;
        if (this.#stopped) return;
        if (this.tables.run()) this.#wake();
        this.#scheduleExpiry();
      });
    }
  }

  #scheduleExpiry(): void {
    if (this.#expiryDue || this.tables.waiting === 0) return;
    this.#expiryDue = true;
    this.#clock.after(EXPIRE_MS, () => {
      this.#expiryDue = false;
      if (this.#stopped) return;
      this.tables.expire();
      this.#scheduleExpiry();
    });
  }

  /** The tables are in the middle of something: the cluster is told when they are done. */
  #later(act: () => void): void {
    this.#clock.defer(() => {
      if (!this.#stopped) act();
      else this.#log.debug({ event: "late_call" }, "dropped a call after the engine stopped");
    });
  }
}
