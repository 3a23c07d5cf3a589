/**
 * One life of a node: a process with an engine in it, built by the function that `startNode`
 * uses. Collects what changed during a turn for the checkers to look at when the turn is over.
 */
import type { DownReason } from "../../src/cluster/cluster-events.ts";
import type { Link, LinkHandler, Transport } from "../../src/cluster/transport.ts";
import type { LeaseStore } from "../../src/discovery/lease.ts";
import type { SplitRefusal } from "../../src/errors.ts";
import { assembleEngine, type Engine, type EngineEvents } from "../../src/node/engine.ts";
import type { Log } from "../../src/runtime.ts";
import { Expiry } from "../../src/tables/expiry.ts";
import { MergedValues } from "../../src/tables/merged-values.ts";
import type { WrittenOp } from "../../src/tables/observer.ts";
import { attachIndexes, checkDeclaration } from "../../src/tables/table-options.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { readView } from "./inspect.ts";
import { mergeOf } from "./merging.ts";
import type { SimProcess } from "./process.ts";
import type { Script, ScriptTable } from "./script.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Who it is. */
export interface IncarnationIdentity {
  readonly name: string;
  readonly address: string;
  readonly origin: number;
  readonly nodeNumber: number;
}

/** What a life needs. */
export interface IncarnationParts {
  readonly identity: IncarnationIdentity;
  readonly script: Script;
  /** What it says in the handshake that it can do. */
  readonly features: readonly string[];
  readonly process: SimProcess;
  readonly random: SeededRandom;
  readonly transport: Pick<Transport, "dial">;
  readonly log: Log;
  readonly wrote: (incarnation: Incarnation, op: WrittenOp) => void;
  /** It has declared a table. */
  readonly declared: (incarnation: Incarnation, table: TableState) => void;
  /** It is about to take part in serial operations. */
  readonly opened: (incarnation: Incarnation) => void;
  /** It judged that a member is down. */
  readonly accused: (incarnation: Incarnation, origin: number, reason: DownReason) => void;
  /** Its tables of a policy are refused to its writers from now on. */
  readonly paused: (incarnation: Incarnation, refusal: SplitRefusal) => void;
  /** The true time. */
  readonly nowMs: () => number;
  /** Where it may hold a lease. */
  readonly lease: LeaseStore | undefined;
}

/** How tables are indexed where they are declared with indexes: by the property `u`. */
export const INDEX_NAME = "byU";

/** The life. */
export class Incarnation {
  readonly identity: IncarnationIdentity;
  readonly process: SimProcess;
  readonly engine: Engine;
  /** Keys touched in this turn, or since a merge began: id to [table, key]. */
  readonly touched = new Map<string, readonly [string, string]>();
  /** A session was merged or an origin was closed in this turn: everything is to be checked. */
  fullCheckDue = false;
  /** Retired by this node's own judgement in this turn. */
  retiredNow: readonly number[] = [];
  /** Some of that was not adopted from another node, but judged here. */
  hasJudged = false;
  /** What was retired here when that was looked at last. */
  retiredBefore: readonly (readonly [number, number])[] = [];
  /** Its vector when the last turn ended; kept while anything is closed. */
  vectorBefore: ReadonlyMap<number, number> | null = null;
  /** How often a member was excused: went down, lagged, was closed. By origin. */
  readonly excusals = new Map<number, number>();
  /** When a link to an origin came up last. */
  readonly linkedAtMs = new Map<number, number>();
  /** Discovery has given it all addresses. */
  discovered = false;
  /** It has met those that it could reach. */
  isOpen = false;
  /** Why it was fenced. */
  fencedBy: string | null = null;
  /** It said goodbye. */
  left = false;
  /** Whom it had links to when it said goodbye. */
  toldOrigins: readonly number[] = [];
  /** Its name was given to another process while it ran. */
  wasReplaced = false;
  /** Its machine went off before its goodbye was sure to be out. */
  cutShort = false;
  readonly bootedAtMs: number;
  readonly #declared: (table: TableState) => void;
  #adopted = 0;

