/** One read-only picture of a node: what `status()` gives, CETS's twelve lists among it. */
import type { Member } from "../cluster/cluster-events.ts";
import type { ClusterStatus } from "../cluster/cluster-status.ts";
import type { SplitRefusal } from "../errors.ts";
import type { ConnectionStatus } from "../persistent/stores.ts";
import type { Counters } from "../tables/counters.ts";
import type { TableInfo } from "../tables/table-reads.ts";
import type { DeclaredTable, NodeReport } from "./report.ts";

/** One link of this node. */
export interface LinkStatus {
  readonly name: string;
  readonly origin: number;
  readonly address: string;
  readonly roundTripMs: number | undefined;
  /** Bytes handed over and not yet given to the network. */
  readonly bufferedBytes: number;
  /** Its log flows to us, ours to it. */
  readonly receiving: boolean;
  readonly sending: boolean;
  /** How far it has applied our log; our log's head is in `vector`. */
  readonly acknowledged: number;
}

/** The lists of names that say whether the cluster is whole and of one mind. */
export interface StatusLists {
  /** Linked nodes whose discovery works, this one among them. */
  readonly availableNodes: readonly string[];
  /** Known or discovered nodes without a link; addresses where no name is known. */
  readonly unavailableNodes: readonly string[];
  /** Nodes that share all rows with this one, this one among them. */
  readonly joinedNodes: readonly string[];
  /** What discovery found last. */
  readonly discoveredNodes: readonly string[];
  /** Whether the last question of discovery was answered. */
  readonly discoveryWorks: boolean;
  /** Linked nodes whose discovery does not work. */
  readonly remoteNodesWithoutDiscovery: readonly string[];
  /** Tables that other nodes have declared and this one has not, and those nodes. */
  readonly remoteUnknownTables: readonly string[];
  readonly remoteNodesWithUnknownTables: readonly string[];
  /** Tables that this node has declared and others have not, and those nodes. */
  readonly remoteMissingTables: readonly string[];
  readonly remoteNodesWithMissingTables: readonly string[];
  /** Names that are declared with another type or lifetime elsewhere, and where. */
  readonly conflictTables: readonly string[];
  readonly conflictNodes: readonly string[];
  /** Tables whose writers do something else in a split elsewhere, and where. */
  readonly splitTables: readonly string[];
  readonly splitNodes: readonly string[];
}

/** Tables of one policy that may not be written now. */
export interface PausedTables extends SplitRefusal {
  readonly tables: readonly string[];
}

/** The lease in the database under which this node's side of a split writes. */
export interface LeaseStatus {
  /** Raised whenever another incarnation takes the lease. */
  readonly term: number;
  /** Name of the node that holds it, if it is known. */
  readonly holder: string | undefined;
  readonly isOwn: boolean;
  /** For how long this node counts on it, ms. */
  readonly leftMs: number;
}

/** Everything. Plain data, safe to print: no secret and no value. */
export interface NodeStatus extends StatusLists {
  readonly name: string;
  readonly cluster: string;
  readonly origin: number;
  readonly nodeNumber: number;
  readonly address: string;
  readonly state: "starting" | "ready" | "fenced" | "stopped";
  readonly uptimeMs: number;
  readonly members: readonly Member[];
  readonly links: readonly LinkStatus[];
  readonly tables: readonly TableInfo[];
  /** Tables whose writes are refused here because of a split, and why. */
  readonly paused: readonly PausedTables[];
  /** Null if this side has none, or no table asks for one. */
  readonly lease: LeaseStatus | null;
  /** Origin id to the highest seq applied. */
  readonly vector: Readonly<Record<string, number>>;
  readonly closedOrigins: readonly number[];
  readonly counters: Readonly<Counters>;
  /** Writes that wait for acknowledgement, and writes whose promise was rejected. */
  readonly pendingWrites: number;
  readonly rejectedWrites: number;
  /** Event-loop delay since the start, ms. */
  readonly loopDelay: { readonly p99Ms: number; readonly maxMs: number };
  /** Back ends of the persistent stores; with `isPersistent` false, what is written is lost. */
  readonly stores: readonly ConnectionStatus[];
  readonly mesh: ClusterStatus;
  readonly discovery: unknown;
}

