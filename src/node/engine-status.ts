/** What status says of a running engine: its links, whom they reach, and what its tables cover. */
import type { IntervalHistogram } from "node:perf_hooks";
import type { Cluster } from "../cluster/cluster.ts";
import type { Tables } from "../tables/tables.ts";
import type { DeclaredTables } from "./declared-tables.ts";
import type { Engine } from "./engine.ts";
import { PAUSING_POLICIES } from "./splits.ts";
import type { LeaseStatus, LinkStatus, NodeStatus, PausedTables } from "./status.ts";

/** Every link that is up. */
export function linkStatuses({ tables, cluster }: Engine): LinkStatus[] {
  const members = new Map(cluster.members().map((member) => [member.origin, member]));
  // A stopped cluster tells of no ends: what it has now counts.
  const linked = new Set(cluster.linkedPeers().map(({ origin }) => origin));
  const peers = [...tables.peers.values()].filter((peer) => linked.has(peer.id));
  return peers.map((peer) => ({
    name: peer.name,
    origin: peer.id,
    address: members.get(peer.id)?.address ?? "",
    roundTripMs: members.get(peer.id)?.roundTripMs,
    bufferedBytes: cluster.bufferedBytes(peer.id),
    receiving: peer.streamsToUs,
    sending: peer.streaming,
    acknowledged: tables.acks.acked(peer.id),
  }));
}

/** Addresses at which a linked node answers: those advertised, and others dialled for it. */
export function reachedBy(cluster: Cluster): Set<string> {
  const peers = cluster.linkedPeers();
  const origins = new Set(peers.map((peer) => peer.origin));
  const reached = new Set(peers.map((peer) => peer.address));
  for (const { address, origin } of cluster.status().dials) {
    if (origin !== undefined && origins.has(origin)) reached.add(address);
  }
  return reached;
}

/** Every node that was found and that can be reached is linked, and its rows are here. */
export function hasJoined(
  { cluster, tables }: Engine,
  of: { readonly found: readonly { readonly address: string }[]; readonly own: string },
): boolean {
  const { dials, ownAddresses } = cluster.status();
  const reached = reachedBy(cluster);
  for (const { address } of of.found) {
    if (address === of.own || reached.has(address) || ownAddresses.includes(address)) continue;
    // A dial that has failed at least once says that the node cannot be reached now.
    if ((dials.find((dial) => dial.address === address)?.failures ?? 0) > 0) continue;
    return false;
  }
  for (const peer of tables.peers.values()) if (!peer.streamsToUs) return false;
  return true;
}

/** Tables that this node may not write now. */
export function pausedTables(engine: Engine, declared: DeclaredTables): PausedTables[] {
  const paused: PausedTables[] = [];
  for (const policy of PAUSING_POLICIES) {
    const refusal = engine.splits.refusal(policy);
    const tables = refusal === null ? [] : declared.ofPolicy(policy);
    if (refusal !== null && tables.length > 0) paused.push({ ...refusal, tables });
  }
  return paused;
}

/** The lease of this node's side, if it has one. */
export function leaseStatus(
  { cluster, lease }: Engine,
  own: { readonly name: string; readonly origin: number },
): LeaseStatus | null {
  const known = lease?.known() ?? null;
  if (known === null) return null;
  const isOwn = known.holder === own.origin;
  const holder = cluster.members().find(({ origin }) => origin === known.holder)?.name;
  return { term: known.term, holder: isOwn ? own.name : holder, isOwn, leftMs: known.leftMs };
}

/** What this node covers and has done. */
export function replicaStatus(
  tables: Tables,
): Pick<NodeStatus, "vector" | "closedOrigins" | "counters" | "pendingWrites"> {
  const { origins } = tables.replica;
  const vector: Record<string, number> = {};
  for (const index of origins.listedIndexes()) {
    vector[String(origins.ids[index])] = origins.vector[index] as number;
  }
  return {
    vector,
    closedOrigins: origins.closedIds(),
    counters: { ...tables.counters },
    pendingWrites: tables.acks.pending,
  };
}

/** Event-loop delay since the start. */
export function loopDelayStatus(delay: IntervalHistogram): NodeStatus["loopDelay"] {
  return { p99Ms: toMs(delay.percentile(99)), maxMs: toMs(delay.max) };
}

function toMs(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.round(nanoseconds / 1e4) / 100 : 0;
}
