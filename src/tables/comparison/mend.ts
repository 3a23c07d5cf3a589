/** Mending one key of this replica after a comparison, by the rule of truth.ts. */
import type { Peer } from "../peer.ts";
import type { Replica } from "../replica.ts";
import type { Row, Written } from "../row.ts";
import type { TableState } from "../table-state.ts";
import type { Difference } from "./comparison.ts";
import { mendBirth, type Nearness, type Nearnesses } from "./truth.ts";

/** Mends what this side has wrong. Returns how many rows that changed. */
export function mendKey(
  replica: Replica,
  peers: ReadonlyMap<number, Peer>,
  { peer, difference }: { readonly peer: Peer; readonly difference: Difference },
): number {
  const { table, key, theirs } = difference;
  const near = nearnesses(replica, peers, peer);
  const { ids } = replica.origins;
  let changed = 0;
  for (const { ours, other } of pairsOf(table, key, theirs)) {
    const mending = mendBirth(ids, { ours, theirs: other }, near);
    if (mending.kind === "keep") continue;
    if (mending.kind === "drop") {
      if (ours !== null) replica.drop(table, ours);
      replica.touch(table, key);
      changed++;
    } else if (replica.restore(table, key, mending.written)) changed++;
  }
  table.feed?.ends("resync");
  return changed;
}

/** Every birth that either side holds, with what each holds of it. */
function pairsOf(
  table: TableState,
  key: string,
  theirs: readonly Written[],
): { readonly ours: Row | null; readonly other: Written | null }[] {
  const pairs: { ours: Row | null; other: Written | null }[] = [];
  for (let row = table.rows.get(key) ?? null; row !== null; row = row.next) {
    if (table.isGone(row)) continue;
    const held = row;
    const other = theirs.find((one) => isSameBirth(one, held)) ?? null;
    pairs.push({ ours: row, other });
  }
  for (const other of theirs) {
    if (!pairs.some((pair) => pair.ours !== null && isSameBirth(pair.ours, other))) {
      pairs.push({ ours: null, other });
    }
  }
  return pairs;
}

function isSameBirth(a: Written, b: Written): boolean {
  return a.birthSeq === b.birthSeq && a.birthOrigin === b.birthOrigin;
}

function nearnesses(replica: Replica, peers: ReadonlyMap<number, Peer>, peer: Peer): Nearnesses {
  const { origins } = replica;
  const links = new Set(peer.report?.links ?? []);
  const near = (isSelf: boolean, isLinked: boolean): Nearness => {
    if (isSelf) return 0;
    return isLinked ? 1 : 2;
  };
  return {
    ours: (origin) => near(origin === origins.self, peers.has(origins.ids[origin] as number)),
    theirs: (origin) => near(origin === peer.index, links.has(origins.ids[origin] as number)),
  };
}
