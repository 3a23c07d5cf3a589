/**
 * How a node gets its row: its incarnation from the cluster's counter, the smallest free number,
 * and a row that is its own alone. One transaction, which begins by locking the counter: claims
 * of one cluster therefore follow one another, and a number that was free stays so.
 */
import { FencedError, OverloadedError } from "../../errors.ts";
import type { Identity, Registration } from "../discovery.ts";
import type { Executor } from "./database.ts";
import type { NodeRow, NodesTable } from "./nodes-table.ts";
import { LostRaceError } from "./transact.ts";

/** Highest node number: archive ids have eight bits for it. */
export const NODE_NUMBER_MAX = 255;

export interface ClaimOptions {
  readonly table: NodesTable;
  readonly registration: Registration;
  /** Rows that were not refreshed for so long are removed. */
  isExpired(row: NodeRow): boolean;
  readonly expireAfterMs: number;
  /** Set if the node runs already and only its row has gone: it keeps its incarnation. */
  readonly held?: Identity;
}

/** Must run inside a transaction, and be repeated if that fails for a race. */
export async function claim(connection: Executor, options: ClaimOptions): Promise<Identity> {
  const { table, registration, held } = options;
  const { cluster, name, address } = registration;
  const origin =
    held === undefined
      ? await newOrigin(connection, table, cluster)
      : await keepOrigin(connection, table, { cluster, origin: held.origin });
  const taken = new Set<number>();
  let ownRow: NodeRow | undefined;
  for (const row of await table.read(connection, { cluster, name })) {
    if (row.cluster === cluster && row.name === name) {
      ownRow = row;
    } else if (row.cluster !== cluster) {
      // This node was in another cluster before: the same name at the same address.
      if (row.address === address) await table.remove(connection, row);
    } else if (options.isExpired(row)) {
      // If it came back this very moment, its number stays its own.
      const removed = await table.removeExpired(connection, row, options.expireAfterMs);
      if (!removed && row.nodeNumber !== null) taken.add(row.nodeNumber);
    } else if (row.nodeNumber !== null) {
      taken.add(row.nodeNumber);
    }
  }
  if (held !== undefined && ownRow !== undefined) refuseIfReplaced(ownRow, held);
  const wanted = held?.nodeNumber ?? ownRow?.nodeNumber ?? 0;
  const nodeNumber = wanted > 0 && !taken.has(wanted) ? wanted : smallestFree(taken, cluster);
  const identity = { origin, nodeNumber };
  if (ownRow === undefined) {
    await table.insert(connection, registration, identity);
  } else {
    const from = ownRow.incarnation;
    const hit = await table.takeOver(connection, registration, { ...identity, from });
    if (!hit) throw new LostRaceError("the own row changed between reading and writing it");
  }
  return identity;
}

async function newOrigin(connection: Executor, table: NodesTable, cluster: string) {
  const origin = await table.raiseCounter(connection, cluster);
  if (origin !== undefined) return origin;
  await table.startCounter(connection, { cluster, nextOrigin: 2 });
  return 1;
}

async function keepOrigin(
  connection: Executor,
  table: NodesTable,
  at: { readonly cluster: string; readonly origin: number },
) {
  if (!(await table.keepCounterAbove(connection, at))) {
    await table.startCounter(connection, { cluster: at.cluster, nextOrigin: at.origin + 1 });
  }
  return at.origin;
}

/** The database has the last word on who bears a name. */
function refuseIfReplaced(row: NodeRow, held: Identity): void {
  if (row.incarnation > held.origin) {
    throw new FencedError(
      `incarnation ${held.origin} of ${row.name} was replaced by ${row.incarnation} ` +
        `at ${row.address}; a name belongs to one node at a time`,
      { isReplaced: true },
    );
  }
  if (row.incarnation === held.origin && row.fenced) {
    throw new FencedError(`incarnation ${held.origin} of ${row.name} is fenced in the database`);
  }
}

function smallestFree(taken: ReadonlySet<number>, cluster: string): number {
  for (let number = 1; number <= NODE_NUMBER_MAX; number++) {
    if (!taken.has(number)) return number;
  }
  throw new OverloadedError(
    `all ${NODE_NUMBER_MAX} node numbers of cluster ${cluster} are taken; ` +
      "numbers of nodes that are gone become free when their rows expire",
  );
}
