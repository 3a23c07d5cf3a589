/**
 * One node's tables: the entry of everything that reaches them. Links, frames, ticks and opinions
 * about members come in by method; frames go out by the Outbox. No IO, clock, timer, randomness
 * or promise in here.
 */
import { FencedError, ProtocolError, type SkeinError } from "../errors.ts";
import { Acks, type AckTerms, type Waiter } from "./acks.ts";
import { Comparisons, canCompare } from "./comparison/comparisons.ts";
import { type VerificationReport, verify } from "./comparison/verification.ts";
import type { Counters } from "./counters.ts";
import { Expirer } from "./expirer.ts";
import { FEATURE_RETIRED } from "./features.ts";
import { FRAME_VECTOR } from "./frame-kinds.ts";
import { Jobs } from "./jobs.ts";
import { Lag } from "./lag.ts";
import { defaultLimits, type TablesLimits } from "./limits.ts";
import { LocalWriter } from "./local-writer.ts";
import type { TablesObserver } from "./observer.ts";
import type { Outbox, TablesEvents } from "./outbox.ts";
import { Peer } from "./peer.ts";
import { Receiver } from "./receiver.ts";
import { Replica } from "./replica.ts";
import { Retirement } from "./retirement.ts";
import { Sender } from "./sender.ts";
import { Serial } from "./serial/serial.ts";
import { isSerialFrame } from "./serial/serial-frames.ts";
import { SplitGate, type SplitQuestion } from "./split.ts";
import type { TableIdentity, TableState } from "./table-state.ts";
import { encodeVector } from "./vector-frame.ts";
import { type View, viewOf } from "./view.ts";

/** How the tables are made. */
export interface TablesOptions {
  /** This incarnation's origin id. */
  readonly origin: number;
  readonly outbox: Outbox;
  /** Wall clock, ms since the Unix epoch. */
  readonly wall: () => number;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  readonly limits?: Partial<TablesLimits>;
  readonly observer?: TablesObserver;
  readonly events?: TablesEvents;
  /** Nodes of the whole cluster; without it there is no majority. */
  readonly clusterSize?: number;
  /** Why tables of a policy may not be written now. Default: they always may. */
  readonly splitQuestion?: SplitQuestion;
  /** 32 bits that nobody outside knows: strangers may choose keys. Default 0. */
  readonly hashSeed?: number;
}

/** What goes with each round of pings, made once for all peers. */
interface Report {
  readonly view: View;
  readonly links: readonly number[];
  /** The vector frame for peers that need no word of what others have applied. */
  readonly plain: Uint8Array;
  /** Null while rows and view do not belong together. */
  readonly digest: Uint8Array | null;
}

const NOTHING_APPLIED: ReadonlyMap<number, number> = new Map();

/** The tables of one node. */
export class Tables {
  readonly write: LocalWriter;
  readonly acks: Acks;
  readonly replica: Replica;
  readonly limits: TablesLimits;
  readonly comparisons: Comparisons;
  readonly serial: Serial;
  readonly split: SplitGate;
  readonly #peers = new Map<number, Peer>();
  readonly #outbox: Outbox;
  readonly #events: TablesEvents;
  readonly #now: () => number;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #jobs: Jobs;
  readonly #retirement: Retirement;
  readonly #lag = new Lag();
  readonly #expirer: Expirer;
  #fenced: string | null = null;

