/** The persistent stores of a node: opened before it listens, closed after it has left. */
import type { Peer } from "../cluster/cluster-events.ts";
import { InvalidArgumentError, NotRunningError } from "../errors.ts";
import type { StoresConfiguration } from "../persistent/config/configuration.ts";
import { type ConnectionStatus, openStores, type Stores } from "../persistent/stores.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import { MeshCoherence, type MeshParts } from "./mesh-coherence.ts";

/** For those above, who see stores only through a node. */
export type { ConnectionStatus, Stores, StoresConfiguration };

/** What a node lends its stores. */
export interface NodeStoresParts extends MeshParts {
  readonly configuration: StoresConfiguration | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** See the head of this file. */
export class NodeStores {
  readonly #parts: NodeStoresParts;
  readonly #coherence: MeshCoherence;
  #stores: Stores | undefined;
  #isClosed = false;

  constructor(parts: NodeStoresParts) {
    this.#parts = parts;
    this.#coherence = new MeshCoherence(parts);
  }

  /** @throws InvalidArgumentError without a configuration, NotRunningError before and after */
  get all(): Stores {
    if (this.#stores !== undefined) return this.#stores;
    if (this.#parts.configuration !== undefined) {
      throw new NotRunningError("the node's stores are not open");
    }
    throw new InvalidArgumentError("the node was started without the option stores");
  }

  /** Opens what is configured, if anything is. */
  async open(): Promise<void> {
    const { configuration, clock, random, log } = this.#parts;
    if (configuration === undefined) return;
    const coherence = this.#coherence;
    const stores = await openStores(configuration, { clock, random, log, coherence });
    // Stopped meanwhile.
    if (this.#isClosed) await stores.close();
    else this.#stores = stores;
  }

  status(): readonly ConnectionStatus[] {
    return this.#stores?.status() ?? [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const stores = this.#stores;
    this.#stores = undefined;
    await stores?.close();
  }

  linkUp(): void {
    this.#coherence.linkUp();
  }

  linkDown(origin: number): void {
    this.#coherence.linkDown(origin);
  }

  frame(peer: Peer, frame: Uint8Array): boolean {
    return this.#coherence.frame(peer, frame);
  }
}
