/** The newest report of each linked node, and when this node sends its own. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Peer } from "../cluster/cluster-events.ts";
import {
  decodeReport,
  encodeReport,
  FEATURE_SPLIT,
  FRAME_REPORT,
  type NodeReport,
} from "./report.ts";

export class Reports {
  readonly #own: () => NodeReport;
  readonly #ofName = new Map<string, NodeReport>();

  constructor(own: () => NodeReport) {
    this.#own = own;
  }

  /** By the name of the node. */
  get all(): ReadonlyMap<string, NodeReport> {
    return this.#ofName;
  }

  /** Tells one peer, over its new link. */
  linkUp(cluster: Cluster, peer: Peer): void {
    this.#send(cluster, peer);
  }

  /** Tells every linked peer that something has changed here. */
  changed(cluster: Cluster): void {
    for (const peer of cluster.linkedPeers()) this.#send(cluster, peer);
  }

  #send(cluster: Cluster, { origin, features }: Peer): void {
    cluster.send(origin, encodeReport(this.#own(), features.includes(FEATURE_SPLIT)));
  }

  linkDown(peer: Peer): void {
    this.#ofName.delete(peer.name);
  }

  /** False if the frame is none of these. Throws ProtocolError if it is a bad one. */
  frame(peer: Peer, frame: Uint8Array): boolean {
    if (frame[0] !== FRAME_REPORT) return false;
    this.#ofName.set(peer.name, decodeReport(frame));
    return true;
  }

  /** The node goes on as a new incarnation: every link is a new one. */
  clear(): void {
    this.#ofName.clear();
  }
}
