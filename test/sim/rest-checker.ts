/**
 * P3: when faults have ended and some time has gone by, all live replicas are equal, nothing is
 * left over, and the vectors name the live nodes and nobody else.
 */
import type { TableState } from "../../src/tables/table-state.ts";
import { INDEX_NAME, type Incarnation } from "./incarnation.ts";
import { fingerprint, firstGone, rowLines } from "./inspect.ts";
import { leftover } from "./leftovers.ts";

/** Why the cluster is not at rest yet; null when it is. */
export function restlessness(live: readonly Incarnation[]): string | null {
  for (const one of live) {
    const fault = ownRestlessness(one, live);
    if (fault !== null) return `${one.who}: ${fault}`;
  }
  const [first, ...others] = live.map((one) => ({
    who: one.who,
    ...fingerprint(one.engine.tables),
  }));
  for (const other of others) {
    if (first === undefined) break;
    if (first.view !== other.view) {
      return `${first.who} is at ${first.view}, ${other.who} at ${other.view}`;
    }
    if (first.rows !== other.rows) return `${first.who} and ${other.who} hold different rows`;
  }
  return null;
}

/** The rows of each node that the first one does not hold as well, for a failure's message. */
export function rowDifference(live: readonly Incarnation[]): string {
  const [first, ...others] = live.map(({ who, engine }) => ({
    who,
    lines: new Set(rowLines(engine.tables)),
  }));
  if (first === undefined) return "";
  return others
    .flatMap((other) => [
      ...[...other.lines].filter((l) => !first.lines.has(l)).map((l) => `\n  ${other.who} ${l}`),
      ...[...first.lines].filter((l) => !other.lines.has(l)).map((l) => `\n  ${first.who} ${l}`),
    ])
    .join("");
}

function ownRestlessness(one: Incarnation, live: readonly Incarnation[]): string | null {
  const { tables, cluster } = one.engine;
  const { origins } = tables.replica;
  if (one.fencedBy !== null) return `fenced: ${one.fencedBy}`;
  const linked = cluster.linkedPeers().length;
  if (linked !== live.length - 1) return `${linked} links to ${live.length - 1} others`;
  const listed = origins.listedIndexes().map((index) => origins.ids[index] as number);
  const expected = live.map((other) => other.origin);
  if (sorted(listed) !== sorted(expected)) {
    return `vector of ${sorted(listed)}, alive are ${sorted(expected)}; closed ${origins.closedIds()}`;
  }
  if (origins.closedIds().length > 0) return `closed ${origins.closedIds()} is not retired`;
  const left = leftover(one);
  if (left !== null) return left;
  if (tables.merging) return "a merge is under way";
  const { pulling, waitingFrames } = tables.work;
  if (pulling) return "a pull is open";
  if (waitingFrames > 0) return `${waitingFrames} frames wait`;
  for (const peer of tables.peers.values()) {
    if (peer.session !== null || peer.answer !== null || peer.waitingPull !== null) {
      return `an answer to ${peer.id} is under way`;
    }
    if (!peer.streaming || !peer.streamsToUs) return `no stream with ${peer.id}`;
  }
  const gone = firstGone(tables);
  if (gone !== null) return `holds a row of a closed owner: ${gone}`;
  const counted = [...tables.acks.countedIds()];
  if (counted.length !== live.length - 1) return `waits for ${counted} only`;
  if (tables.acks.pending > 0) return `${tables.acks.pending} writes wait`;
  for (const other of live) {
    if (origins.hidden[origins.find(other.origin)] !== false) return `hides ${other.who}`;
  }
  return null;
}

/** What has not come through although every node is in reach of every other by a third one. */
export function relayFault(live: readonly Incarnation[]): string | null {
  const seen = live.map((one) => ({ who: one.who, ...fingerprint(one.engine.tables) }));
  const [first] = seen;
  for (const other of seen) {
    if (other.view !== first?.view) {
      return `${first?.who} is at ${first?.view}, ${other.who} at ${other.view}`;
    }
    if (other.rows !== first.rows) return `${first.who} and ${other.who} hold different rows`;
  }
  for (const one of live) {
    const { origins } = one.engine.tables.replica;
    for (const other of live) {
      if (origins.hidden[origins.find(other.origin)] !== false)
        return `${one.who} hides ${other.who}`;
    }
  }
  return null;
}

/** What is wrong with sizes, orders and indexes; null if they fit the rows. */
export function indexFault(one: Incarnation): string | null {
  for (const table of one.engine.tables.replica.tables.values()) {
    const fault = sizeFault(table) ?? orderFault(table) ?? indexRowsFault(table);
    if (fault !== null) return `${one.who} ${table.id}: ${fault}`;
  }
  return null;
}

function sizeFault(table: TableState): string | null {
  let visible = 0;
  let births = 0;
  let bytes = 0;
  for (const head of table.rows.values()) {
    if (table.visible(head.key) !== undefined) visible++;
    for (let row: typeof head | null = head; row !== null; row = row.next) {
      births++;
      bytes += row.key.length + row.value.length;
    }
  }
  if (table.size !== visible) return `size ${table.size}, visible are ${visible}`;
  if (table.births !== births) return `${table.births} births counted, ${births} held`;
  if (table.bytes !== bytes) return `${table.bytes} bytes counted, ${bytes} held`;
  return null;
}

function orderFault(table: TableState): string | null {
  if (table.ordered === null) return null;
  let count = 0;
  let before: string | null = null;
  for (const key of table.ordered.scan()) {
    count++;
    if (!table.rows.has(key)) return `ordered key ${JSON.stringify(key)} without a row`;
    const isRight =
      before === null || (isTuple(before) === isTuple(key) ? before < key : isTuple(key));
    if (!isRight) return `order ${JSON.stringify(before)} before ${JSON.stringify(key)}`;
    before = key;
  }
  // Each is greater than the one before, so none is there twice.
  return count === table.rows.size ? null : `${count} ordered keys, ${table.rows.size} rows`;
}

function indexRowsFault(table: TableState): string | null {
  const index = table.indexes.find((one) => one.name === INDEX_NAME);
  if (index === undefined) return null;
  if (index.errors > 0) return `${index.errors} errors in the index`;
  const expected = new Set<string>();
  for (const head of table.rows.values()) {
    for (let row: typeof head | null = head; row !== null; row = row.next) {
      expected.add(`${(row.read() as { u: string }).u} ${row.key}`);
    }
  }
  const found = new Set<string>();
  for (const [indexValue] of index.countBy()) {
    for (const key of index.find(indexValue)) found.add(`${indexValue} ${key}`);
  }
  const wrong = [...expected].filter((entry) => !found.has(entry));
  const extra = [...found].filter((entry) => !expected.has(entry));
  if (wrong.length + extra.length === 0) return null;
  return `index lacks ${wrong}, has too many ${extra}`;
}

/** Tuples come after all strings although their encodings begin with a zero unit. */
function isTuple(encodedKey: string): boolean {
  return encodedKey.startsWith("\0\x07");
}

function sorted(ids: readonly number[]): string {
  return [...ids].sort((a, b) => a - b).join(",");
}
