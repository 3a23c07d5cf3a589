/**
 * Which tables may be written on this node's side of a split. The cluster says whom it counts as
 * alive; the tables ask before each write. Whoever waits for a write is told before members that
 * are gone are no longer waited for.
 */
import type { Census } from "../cluster/roster.ts";
import type { SplitRefusal } from "../errors.ts";
import type { LeaseSide } from "./lease-side.ts";

/** The policies that can pause tables. */
export type PausingPolicy = SplitRefusal["policy"];

/** All of them. */
export const PAUSING_POLICIES: readonly PausingPolicy[] = ["pauseMinority", "leaseSide"];

/** What it works with. */
export interface SplitsParts {
  /** Nodes of the whole cluster, if that is known. */
  readonly clusterSize: number | undefined;
  /** Where the nodes share a database. */
  readonly lease: LeaseSide | undefined;
  census(): Census;
  /** A policy's answer is another one: its pending writes are to be looked at. */
  changed(): void;
  paused(refusal: SplitRefusal): void;
  resumed(policy: PausingPolicy): void;
}

/** The judge. */
export class Splits {
  readonly #parts: SplitsParts;
  #minority: SplitRefusal | null = null;
  /** What was told of each policy last; none before the first look. */
  readonly #told = new Map<PausingPolicy, SplitRefusal["reason"] | null>();

  constructor(parts: SplitsParts) {
    this.#parts = parts;
  }

  /** Why tables of that policy may not be written now; null if they may. */
  refusal(policy: PausingPolicy): SplitRefusal | null {
    return policy === "pauseMinority" ? this.#minority : this.#judgeLease();
  }

  /** Somebody is counted as alive, or is so no longer. */
  judge(): void {
    this.#minority = this.#judgeMinority();
    for (const policy of PAUSING_POLICIES) this.#tell(policy, this.refusal(policy));
  }

  #tell(policy: PausingPolicy, refusal: SplitRefusal | null): void {
    const before = this.#told.get(policy);
    this.#told.set(policy, refusal?.reason ?? null);
    if (refusal !== null) this.#parts.changed();
    if (before === undefined || (before === null) === (refusal === null)) return;
    if (refusal === null) this.#parts.resumed(policy);
    else this.#parts.paused(refusal);
  }

  /** Asked at each write, for a lease ends at a moment. */
  #judgeLease(): SplitRefusal | null {
    const { lease } = this.#parts;
    if (lease === undefined || lease.lease !== null) return null;
    const { answer, error } = lease.keeper;
    const { live } = this.#parts.census();
    const about = { policy: "leaseSide", seen: live, needed: undefined } as const;
    const none = `none of the ${live} members that this node sees is known to hold the lease`;
    if (error !== null) {
      const text = `${none}, and the database did not answer: ${error.message}`;
      return { ...about, reason: "no database", text };
    }
    if (answer !== null && !answer.isOwn && answer.leftMs > 0) {
      const text = `${none}; by the database it is node "${answer.holder.name}"`;
      return { ...about, reason: "lease elsewhere", text };
    }
    return { ...about, reason: "lease pending", text: none };
  }

  /** Where more nodes are known than the cluster is said to have, they count, too. */
  #judgeMinority(): SplitRefusal | null {
    const { clusterSize } = this.#parts;
    if (clusterSize === undefined) return null;
    const { live, known } = this.#parts.census();
    const needed = Math.floor(Math.max(clusterSize, known) / 2) + 1;
    if (live >= needed) return null;
    const text = `this node sees ${live} of ${Math.max(clusterSize, known)} members, needed are ${needed}`;
    return { policy: "pauseMinority", reason: "minority", seen: live, needed, text };
  }
}
