/** A list of addresses that was given at the start and never changes. */
import { InvalidOptionsError } from "../errors.ts";
import { ADDRESSES_MAX, addressFault } from "./address.ts";
import type { DiscoveredNode, DiscoveryBackend } from "./discovery.ts";

/** See {@link StaticDiscovery}. */
export interface StaticDiscoveryOptions {
  /** Addresses of all nodes, the own one or not; at most 10,000. */
  readonly nodes: readonly string[];
}

/** Answers with the same addresses each time. */
export class StaticDiscovery implements DiscoveryBackend {
  readonly kind = "static";
  readonly #nodes: readonly DiscoveredNode[];

  constructor(options: StaticDiscoveryOptions) {
    const faults = staticFaults(options.nodes);
    if (faults.length > 0) throw new InvalidOptionsError("discovery", faults);
    this.#nodes = [...new Set(options.nodes)].map((address) => ({ address }));
  }

  async getNodes(): Promise<readonly DiscoveredNode[]> {
    return this.#nodes;
  }

  async leave(): Promise<void> {}

  async close(): Promise<void> {}
}

/** What is wrong with a list of addresses, one sentence each. */
export function staticFaults(nodes: unknown): string[] {
  if (!Array.isArray(nodes)) {
    return [`nodes: is of type ${typeof nodes}, allowed is an array of addresses`];
  }
  if (nodes.length > ADDRESSES_MAX) {
    return [`nodes: has ${nodes.length} addresses, at most ${ADDRESSES_MAX}`];
  }
  const faults: string[] = [];
  for (const [index, address] of nodes.entries()) {
    const fault = addressFault(address);
    if (fault !== undefined) faults.push(`nodes[${index}]: ${fault}`);
  }
  return faults;
}
