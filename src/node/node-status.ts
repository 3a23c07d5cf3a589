/** Puts together what `status()` gives, from the parts of a running node. */
import type { WriteCalls } from "../tables/write-calls.ts";
import type { DeclaredTables } from "./declared-tables.ts";
import type { Engine } from "./engine.ts";
import {
  leaseStatus,
  linkStatuses,
  pausedTables,
  reachedBy,
  replicaStatus,
} from "./engine-status.ts";
import type { NodeReport } from "./report.ts";
import type { Seeker } from "./seeker.ts";
import { type NodeStatus, statusLists } from "./status.ts";

/** What the node knows of itself. */
export type OwnStatus = Pick<
  NodeStatus,
  | "name"
  | "cluster"
  | "origin"
  | "nodeNumber"
  | "address"
  | "state"
  | "uptimeMs"
  | "loopDelay"
  | "stores"
>;

/** The parts. */
export interface StatusParts {
  readonly own: OwnStatus;
  readonly engine: Engine;
  readonly declared: DeclaredTables;
  readonly calls: WriteCalls;
  readonly seeker: Seeker;
  /** By name, from linked nodes. */
  readonly reports: ReadonlyMap<string, NodeReport>;
}

/** Everything. */
export function nodeStatus(parts: StatusParts): NodeStatus {
  const { own, engine, declared, calls, seeker, reports } = parts;
  const { tables, cluster } = engine;
  const members = cluster.members();
  const links = linkStatuses(engine);
  return {
    ...statusLists({
      name: own.name,
      members,
      joined: links.filter((link) => link.receiving && link.sending).map((link) => link.name),
      discovered: seeker.found,
      ownAddresses: new Set([own.address, ...cluster.status().ownAddresses]),
      reached: reachedBy(cluster),
      discoveryWorks: seeker.works,
      declared: declared.list(),
      reports,
    }),
    ...own,
    members,
    links,
    tables: [...declared.reads()].map((reads) => reads.info()),
    paused: pausedTables(engine, declared),
    lease: leaseStatus(engine, own),
    ...replicaStatus(tables),
    rejectedWrites: calls.rejected,
    mesh: cluster.status(),
    discovery: seeker.status(),
  };
}