/** What the lists are made of. */
export interface ListSources {
  readonly name: string;
  readonly members: readonly Member[];
  /** Names of linked nodes that stream both ways. */
  readonly joined: readonly string[];
  readonly discovered: readonly { readonly address: string; readonly name?: string }[];
  /** Addresses at which this node itself answers. */
  readonly ownAddresses: ReadonlySet<string>;
  /** Addresses at which a linked node answers; it may advertise another one. */
  readonly reached: ReadonlySet<string>;
  readonly discoveryWorks: boolean;
  readonly declared: readonly DeclaredTable[];
  /** By name, from linked nodes. */
  readonly reports: ReadonlyMap<string, NodeReport>;
}

/** Makes the lists, each sorted. */
export function statusLists(sources: ListSources): StatusLists {
  const { name, members, reports, discoveryWorks } = sources;
  const linked = members.filter((member) => member.linked);
  const works = linked.filter((member) => reports.get(member.name)?.discovery === "works");
  const without = linked.filter((member) => {
    const report = reports.get(member.name);
    return report !== undefined && report.discovery !== "works";
  });
  return {
    availableNodes: sorted([...(discoveryWorks ? [name] : []), ...works.map((one) => one.name)]),
    unavailableNodes: unavailable(sources),
    joinedNodes: sorted([name, ...sources.joined]),
    discoveredNodes: sorted(sources.discovered.map((node) => node.name ?? node.address)),
    discoveryWorks,
    remoteNodesWithoutDiscovery: sorted(without.map((member) => member.name)),
    ...tableLists(sources.declared, reports),
  };
}

function unavailable({ members, discovered, ownAddresses, reached }: ListSources): string[] {
  const names = members.filter((member) => !member.linked).map((member) => member.name);
  const known = new Set(members.map((member) => member.address));
  for (const node of discovered) {
    const { address } = node;
    if (ownAddresses.has(address) || reached.has(address) || known.has(address)) continue;
    names.push(node.name ?? address);
  }
  return sorted(names);
}

function tableLists(
  declared: readonly DeclaredTable[],
  reports: ReadonlyMap<string, NodeReport>,
): Pick<
  StatusLists,
  | "remoteUnknownTables"
  | "remoteNodesWithUnknownTables"
  | "remoteMissingTables"
  | "remoteNodesWithMissingTables"
  | "conflictTables"
  | "conflictNodes"
  | "splitTables"
  | "splitNodes"
> {
  const unknown = new Map<string, Set<string>>();
  const missing = new Map<string, Set<string>>();
  const conflicts = new Map<string, Set<string>>();
  const splits = new Map<string, Set<string>>();
  for (const [node, { tables }] of reports) {
    for (const theirs of tables) {
      const ours = declared.filter((table) => table.name === theirs.name);
      const alike = ours.find((table) => same(table, theirs));
      if (ours.length === 0) note(unknown, theirs.name, node);
      else if (alike === undefined) note(conflicts, theirs.name, node);
      else if (alike.split !== theirs.split) note(splits, theirs.name, node);
    }
    for (const ours of declared) {
      if (!tables.some((table) => table.name === ours.name)) note(missing, ours.name, node);
    }
  }
  return {
    remoteUnknownTables: sorted(unknown.keys()),
    remoteNodesWithUnknownTables: nodesOf(unknown),
    remoteMissingTables: sorted(missing.keys()),
    remoteNodesWithMissingTables: nodesOf(missing),
    conflictTables: sorted(conflicts.keys()),
    conflictNodes: nodesOf(conflicts),
    splitTables: sorted(splits.keys()),
    splitNodes: nodesOf(splits),
  };
}

function same(a: DeclaredTable, b: DeclaredTable): boolean {
  return a.type === b.type && a.lifetime === b.lifetime;
}

function note(lists: Map<string, Set<string>>, table: string, node: string): void {
  const nodes = lists.get(table);
  if (nodes === undefined) lists.set(table, new Set([node]));
  else nodes.add(node);
}

function nodesOf(lists: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return sorted([...lists.values()].flatMap((nodes) => [...nodes]));
}

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}