  constructor(parts: IncarnationParts, nowMs: number) {
    const { identity, script, process, random, transport, log, features } = parts;
    this.identity = identity;
    this.process = process;
    this.bootedAtMs = nowMs;
    this.#declared = (table) => parts.declared(this, table);
    this.engine = assembleEngine(
      {
        cluster: "sim",
        ...identity,
        secrets: ["simulated"],
        timings: script.timings,
        limits: script.limits,
        features,
        clusterSize: script.nodes.length,
        observer: {
          wrote: (op) => parts.wrote(this, op),
          touched: (table, key) => this.touched.set(`${table}\n${key}`, [table, key]),
          merged: () => this.#dueAll(),
          closed: (origin) => {
            this.#excuse(origin);
            // It may be retired in this very turn; then its vector entry is gone at the end.
            this.vectorBefore ??= readView(this.engine.tables).vector;
            this.#dueAll();
          },
          lagged: (origin) => this.#excuse(origin),
          retired: (origins) => {
            const { retirementsAdopted } = this.engine.tables.counters;
            if (retirementsAdopted === this.#adopted) this.hasJudged = true;
            this.#adopted = retirementsAdopted;
            this.retiredNow = [...this.retiredNow, ...origins];
            this.#dueAll();
          },
        },
      },
      { transport, clock: process, random, log, lease: parts.lease, events: this.#events(parts) },
    );
  }

  get origin(): number {
    return this.identity.origin;
  }

  /** "name#origin", for messages. */
  get who(): string {
    return `${this.identity.name}#${this.origin}`;
  }

  accept(link: Link): LinkHandler {
    return this.engine.accept(link);
  }

  /** It may lead serial operations from now on. */
  open(parts: IncarnationParts): void {
    this.isOpen = true;
    parts.opened(this);
    this.engine.tables.serial.open();
  }

  /** The table, declared if it was not. */
  declare(table: ScriptTable): TableState {
    const options = table.indexed
      ? { ordered: true, indexes: { [INDEX_NAME]: (value: { u: string }) => value.u } }
      : {};
    const { name, type, lifetime } = table;
    const state = this.engine.tables.open(checkDeclaration(name, { type, lifetime }));
    if (!state.declared) {
      attachIndexes(state, { ...options, split: table.split ?? "merge" });
      if (table.ttlMs !== undefined) {
        state.expiry = new Expiry(table.ttlMs, state, this.engine.tables.replica.origins);
        state.expiry.adopt(this.process.now());
      }
      if (table.merging !== undefined) {
        state.merged = new MergedValues(mergeOf(table.merging), state.multi);
      }
      if (table.split === "leaseSide") this.engine.lease?.use();
      this.#declared(state);
    }
    return state;
  }

  /** The declaration is taken back; null if there is none. */
  removeTable({ name, type, lifetime }: ScriptTable): TableState | null {
    const state = this.engine.tables.open(checkDeclaration(name, { type, lifetime }));
    if (!state.declared) return null;
    state.detach();
    return state;
  }

  #events(parts: IncarnationParts): EngineEvents {
    return {
      linkUp: ({ origin }) => this.linkedAtMs.set(origin, parts.nowMs()),
      memberDown: (member, reason) => {
        this.#excuse(member.origin);
        if (reason !== "silent" && reason !== "refused") return;
        parts.accused(this, member.origin, reason);
      },
      paused: (refusal) => parts.paused(this, refusal),
      fenced: (reason) => {
        this.fencedBy ??= reason;
      },
      tick: () => {
        if (!this.isOpen && this.#isJoined()) this.open(parts);
      },
    };
  }

  /** As a node is ready: whatever can be reached is linked, and its rows are here. */
  #isJoined(): boolean {
    if (!this.discovered) return false;
    const { cluster, tables } = this.engine;
    const peers = cluster.linkedPeers();
    for (const { address, origin, failures } of cluster.status().dials) {
      const isLinked = peers.some((peer) => peer.address === address || peer.origin === origin);
      if (!isLinked && failures === 0) return false;
    }
    for (const peer of tables.peers.values()) if (!peer.streamsToUs) return false;
    return true;
  }

  #excuse(origin: number): void {
    this.excusals.set(origin, (this.excusals.get(origin) ?? 0) + 1);
  }

  #dueAll(): void {
    this.fullCheckDue = true;
  }
}