  constructor(options: TablesOptions) {
    const observer = options.observer ?? {};
    this.limits = { ...defaultLimits, ...options.limits };
    this.#outbox = options.outbox;
    this.#events = options.events ?? {};
    this.#now = options.now;
    this.replica = new Replica(
      options.origin,
      this.limits,
      observer,
      (error) => this.#events.listenerFailed?.(error),
      options.hashSeed,
    );
    this.acks = new Acks(this.limits.pendingWrites);
    this.split = new SplitGate(options.splitQuestion, options.clusterSize);
    this.write = new LocalWriter(this.replica, options);
    this.#expirer = new Expirer(this.replica, this.write);
    this.#sender = new Sender(this.replica, this.#outbox, this.acks);
    this.#retirement = new Retirement(this.replica, (id) => this.close(id));
    this.comparisons = new Comparisons({
      ...{ replica: this.replica, peers: this.#peers, outbox: this.#outbox, now: this.#now },
      isBusy: () => this.merging || this.#jobs.purging,
      diverged: (peer) => this.#events.diverged?.(peer.id),
    });
    this.#receiver = new Receiver({
      replica: this.replica,
      peers: this.#peers,
      sender: this.#sender,
      retirement: this.#retirement,
      comparisons: this.comparisons,
      acks: this.acks,
      outbox: this.#outbox,
      now: this.#now,
      close: (id) => this.close(id),
      caughtUp: (id) => this.#events.caughtUp?.(id),
    });
    this.serial = new Serial({
      replica: this.replica,
      acks: this.acks,
      send: (id, frame) => this.#outbox.send(id, frame),
      wake: () => this.#outbox.wake(),
      close: (id) => this.close(id),
      isMerging: () => this.merging,
      clusterSize: options.clusterSize,
    });
    this.#jobs = new Jobs({
      ...{ replica: this.replica, receiver: this.#receiver, sender: this.#sender },
      ...{ comparisons: this.comparisons, peers: this.#peers, now: this.#now },
    });
  }

  /** This node's own origin id. */
  get origin(): number {
    return this.replica.origins.ids[this.replica.origins.self] as number;
  }

  get counters(): Readonly<Counters> {
    return this.replica.counters;
  }

  /** A slice-wise job that changes rows is under way: the vector lags behind them. */
  get merging(): boolean {
    return this.#receiver.merge !== null;
  }

  /** Rows of closed owners may still be held: a purge is due or under way. */
  get purging(): boolean {
    return this.#jobs.purging;
  }

  /** Receiving that is under way: a pull, the keys staged of it, frames that wait for a merge. */
  get work(): { pulling: boolean; stagedKeys: number; waitingFrames: number } {
    const { openedPull, waitingFrames } = this.#receiver;
    const stagedKeys = openedPull?.stagedKeys ?? 0;
    return { pulling: openedPull !== null, stagedKeys, waitingFrames };
  }

  /** Why this node was fenced, or null. */
  get fenced(): string | null {
    return this.#fenced;
  }

  /** Calls that wait for something, and may time out. */
  get waiting(): number {
    return this.acks.pending + this.serial.pending;
  }

  /** Monotonic clock, ms. */
  now(): number {
    return this.#now();
  }

  /** Linked peers. */
  get peers(): ReadonlyMap<number, Peer> {
    return this.#peers;
  }

  /** The table of that identity. */
  open(identity: TableIdentity): TableState {
    return this.replica.table(identity);
  }

  /** Rows that were there before the table was declared come into its indexes in slices. */
  attachLater(table: TableState): void {
    if (!table.isAttaching) return;
    this.replica.deliveries.add({ deliver: (rows) => table.stepAttach(rows) });
    this.#outbox.wake();
  }

  /** Throws unless writes may be made now, to that table. */
  checkWritable(writes: number, table: TableState | null = null): void {
    if (this.#fenced !== null) throw new FencedError(`this node was fenced: ${this.#fenced}`);
    const error = table === null ? null : this.split.errorOf(table, false);
    if (error !== null) throw error;
    this.acks.admit(writes);
  }

  /** Waits for a write of ours, to that table. The write goes out at the end of this turn. */
  wait(seq: number, terms: AckTerms, waiter: Waiter, table: TableState | null = null): void {
    const isPausable = table !== null && table.split !== "merge";
    const own = isPausable ? { ...terms, table, least: this.split.leastOthers(table) } : terms;
    this.acks.wait(seq, own, this.#now(), waiter);
    this.#outbox.wake();
  }

  /** The answer to the question about splits may have changed: writes to paused tables fail. */
  splitChanged(): void {
    this.acks.failPaused((table) => this.split.errorOf(table, true));
  }

  /** A link to a peer is up; `features`: what both ends can do beyond protocol 1. */
  linkUp(id: number, name: string, features: readonly string[] = []): void {
    this.linkDown(id);
    const { origins } = this.replica;
    const index = origins.intern(id);
    origins.list(index);
    this.#peers.set(id, new Peer(id, name, index, features));
    this.acks.linked(id, name);
    this.serial.linkUp(id, { name, features });
    this.#sendVector(this.#peers.get(id) as Peer, this.#report());
    this.#outbox.wake();
  }

  /** That link is gone; the peer may still be alive. */
  linkDown(id: number): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    this.#peers.delete(id);
    this.#receiver.forget(peer);
    this.#sender.forget(peer);
    this.comparisons.forget(peer);
    this.acks.unlinked(id);
    this.serial.linkDown(id);
    this.#outbox.wake();
  }

  /** A frame from a peer. Throws ProtocolError on bytes that break the protocol. */
  receive(id: number, frame: Uint8Array): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    if (isSerialFrame(frame)) this.serial.receive(id, frame);
    else this.#receiver.receive(peer, frame);
    if (frame[0] === FRAME_VECTOR && peer.report !== null) this.serial.reported(id, peer.report);
    this.acks.settle();
    this.serial.settle();
    this.#outbox.wake();
  }

  /** The member is alive in this node's opinion: its rows are shown. */
  memberUp(id: number, name = String(id)): void {
    const { origins, counters } = this.replica;
    const index = origins.intern(id);
    origins.list(index);
    if (!origins.gone[index]) this.acks.isAlive(id, name);
    this.serial.memberUp(id, name);
    this.#outbox.wake();
    if (!origins.setHidden(index, false)) return;
    counters.shows++;
    this.replica.ownersChanged();
  }

  /** The member is down in this node's opinion: its rows are not shown, nobody waits for it. */
  memberDown(id: number): void {
    const { origins, counters } = this.replica;
    this.acks.excuse(id);
    this.serial.memberDown(id);
    this.#outbox.wake();
    if (!origins.setHidden(origins.intern(id), true)) return;
    counters.hides++;
    this.replica.ownersChanged();
  }

  /** The origin is closed for good. */
  close(id: number): void {
    if (id === this.origin) {
      this.fence("a peer has closed this incarnation");
      return;
    }
    if (!this.replica.close(id)) return;
    this.acks.excuse(id);
    this.serial.closed(id);
    this.#events.originClosed?.(id);
    this.#outbox.wake();
  }

  /** This incarnation is over: waiting and later writes fail. */
  fence(reason: string): void {
    if (this.#fenced !== null) return;
    this.#fenced = reason;
    this.failAll(new FencedError(`this node was fenced: ${reason}`));
    this.comparisons.abort();
    this.#events.fenced?.(reason);
  }

  /** Fails every call that waits. */
  failAll(error: SkeinError): void {
    this.acks.failAll(error);
    this.serial.failAll(error);
  }

  /** Whether that origin is closed or retired. */
  isClosed(id: number): boolean {
    const index = this.replica.origins.find(id);
    if (index < 0) return this.replica.origins.retired.has(id);
    return this.replica.origins.gone[index] as boolean;
  }

  /** Other origins in the vector, or of awaited births, that are neither closed nor retired. */
  openOrigins(): Set<number> {
    const { origins, ahead } = this.replica;
    const open = new Set<number>();
    const take = (index: number): void => {
      if (index !== origins.self && !origins.gone[index]) open.add(origins.ids[index] as number);
    };
    for (const index of origins.listedIndexes()) take(index);
    for (const { origin } of ahead.list()) take(origin);
    return open;
  }

  /**
   * With every round of pings: reports, retirement, stalled pulls, members that lag.
   * `isComplete`: nobody can be in the cluster unheard of, so closed origins may be retired.
   */
  tick(isComplete: boolean): void {
    const now = this.#now();
    this.#receiver.dropStalledPull(now, (peer) => {
      this.#outbox.disconnect(peer.id, "pull stalled");
    });
    for (const id of this.#lag.check(this.acks, this.replica.nextSeq - 1, now, this.limits.lagMs)) {
      this.replica.counters.lagging++;
      this.replica.observer.lagged?.(id);
      this.#events.lagging?.(id);
    }
    if (this.#fenced === null) this.#expirer.tick(now);
    if (isComplete && !this.merging) this.#retirement.retireAgreed(this.#peers);
    this.expire();
    this.comparisons.tick(now);
    const report = this.#report();
    for (const peer of this.#peers.values()) this.#sendVector(peer, report);
    this.serial.tick();
    this.#outbox.wake();
  }

  /** Compares this node with itself and with all linked peers; `repair` mends both ends. */
  verify(repair: boolean, done: (report: VerificationReport) => void): void {
    verify(this.comparisons, { peers: this.#peers.values(), repair }, done);
  }

  /** Fails writes whose time is over. To be called every 100 ms or so while writes wait. */
  expire(): void {
    const now = this.#now();
    this.acks.expire(now);
    this.serial.expire(now);
  }

  /** Sends what is due and does one slice of each job. True if more is to be done at once. */
  run(): boolean {
    const isExpiring =
      this.#fenced === null && this.#expirer.step(this.#now(), this.limits.sliceRows);
    this.#receiver.turn();
    this.#sender.flush(this.#peers);
    const more = this.#jobs.step((peer, error) => this.#replayFailed(peer, error));
    this.#receiver.openPull();
    this.serial.act();
    this.#sender.flush(this.#peers);
    this.serial.flush();
    this.acks.settle();
    this.serial.settle();
    // Listeners come last: what they write goes out with the next turn.
    return this.replica.deliveries.step(this.limits.sliceRows) || more || isExpiring;
  }

  #replayFailed(peer: Peer, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#outbox.disconnect(peer.id, error.message);
  }

  /** What every peer is told alike. */
  #report(): Report {
    const own = viewOf(this.replica.origins);
    // A merge may end with more of a closed origin than that: nobody is to retire it by this view.
    const view = this.merging ? { ...own, closed: [] } : own;
    const links = [...this.#peers.keys()];
    const plain = encodeVector({ view, links, applied: NOTHING_APPLIED });
    return { view, links, plain, digest: this.comparisons.digest() };
  }

  #sendVector(peer: Peer, { view, links, plain, digest }: Report): void {
    if (peer.features.has(FEATURE_RETIRED)) {
      for (const frame of this.#retirement.news(peer)) this.#outbox.send(peer.id, frame);
    }
    const applied = this.#appliedOf(peer);
    const frame = applied.size === 0 ? plain : encodeVector({ view, links, applied });
    this.#outbox.send(peer.id, frame);
    if (digest !== null && canCompare(peer)) this.#outbox.send(peer.id, digest);
  }

  /** What those that the peer has no link to have applied of its log. */
  #appliedOf(peer: Peer): ReadonlyMap<number, number> {
    const heard = new Set(peer.report?.links);
    let applied: Map<number, number> | null = null;
    for (const [id, other] of this.#peers) {
      if (other === peer || other.report === null || heard.has(id)) continue;
      const seq = other.report.view.vector.get(peer.id);
      if (seq === undefined) continue;
      applied ??= new Map();
      applied.set(id, seq);
    }
    return applied ?? NOTHING_APPLIED;
  }
}
