/**
 * Discovery as the node sees it: one backend and one loop for each incarnation, and an identity
 * made here where the backend has none to give.
 */
import { BUILT_IN_PROTOCOLS } from "../cluster/cluster-options.ts";
import { createDiscovery } from "../discovery/create-discovery.ts";
import type { DiscoveredNode, DiscoveryBackend, Identity } from "../discovery/discovery.ts";
import { selfIdentity } from "../discovery/identity.ts";
import type { LeaseStore } from "../discovery/lease.ts";
import { asSkeinError, DiscoveryLoop, type DiscoveryStatus } from "../discovery/loop.ts";
import type { SkeinError } from "../errors.ts";
import type { CheckedNodeOptions } from "./options.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the node wants to hear. */
export interface SeekerEvents {
  found(nodes: readonly DiscoveredNode[]): void;
  failed(error: SkeinError): void;
}

/** Finds the other nodes, and this one's identity. */
export class Seeker {
  readonly #options: CheckedNodeOptions;
  readonly #surroundings: Surroundings;
  readonly #events: SeekerEvents;
  #backend: DiscoveryBackend;
  #loop: DiscoveryLoop;
  #found: readonly DiscoveredNode[] = [];
  #answered = false;
  #works = false;
  #newest = 0;

  /** Throws InvalidOptionsError if the discovery options make no sense. */
  constructor(options: CheckedNodeOptions, surroundings: Surroundings, events: SeekerEvents) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#events = events;
    this.#backend = this.#makeBackend();
    this.#loop = this.#makeLoop();
  }

  /** Where the current incarnation may hold a lease; undefined without a database. */
  get lease(): LeaseStore | undefined {
    const { leaseMs } = this.#backend;
    const hold = this.#backend.holdLease?.bind(this.#backend);
    if (leaseMs === undefined || hold === undefined) return undefined;
    return { leaseMs, hold: (done) => void hold().catch(asSkeinError).then(done) };
  }

  /** The newest answer. */
  get found(): readonly DiscoveredNode[] {
    return this.#found;
  }

  /** Whether there was an answer for this incarnation. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Whether the newest question was answered. */
  get works(): boolean {
    return this.#works;
  }

  /** Claims an identity and begins to ask. Waits for a database that is away. */
  async register(address: string): Promise<Identity> {
    const { cluster, name } = this.#options;
    const { clock, random } = this.#surroundings;
    const { min: protocolMin, max: protocolMax } = BUILT_IN_PROTOCOLS;
    const registration = { cluster, name, address, protocolMin, protocolMax };
    const identity = await this.#loop.start(registration);
    const chosen = identity ?? selfIdentity(clock, random);
    // Without a database the wall clock numbers the incarnations, and it may step back.
    const origin =
      identity === undefined ? Math.max(chosen.origin, this.#newest + 1) : chosen.origin;
    this.#newest = Math.max(this.#newest, origin);
    return { ...chosen, origin };
  }

  /** Drops the current incarnation's loop; `register` then claims a new identity. */
  async renew(): Promise<void> {
    await this.#loop.stop();
    this.#answered = false;
    this.#backend = this.#makeBackend();
    this.#loop = this.#makeLoop();
  }

  /** Peers have seen an incarnation of this name: the next one must be newer. */
  seen(origin: number): void {
    this.#newest = Math.max(this.#newest, origin);
  }

  /** A link to that address is up: a stranger makes it ask at once. */
  linked(address: string): void {
    if (this.#answered && !this.#found.some((node) => node.address === address)) {
      this.#loop.trigger();
    }
  }

  allLinked(): void {
    if (this.#found.length > 1) this.#loop.allLinked();
  }

  nodeDown(): void {
    this.#loop.nodeDown();
  }

  status(): DiscoveryStatus {
    return this.#loop.status();
  }

  /** Stops and removes this node from where others look. */
  leave(): Promise<void> {
    return this.#loop.leave();
  }

  /** Stops. */
  close(): Promise<void> {
    return this.#loop.stop();
  }

  #makeBackend(): DiscoveryBackend {
    const { log, discovery } = this.#options;
    const { clock, random } = this.#surroundings;
    return createDiscovery(discovery, { clock, random, log });
  }

  #makeLoop(): DiscoveryLoop {
    const { log, discovery } = this.#options;
    const { clock, random } = this.#surroundings;
    return new DiscoveryLoop({
      backend: this.#backend,
      ...(discovery.timings === undefined ? {} : { timings: discovery.timings }),
      clock,
      random,
      log,
      events: {
        onNodes: (nodes) => {
          this.#found = nodes;
          this.#answered = true;
          this.#works = true;
          this.#events.found(nodes);
        },
        onError: (error) => {
          this.#works = false;
          this.#events.failed(error);
        },
      },
    });
  }
}
