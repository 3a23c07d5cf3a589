/** What the mesh of one node shows of itself: a plain object, without secrets. */
import type { CheckedClusterOptions } from "./cluster-options.ts";
import type { Dialer, DialStatus } from "./dialer.ts";
import type { LinkTable } from "./link-table.ts";
import type { Membership } from "./membership.ts";
import type { RefusalCount, RefusalCounts } from "./refusal-count.ts";

/** Counters since the Cluster was made, and what is under way now. */
export interface ClusterStatus {
  readonly state: "new" | "running" | "stopped" | "fenced";
  readonly cluster: string;
  readonly name: string;
  readonly origin: number;
  readonly nodeNumber: number;
  readonly address: string;
  /** Handshakes that came up. */
  readonly handshakes: number;
  /** Links that a newer one of the same peer took the place of. */
  readonly replacedLinks: number;
  /** Links closed because of a frame that made no sense. */
  readonly badFrames: number;
  /** Links closed because the code behind `frame` threw something unforeseen. */
  readonly internalErrors: number;
  readonly refusedByUs: RefusalCounts;
  readonly refusedByPeers: RefusalCounts;
  /** Links open, and handshakes and dials under way. */
  readonly links: number;
  readonly pendingLinks: number;
  /** Other nodes known, down ones included, and how many found no room. */
  readonly members: number;
  readonly ignoredMembers: number;
  /** Addresses that are being dialled for lack of a link, and why the last attempt failed. */
  readonly dials: readonly DialStatus[];
  /** Addresses that turned out to be this node's own. */
  readonly ownAddresses: readonly string[];
}

/** The parts of a Cluster that have something to show. */
export interface StatusSources {
  readonly options: CheckedClusterOptions;
  readonly state: ClusterStatus["state"];
  readonly counts: Pick<
    ClusterStatus,
    "handshakes" | "replacedLinks" | "badFrames" | "internalErrors"
  >;
  readonly refusals: RefusalCount;
  readonly links: LinkTable;
  readonly membership: Membership;
  readonly dialer: Dialer;
  readonly ownAddresses: ReadonlySet<string>;
}

export function clusterStatus(sources: StatusSources): ClusterStatus {
  const { options, links, membership, dialer, refusals } = sources;
  const { cluster, name, origin, nodeNumber, address } = options;
  return {
    state: sources.state,
    ...{ cluster, name, origin, nodeNumber, address },
    ...sources.counts,
    refusedByUs: refusals.byUs,
    refusedByPeers: refusals.byPeers,
    links: [...links.linked()].length,
    pendingLinks: links.pendingCount,
    members: membership.size,
    ignoredMembers: membership.ignoredCount,
    dials: dialer.status(),
    ownAddresses: [...sources.ownAddresses],
  };
}
