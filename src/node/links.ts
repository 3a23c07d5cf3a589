/** What status says of this node's links, and whom they reach. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Engine } from "./engine.ts";
import type { LinkStatus } from "./status.ts";

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
