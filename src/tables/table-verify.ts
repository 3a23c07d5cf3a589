/** `verify` and `repair` as users call them: promises, names and decoded keys. */

import type { PeerComparison, VerificationReport } from "./comparison/verification.ts";
import { decodeKey, type Key } from "./key.ts";
import type { TableState } from "./table-state.ts";
import type { Tables } from "./tables.ts";

/** One thing that is wrong on this node, or differs between it and a peer. */
export interface VerifyFault {
  /** Name of the table; undefined for sums over all tables. */
  readonly table: string | undefined;
  /** Undefined where the whole table is meant. */
  readonly key: Key | undefined;
  /**
   * `missing`, `extra`, `other`: a peer holds rows that this node lacks, the other way round, or
   * other ones. `order`, `index`, `counts`, `digest`: what this node derives from its rows does
   * not fit them.
   */
  readonly kind: "missing" | "extra" | "other" | "order" | "index" | "counts" | "digest";
}

/** What one peer holds, against this node. */
export interface PeerVerification {
  readonly name: string;
  readonly origin: number;
  /** `compared`; `unsupported`: an older version of Skein; `broken`: the link was lost meanwhile. */
  readonly state: "compared" | "unsupported" | "broken";
  readonly faults: readonly VerifyFault[];
  /** Keys that were written too often to be judged. */
  readonly unsure: number;
  /** More keys differ than one call looks at (10,000): call again after a repair. */
  readonly isPartial: boolean;
}

/** What `verify` and `repair` resolve with. */
export interface Verification {
  /** Nothing is wrong and every linked peer was compared in full. */
  readonly ok: boolean;
  /** What is wrong on this node by itself; at most 1,000 are listed. */
  readonly faults: readonly VerifyFault[];
  readonly peers: readonly PeerVerification[];
  /** Rows that `repair` has changed on this node. */
  readonly mended: number;
}

/** Verifies, or repairs, this node; with `table` only what concerns that table is returned. */
export function verifyNode(
  tables: Tables,
  of: { readonly repair: boolean; readonly table?: TableState },
): Promise<Verification> {
  return new Promise((resolve) => {
    tables.verify(of.repair, (report) => resolve(verificationOf(report, of.table)));
  });
}

function verificationOf(report: VerificationReport, table: TableState | undefined): Verification {
  const faults = report.own
    .filter((fault) => table === undefined || fault.table === table.id)
    .map((fault): VerifyFault => {
      const name = fault.table === "" ? undefined : fault.table.slice(0, fault.table.indexOf("|"));
      const key = fault.key === "" ? undefined : decodeKey(fault.key);
      return { table: name, key, kind: fault.kind };
    });
  const peers = report.peers.map((peer) => peerOf(peer, table));
  const ok =
    faults.length === 0 &&
    peers.every((peer) => {
      const isWhole = peer.state === "compared" && peer.unsure === 0 && !peer.isPartial;
      return isWhole && peer.faults.length === 0;
    });
  const mended = report.peers.reduce((sum, peer) => sum + peer.mended, 0);
  return { ok, faults, peers, mended };
}

function peerOf(peer: PeerComparison, table: TableState | undefined): PeerVerification {
  const { id: origin, name, state, unsure, isPartial } = peer;
  const faults = peer.differences
    .filter((difference) => table === undefined || difference.table === table)
    .map(({ table: of, key, kind }) => ({ table: of.name, key: decodeKey(key), kind }));
  return { name, origin, state, faults, unsure, isPartial };
}
