/** The user's own way of finding nodes. */
import { UnavailableError } from "../errors.ts";
import { ADDRESSES_MAX, addressFault } from "./address.ts";
import type { DiscoveredNode, DiscoveryBackend } from "./discovery.ts";

/** Returns the addresses of all nodes, the own one or not. */
export type GetNodes = () => readonly string[] | Promise<readonly string[]>;

/** Calls a function for each query. What it throws is an error of discovery like any other. */
export class FunctionDiscovery implements DiscoveryBackend {
  readonly kind = "function";
  readonly #getNodes: GetNodes;

  constructor(options: { readonly getNodes: GetNodes }) {
    this.#getNodes = options.getNodes;
  }

  async getNodes(): Promise<readonly DiscoveredNode[]> {
    let answer: unknown;
    try {
      answer = await this.#getNodes();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new UnavailableError(`getNodes() failed: ${message}`, { cause: error });
    }
    if (!Array.isArray(answer) || answer.length > ADDRESSES_MAX) {
      throw new UnavailableError(
        `getNodes() returned ${Array.isArray(answer) ? `${answer.length} addresses` : typeof answer}` +
          `, allowed is an array of at most ${ADDRESSES_MAX} addresses`,
      );
    }
    for (const [index, address] of answer.entries()) {
      const fault = addressFault(address);
      if (fault !== undefined) {
        throw new UnavailableError(`getNodes() returned an address [${index}] that ${fault}`);
      }
    }
    return [...new Set<string>(answer)].map((address) => ({ address }));
  }

  async leave(): Promise<void> {}

  async close(): Promise<void> {}
}
