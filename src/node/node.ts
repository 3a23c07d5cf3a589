/**
 * A node of the cluster: the composition root. It owns the transport, the discovery and the
 * engine of the current incarnation, and it is where the user's promises meet the engine.
 *
 *   starting --all found are joined--> ready
 *   starting, ready --fenced--> fenced --registered as a new incarnation--> starting
 *   fenced for good (a newer node has the name, or the options say so): it stays fenced
 *   any of them --leave or stop--> stopped
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Member, Peer } from "../cluster/cluster-events.ts";
import { DEFAULT_CLUSTER_TIMINGS } from "../cluster/cluster-options.ts";
import type { LinkHandler, Transport } from "../cluster/transport.ts";
import type { DiscoveredNode, Identity } from "../discovery/discovery.ts";
import {
  FencedError,
  NotRunningError,
  ProtocolError,
  type SplitRefusal,
  UnavailableError,
} from "../errors.ts";
import type { BagTable } from "../tables/bag-table.ts";
import type { Table } from "../tables/table.ts";
import type { TableOptions } from "../tables/table-options.ts";
import type { DumpedRow } from "../tables/table-reads.ts";
import type { TableType } from "../tables/table-state.ts";
import { type Verification, verifyNode } from "../tables/table-verify.ts";
import { WriteCalls } from "../tables/write-calls.ts";
import { FEATURE_STORE_CACHE } from "./coherence-frames.ts";
import { DeclaredTables } from "./declared-tables.ts";
import { assembleEngine, ENGINE_FEATURES, type Engine } from "./engine.ts";
import { hasJoined, loopDelayStatus } from "./engine-status.ts";
import { NodeEmitter, throwLater } from "./node-emitter.ts";
import type { NodeEvents } from "./node-events.ts";
import { NodeNames } from "./node-names.ts";
import { nodeStatus } from "./node-status.ts";
import { NodeStores, type Stores } from "./node-stores.ts";
import { type CheckedNodeOptions, checkNodeOptions, type NodeOptions } from "./options.ts";
import { Readiness } from "./readiness.ts";
import { FEATURE_DUMP, RemoteDumps } from "./remote-dumps.ts";
import { FEATURE_SPLIT } from "./report.ts";
import { Reports } from "./reports.ts";
import { Seeker } from "./seeker.ts";
import type { NodeStatus } from "./status.ts";
import type { Surroundings } from "./surroundings.ts";
import { systemSurroundings } from "./system.ts";

/** For those above, who see tables only through a node. */
export type { BagTable, Table };

/** Starts a node. Resolves once it listens and has its identity; see `ready` for the rest. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const node = new Node(checkNodeOptions(options));
  try {
    await node.begin();
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** A running node. Made by `startNode`. */
export class Node {
  readonly #options: CheckedNodeOptions;
  readonly #surroundings: Surroundings;
  readonly #seeker: Seeker;
  readonly #transport: Transport;
  readonly #events = new NodeEmitter();
  readonly #reports: Reports;
  readonly #names = new NodeNames();
  readonly #startedAt: number;
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  readonly #readiness: Readiness;
  readonly #dumps: RemoteDumps;
  readonly #stores: NodeStores;
  #identity: Identity | undefined;
  #engine: Engine | undefined;
  #calls: WriteCalls | undefined;
  #declared: DeclaredTables | undefined;
  #address = "";
  #state: NodeStatus["state"] = "starting";
  #fencedBy: string | undefined;
  #ending: Promise<void> | undefined;

