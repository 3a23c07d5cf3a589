/**
 * Verifying a node: what it derives from its rows is held against them, then its rows against
 * those of every peer that it is linked to. With `repair` both ends of each comparison mend what
 * they have wrong.
 */
import type { Peer } from "../peer.ts";
import type { TableState } from "../table-state.ts";
import { type ComparisonResult, type Comparisons, canCompare } from "./comparisons.ts";
import type { OwnFault } from "./self-check.ts";

/** A key that this node and a peer hold different rows of, though both cover the same. */
export interface KeyDifference {
  readonly table: TableState;
  /** Encoded. */
  readonly key: string;
  /** `missing`: only the peer has rows; `extra`: only this node has. */
  readonly kind: "missing" | "extra" | "other";
}

/** What one peer holds. */
export interface PeerComparison {
  readonly id: number;
  readonly name: string;
  /** `compared`; `unsupported`: an older version; `broken`: its link was lost meanwhile. */
  readonly state: "compared" | "unsupported" | "broken";
  readonly differences: readonly KeyDifference[];
  /** Keys that kept changing, and could not be judged. */
  readonly unsure: number;
  /** More keys differ than were looked at. */
  readonly isPartial: boolean;
  /** Rows mended on this node. */
  readonly mended: number;
}

/** What a verification found. */
export interface VerificationReport {
  readonly own: readonly OwnFault[];
  readonly peers: readonly PeerComparison[];
}

/** Verifies and calls `done`, once, later. */
export function verify(
  comparisons: Comparisons,
  of: { readonly peers: Iterable<Peer>; readonly repair: boolean },
  done: (report: VerificationReport) => void,
): void {
  const { repair } = of;
  const peers = [...of.peers];
  const results: PeerComparison[] = [];
  comparisons.checkSelf(repair, (own) => {
    let left = peers.length;
    if (left === 0) done({ own, peers: results });
    const end = (peer: PeerComparison): void => {
      results.push(peer);
      if (--left === 0) done({ own, peers: results });
    };
    for (const peer of peers) {
      if (!canCompare(peer)) end(noComparison(peer, "unsupported"));
      else {
        const mutual = repair;
        comparisons.order({ peer, repair, mutual, done: (result) => end(resultOf(peer, result)) });
      }
    }
  });
}

function noComparison(peer: Peer, state: "unsupported" | "broken"): PeerComparison {
  const { id, name } = peer;
  return { id, name, state, differences: [], unsure: 0, isPartial: false, mended: 0 };
}

function resultOf(peer: Peer, result: ComparisonResult): PeerComparison {
  const { id, name } = peer;
  const { unsure, isPartial, mended } = result;
  if (!result.isWhole) return noComparison(peer, "broken");
  const differences = result.differences.map(({ table, key, ours, theirs }): KeyDifference => {
    if (ours === 0) return { table, key, kind: "missing" };
    return { table, key, kind: theirs.length === 0 ? "extra" : "other" };
  });
  return { id, name, state: "compared", differences, unsure, isPartial, mended };
}
