/** Names of nodes by origin, those that are gone among them: watchers ask whose rows vanished. */
import type { MemberIdentity } from "../cluster/cluster-events.ts";

/** The newest few thousand are enough: rows of older ones are long gone. */
const NAMES_MAX = 10_000;

/** What this node has heard. */
export class NodeNames {
  readonly #names = new Map<number, string>();

  remember({ origin, name }: MemberIdentity): void {
    this.#names.set(origin, name);
    if (this.#names.size <= NAMES_MAX) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  of(origin: number): string | undefined {
    return this.#names.get(origin);
  }
}