  /** Use `startNode`. */
  constructor(options: CheckedNodeOptions, surroundings: Surroundings = systemSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#startedAt = surroundings.clock.now();
    this.#transport = surroundings.transport(options);
    this.#seeker = new Seeker(options, surroundings, {
      found: (nodes) => this.#found(nodes),
      failed: (error) => this.#seekFailed(error),
    });
    this.#reports = new Reports(() => ({
      discovery: this.#seeker.works ? "works" : "fails",
      tables: this.#declared?.list() ?? [],
    }));
    this.#readiness = new Readiness(() => this.#isJoined());
    this.#dumps = new RemoteDumps({
      clock: surroundings.clock,
      tables: () => this.#running().engine.tables,
      send: (origin, frame) => this.#engine?.cluster.send(origin, frame),
      nameOf: (origin) => this.#nameOf(origin),
    });
    this.#stores = new NodeStores({
      configuration: options.stores,
      log: options.log,
      clock: surroundings.clock,
      random: surroundings.random,
      peers: () => this.#engine?.cluster.linkedPeers() ?? [],
      send: (origin, frame) => this.#engine?.cluster.send(origin, frame),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** This incarnation's id; a new one after a restart. */
  get origin(): number {
    return this.#identity?.origin ?? 0;
  }

  /** Where others dial this node. */
  get address(): string {
    return this.#address;
  }

  /** The persistent stores that the option `stores` configures. */
  get stores(): Stores {
    return this.#stores.all;
  }

  /** Listens, registers and begins to look for others. Called once, by `startNode`. */
  async begin(): Promise<void> {
    await this.#stores.open();
    const listening = await this.#transport.listen((link): LinkHandler => {
      if (this.#engine !== undefined) return this.#engine.accept(link);
      link.close("starting");
      return { frame() {}, closed() {} };
    });
    this.#address = this.#options.advertise ?? listening.address;
    this.#identity = await this.#seeker.register(this.#address);
    this.#engine = this.#assemble(this.#identity);
    this.#calls = new WriteCalls(this.#engine.tables, this.#options.clusterSize);
    const { clusterSize } = this.#options;
    const nameOf = (origin: number): string | undefined => this.#nameOf(origin);
    this.#declared = new DeclaredTables(this.#calls, nameOf, {
      clusterSize,
      leaseMs: this.#seeker.lease?.leaseMs,
      pingMs: { ...DEFAULT_CLUSTER_TIMINGS, ...this.#options.timings }.pingMs,
    });
    this.#loopDelay.enable();
    this.#engine.start();
    this.#options.log.info(
      { event: "node_started", node: this.name, origin: this.origin, address: this.#address },
      "node started",
    );
  }

  /**
   * Resolves once discovery has answered, every node that it found and that can be reached is
   * linked, and their rows are here. Rejects with NotRunningError if the node is stopped before,
   * with FencedError if it is fenced for good.
   */
  async ready(): Promise<void> {
    await this.#readiness.wait();
    this.#checkReady();
  }

  /** Declares a table, at any time. The same declaration again gives the same table. */
  table<V = unknown, I extends string = never>(
    name: string,
    options: TableOptions<V, I> & { readonly type: "bag" },
  ): BagTable<V, I>;
  table<V = unknown, I extends string = never>(
    name: string,
    options?: TableOptions<V, I> & { readonly type?: "set" },
  ): Table<V, I>;
  table(name: string, options: object = {}): unknown {
    const table = this.#running().declared.declare(name, options);
    this.#useLease();
    this.#sendReports();
    return table;
  }

  /**
   * A table that this node's code has declared before, for code that knows only its name; what
   * its rows hold is the caller's word. Throws TableError if it was not declared, or not as that
   * type (default "set").
   */
  getTable<V = unknown, I extends string = string>(name: string, type?: "set"): Table<V, I>;
  getTable<V = unknown, I extends string = string>(name: string, type: "bag"): BagTable<V, I>;
  getTable(name: string, type: TableType = "set"): unknown {
    return this.#running().declared.get(name, type);
  }

  /**
   * Takes the declaration of a table back, at any time: its watchers end, and what `table` returned
   * throws TableError. The rows stay, as those of any table that others declare; `clear` them
   * before if they are to go. Throws TableError if there is none of that name.
   */
  removeTable(name: string): void {
    this.#running().declared.remove(name);
    this.#sendReports();
  }

  /**
   * The rows of a table as another node holds them, in no order, page by page; with `hidden` also
   * those that it does not show. Rejects with UnavailableError if that node is not linked or does
   * not answer, UnsupportedError if it is too old, TableError if the table is not declared here.
   */
  remoteDump(
    nodeName: string,
    table: string,
    { hidden = false }: { readonly hidden?: boolean } = {},
  ): AsyncIterableIterator<DumpedRow<unknown>> {
    const { engine, declared } = this.#running();
    const identity = declared.identity(table);
    const peer = engine.cluster.linkedPeers().find(({ name }) => name === nodeName);
    if (peer === undefined) throw new UnavailableError(`there is no link to a node "${nodeName}"`);
    return this.#dumps.rows(peer, { table: identity, hidden });
  }

  /** Other nodes that are known and not closed. */
  nodes(): readonly Member[] {
    return this.#engine?.cluster.members() ?? [];
  }

  /** Name of the node that leads serial calls, as this one sees it; undefined while none does. */
  leader(): string | undefined {
    const origin = this.#engine?.tables.serial.leader ?? null;
    return origin === null ? undefined : this.#nameOf(origin);
  }

  /** Listens to an event; see NodeEvents. Returns this node. */
  on<E extends keyof NodeEvents>(event: E, listener: (...args: NodeEvents[E]) => void): this {
    // The emitter's own types want a conditional type here that says the same.
    this.#events.on(event, listener as never);
    return this;
  }

  off<E extends keyof NodeEvents>(event: E, listener: (...args: NodeEvents[E]) => void): this {
    this.#events.off(event, listener as never);
    return this;
  }

  /** One picture of everything. Cheap enough to be called every second. */
  status(): NodeStatus {
    const { engine, declared, calls } = this.#running();
    return nodeStatus({
      ...{ engine, declared, calls, seeker: this.#seeker, reports: this.#reports.all },
      own: {
        name: this.name,
        cluster: this.#options.cluster,
        origin: this.origin,
        nodeNumber: this.#identity?.nodeNumber ?? 0,
        address: this.#address,
        state: this.#state,
        uptimeMs: Math.round(this.#surroundings.clock.now() - this.#startedAt),
        loopDelay: loopDelayStatus(this.#loopDelay),
        stores: this.#stores.status(),
      },
    });
  }

  /**
   * Compares this node with itself and with every linked peer, row by row. `table.verify` has the
   * details. Throws NotRunningError before the start.
   */
  async verify(): Promise<Verification> {
    return verifyNode(this.#running().engine.tables, { repair: false });
  }

  /** The same, and mends what is wrong, here and at the peers. */
  async repair(): Promise<Verification> {
    return verifyNode(this.#running().engine.tables, { repair: true });
  }

  /** Says goodbye, so that others drop this node's rows at once, and stops. Idempotent. */
  async leave(): Promise<void> {
    if (this.#ending === undefined) this.#engine?.leave();
    this.#ending ??= this.#end(() => this.#seeker.leave());
    await this.#ending;
  }

  /** Stops without a word: others see a crash. Idempotent. */
  async stop(): Promise<void> {
    this.#ending ??= this.#end(() => this.#seeker.close());
    await this.#ending;
  }

  async #end(closeSeeker: () => Promise<void>): Promise<void> {
    this.#state = "stopped";
    const error = new NotRunningError(`node "${this.name}" is stopped`);
    this.#calls?.end(error);
    this.#declared?.end();
    this.#dumps.end(error);
    this.#engine?.tables.failAll(error);
    this.#engine?.tables.comparisons.abort();
    this.#readiness.fail(error);
    this.#loopDelay.disable();
    await closeSeeker();
    this.#engine?.stop();
    await this.#transport.close();
    await this.#stores.close();
  }

  #assemble(identity: Identity): Engine {
    const { cluster, name, secrets, limits, timings, clusterSize, log } = this.#options;
    const { clock, random } = this.#surroundings;
    return assembleEngine(
      {
        ...{ cluster, name, secrets, limits, timings, clusterSize, ...identity },
        address: this.#address,
        hashSeed: Buffer.from(random.bytes(4)).readUInt32LE(),
        features: [...ENGINE_FEATURES, FEATURE_DUMP, FEATURE_SPLIT, FEATURE_STORE_CACHE],
      },
      {
        transport: this.#transport,
        lease: this.#seeker.lease,
        clock,
        random,
        log,
        events: {
          linkUp: (peer) => this.#linkUp(peer),
          linkDown: (peer, reason) => this.#linkDown(peer, reason),
          frame: (peer, frame) => this.#frame(peer, frame),
          memberUp: (member) => {
            this.#names.remember(member);
            this.#events.tell("nodeUp", member);
          },
          memberDown: (member, reason) => this.#memberDown(member.name, member.origin, reason),
          originClosed: (origin, reason) => this.#events.tell("originClosed", { origin, reason }),
          refused: (refusal) => this.#events.tell("refused", refusal),
          caughtUp: (origin) => this.#caughtUp(origin),
          diverged: (origin) => this.#diverged(origin),
          lagging: (origin) => this.#events.tell("lagging", { origin, name: this.#nameOf(origin) }),
          paused: (refusal) => this.#paused(refusal),
          resumed: (policy) => this.#resumed(policy),
          listenerFailed: throwLater,
          fenced: (reason, isReplaced) => this.#fenced(reason, isReplaced),
          tick: () => this.#checkReady(),
        },
      },
    );
  }

  #running(): { engine: Engine; declared: DeclaredTables; calls: WriteCalls } {
    const engine = this.#engine;
    const declared = this.#declared;
    const calls = this.#calls;
    if (engine === undefined || declared === undefined || calls === undefined) {
      throw new NotRunningError(`node "${this.name}" has not been started`);
    }
    return { engine, declared, calls };
  }

  #found(nodes: readonly DiscoveredNode[]): void {
    const addresses = nodes.map((node) => node.address);
    this.#engine?.cluster.setTargets(addresses.filter((address) => address !== this.#address));
    this.#sendReports();
    this.#events.tell("discovery", { works: true, nodes });
    this.#checkReady();
  }

  #seekFailed(error: unknown): void {
    if (error instanceof FencedError) {
      this.#engine?.fence(error.message, error.isReplaced);
      return;
    }
    this.#options.log.warn({ event: "discovery_failed", err: error }, "discovery failed");
    this.#sendReports();
    this.#events.tell("discovery", { works: false, nodes: this.#seeker.found });
  }

  #linkUp(peer: Peer): void {
    this.#names.remember(peer);
    this.#seeker.linked(peer.address);
    this.#stores.linkUp();
    if (this.#engine !== undefined) this.#reports.linkUp(this.#engine.cluster, peer);
    this.#events.tell("linkUp", peer);
    this.#checkReady();
  }

  #linkDown(peer: Peer, reason: string): void {
    this.#reports.linkDown(peer);
    this.#dumps.linkDown(peer.origin);
    this.#stores.linkDown(peer.origin);
    this.#events.tell("linkDown", peer, reason);
  }

  #memberDown(name: string, origin: number, reason: string): void {
    this.#seeker.nodeDown();
    this.#events.tell("nodeDown", { name, origin, reason });
  }

  #caughtUp(origin: number): void {
    this.#events.tell("caughtUp", { origin, name: this.#nameOf(origin) });
    this.#checkReady();
  }

  #diverged(origin: number): void {
    const name = this.#nameOf(origin);
    const fields = { event: "divergence", peer: name, origin };
    this.#options.log.error(fields, "replicas differ at the same view; they are being repaired");
    this.#events.tell("divergence", { origin, name });
  }

  #paused(refusal: SplitRefusal): void {
    const tables = this.#declared?.ofPolicy(refusal.policy) ?? [];
    if (tables.length === 0) return;
    this.#options.log.warn({ event: "paused", ...refusal, tables }, "writes are refused");
    this.#events.tell("paused", { ...refusal, tables });
  }

  #resumed(policy: SplitRefusal["policy"]): void {
    const tables = this.#declared?.ofPolicy(policy) ?? [];
    if (tables.length === 0) return;
    this.#options.log.info({ event: "resumed", policy, tables }, "writes are taken");
    this.#events.tell("resumed", { policy, tables });
  }

  #frame(peer: Peer, frame: Uint8Array): void {
    if (this.#dumps.frame(peer, frame) || this.#reports.frame(peer, frame)) return;
    if (this.#stores.frame(peer, frame)) return;
    throw new ProtocolError(`frame of kind ${frame[0]}, unknown`);
  }

  #useLease(): void {
    const isUsed = (this.#declared?.ofPolicy("leaseSide").length ?? 0) > 0;
    if (isUsed) this.#engine?.lease?.use();
  }

  #sendReports(): void {
    if (this.#engine !== undefined) this.#reports.changed(this.#engine.cluster);
  }

  #checkReady(): void {
    if (this.#state === "starting" && this.#isJoined()) this.#state = "ready";
    if (this.#state === "ready") this.#engine?.tables.serial.open();
    this.#readiness.check();
  }

  #isJoined(): boolean {
    const engine = this.#engine;
    if (engine === undefined || !this.#seeker.answered) return false;
    if (!hasJoined(engine, { found: this.#seeker.found, own: this.#address })) return false;
    this.#seeker.allLinked();
    return true;
  }

  #nameOf(origin: number): string | undefined {
    if (origin === this.origin) return this.name;
    const known = this.#names.of(origin);
    return known ?? this.nodes().find((member) => member.origin === origin)?.name;
  }

  #fenced(reason: string, isReplaced: boolean): void {
    if (this.#state === "stopped") return;
    this.#fencedBy = reason;
    this.#state = "fenced";
    const text = "the cluster has closed this incarnation";
    this.#options.log.error({ event: "fenced", reason, isReplaced }, text);
    this.#events.tell("fenced", reason, isReplaced);
    const goesOn = this.#options.onFenced === "restart" && !isReplaced;
    // Later, for the engine is in the middle of telling us.
    this.#surroundings.clock.defer(() => void (goesOn ? this.#restart() : this.#standDown(reason)));
  }

  /** Fenced for good: neither links nor discovery any more. Reads and `status` still answer. */
  async #standDown(reason: string): Promise<void> {
    this.#readiness.fail(new FencedError(`node "${this.name}" was fenced: ${reason}`));
    this.#engine?.stop();
    await this.#seeker.close();
    await this.#transport.close();
  }

  /** Goes on as a new incarnation, with the same tables, filled by the others. */
  async #restart(): Promise<void> {
    try {
      await this.#seeker.renew();
      if (this.#state !== "fenced") return;
      const identity = await this.#seeker.register(this.#address);
      if (this.#state !== "fenced") {
        await this.#seeker.leave();
        return;
      }
      this.#engine?.stop();
      this.#identity = identity;
      this.#engine = this.#assemble(identity);
      this.#declared?.rebind(this.#engine.tables);
      this.#useLease();
      this.#dumps.end(new UnavailableError("this node goes on as a new incarnation"));
      this.#reports.clear();
      this.#state = "starting";
      this.#fencedBy = undefined;
      this.#engine.start();
      this.#events.tell("restarted", { origin: identity.origin });
    } catch (error) {
      if (this.#state !== "fenced") return;
      this.#options.log.error({ event: "restart_failed", err: error }, "restart failed");
      await this.#standDown(`it could not start again: ${String(error)}`);
    }
  }

  /** Why this node was fenced, if it was. */
  get fencedBy(): string | undefined {
    return this.#fencedBy;
  }
}
