/** The events of a node, as arguments of their listeners. Types only. */
import type { MemberIdentity, Peer, Refusal } from "../cluster/cluster-events.ts";
import type { DiscoveredNode } from "../discovery/discovery.ts";
import type { SplitRefusal } from "../errors.ts";

/** Use with `node.on`. A listener that throws is the user's mistake and ends the process. */
export interface NodeEvents {
  /** A node counts as alive, for the first time or again. */
  nodeUp: [member: MemberIdentity];
  /** A node counts as alive no longer: its rows are not shown. */
  nodeDown: [member: { name: string; origin: number; reason: string }];
  linkUp: [peer: Peer];
  linkDown: [peer: Peer, reason: string];
  /** That node's rows are here and its writes flow. */
  caughtUp: [peer: { origin: number; name: string | undefined }];
  /** That node is alive but too far behind; writes do not wait for it until it has caught up. */
  lagging: [peer: { origin: number; name: string | undefined }];
  /**
   * That node holds other rows than this one although both cover the same: a fault of Skein, or
   * damaged memory. It is being repaired already; please report it.
   */
  divergence: [peer: { origin: number; name: string | undefined }];
  /** An incarnation is over for good: its rows of lifetime `node` are gone. */
  originClosed: [closed: { origin: number; reason: string }];
  /** A handshake was refused, by this node or by the other one. */
  refused: [refusal: Refusal];
  /**
   * The cluster has closed this incarnation; its rows of lifetime `node` are lost. The node goes
   * on as a new one, unless `isReplaced` (a newer node has its name) or the options say "stop".
   */
  fenced: [reason: string, isReplaced: boolean];
  /** The node goes on as a new incarnation. */
  restarted: [incarnation: { origin: number }];
  /**
   * This node's writes to those tables are refused from now on: it is, or may be, on the wrong side
   * of a split. Reads go on.
   */
  paused: [refusal: SplitRefusal & { tables: readonly string[] }];
  /** They may be written again, or for the first time. */
  resumed: [policy: { policy: SplitRefusal["policy"]; tables: readonly string[] }];
  /** Discovery has answered or failed. */
  discovery: [answer: { works: boolean; nodes: readonly DiscoveredNode[] }];
}
