/**
 * What each replica must hold, worked out from the log of all ops ever written and nothing else.
 * Shares no code with the tables.
 *
 * The rule: a birth is live iff its set or a patch of it is covered and no covered op kills it;
 * its value is the newest covered write under it. A row of a table with the node's lifetime does
 * not exist once its birth's origin is closed. A kill whose birth is not covered is remembered.
 */

/** Origin and seq. */
export type Dot = readonly [origin: number, seq: number];

/** One op, as its writer reported it. */
export interface OracleOp {
  readonly dot: Dot;
  /** "name|type|lifetime". */
  readonly table: string;
  readonly key: string;
  readonly kind: "set" | "patch" | "delete";
  readonly birth: Dot | null;
  readonly kills: readonly Dot[];
  readonly stamp: readonly [hi: number, lo: number];
  readonly value: string;
  readonly batchEnd: boolean;
}

/** One birth that is held. */
export interface OracleSibling {
  readonly birth: Dot;
  readonly dot: Dot;
  readonly stamp: readonly [hi: number, lo: number];
  readonly value: string;
}

/** What a replica says that it covers. */
export interface ReplicaView {
  /** Origin to highest contiguous seq. */
  readonly vector: ReadonlyMap<number, number>;
  /** Origins closed and not retired. */
  readonly closed: ReadonlySet<number>;
  /** Origins retired: covered up to their last op that survived. */
  isRetired(origin: number): boolean;
}

/** One op of a key, with origins and births by their numbers here. */
interface Entry {
  readonly op: OracleOp;
  readonly origin: number;
  readonly seq: number;
  /** The place of the birth that it writes under; -1 if it writes none. */
  readonly birth: number;
  /** Places of the births that it kills. */
  readonly kills: readonly number[];
}

/** All ops of a key. Births have places in the order in which they were named. */
interface KeyLog {
  readonly table: string;
  readonly key: string;
  readonly nodeLifetime: boolean;
  readonly entries: Entry[];
  readonly places: Map<number, number>;
  /** Places of births that were ended by ops that no view covers; see `endLate`. */
  readonly late: Set<number>;
  /** For each place: the newest covered write, and whether a covered op kills it. Scratch. */
  readonly newest: (Entry | null)[];
  readonly killed: boolean[];
}

interface OriginLog {
  readonly id: number;
  readonly number: number;
  readonly ops: OracleOp[];
}

/** What a view says, by the origins' numbers here. */
interface Coverage {
  /** The highest seq covered. */
  readonly to: number[];
  /** Closed or retired. */
  readonly gone: boolean[];
}

/** The log of all, and what follows from a part of it. */
export class Oracle {
  readonly #byTable = new Map<string, Map<string, KeyLog>>();
  readonly #keys: KeyLog[] = [];
  readonly #byOrigin = new Map<number, OriginLog>();
  readonly #origins: OriginLog[] = [];
  readonly #finals = new Map<number, number>();
  /** The coverage of the view that was asked about last. */
  #view: ReplicaView | null = null;
  #coverage: Coverage = { to: [], gone: [] };

  /** All keys ever written. */
  get keys(): Iterable<{ readonly table: string; readonly key: string }> {
    return this.#keys;
  }

  /** How much of a retired origin was covered by those that retired it. */
  finalOf(origin: number): number | undefined {
    return this.#finals.get(origin);
  }

  /** That origin is retired at that seq. */
  retire(origin: number, seq: number): void {
    this.#finals.set(origin, seq);
    this.#view = null;
  }

  /**
   * An owner had applied ops of an origin that was retired before them: what these have ended of
   * its own rows stays ended, everywhere in the end. Gives their count.
   */
  endLate(owner: number, of: { origin: number; seq: number; known: number }): number {
    let count = 0;
    for (const { table, key, kills } of this.logOf(of.origin).slice(of.known, of.seq)) {
      const log = this.#keyLog(table, key);
      for (const birth of kills) {
        if (birth[0] !== owner) continue;
        log.late.add(placeOf(log, birth));
        count++;
      }
    }
    return count;
  }

  /** The op with that dot. */
  op(origin: number, seq: number): OracleOp | undefined {
    return this.#byOrigin.get(origin)?.ops[seq - 1];
  }

  /** How many ops an origin has written. */
  written(origin: number): number {
    return this.#byOrigin.get(origin)?.ops.length ?? 0;
  }

  /** Takes the next op of an origin. Returns what is wrong with its number, if anything. */
  add(op: OracleOp): string | null {
    const [id, seq] = op.dot;
    const origin = this.#originLog(id);
    if (seq !== origin.ops.length + 1) return `op ${seq} of ${id} follows ${origin.ops.length}`;
    origin.ops.push(op);
    const log = this.#keyLog(op.table, op.key);
    log.entries.push({
      ...{ op, seq, origin: origin.number },
      birth: op.birth === null ? -1 : placeOf(log, op.birth),
      kills: op.kills.map((birth) => placeOf(log, birth)),
    });
    return null;
  }

  /** Whether an op is among those that the view covers. */
  covers(view: ReplicaView, [origin, seq]: Dot): boolean {
    return seq <= this.#coveredTo(view, origin);
  }

  /** Whether anything was ever written under that key. */
  isWritten(table: string, key: string): boolean {
    return this.#find(table, key) !== undefined;
  }

  /** The births that a replica of that view must hold under a key, newest write first. */
  expected(view: ReplicaView, table: string, key: string): OracleSibling[] {
    const log = this.#find(table, key);
    return log === undefined ? [] : this.#live(view, log);
  }

  /** The births that must be remembered as killed before they come, as "table key origin:seq". */
  expectedAhead(view: ReplicaView): Set<string> {
    const { to } = this.#coverageOf(view);
    const ahead = new Set<string>();
    for (const log of this.#keys) {
      for (const { op, origin, seq } of log.entries) {
        if (op.kills.length === 0 || seq > (to[origin] as number)) continue;
        for (const [killed, killedSeq] of op.kills) {
          if (view.isRetired(killed) || killedSeq <= (view.vector.get(killed) ?? 0)) continue;
          ahead.add(`${log.table} ${JSON.stringify(log.key)} ${killed}:${killedSeq}`);
        }
      }
    }
    return ahead;
  }

  /** Whether a covered op kills that birth. */
  isKilled(view: ReplicaView, place: { table: string; key: string }, birth: Dot): boolean {
    const entries = this.#find(place.table, place.key)?.entries ?? [];
    return entries.some(({ op }) => kills(op, birth) && this.covers(view, op.dot));
  }

  /** The ops of an origin, in order. */
  logOf(origin: number): readonly OracleOp[] {
    return this.#byOrigin.get(origin)?.ops ?? [];
  }

  /** Whether another origin has written anything that ends a birth or lies above it. */
  canBeLost(place: { table: string; key: string }, birth: Dot, toOlder: boolean): boolean {
    const { table, key } = place;
    const set = this.op(birth[0], birth[1]);
    if (set === undefined) return false;
    for (const { op } of this.#find(table, key)?.entries ?? []) {
      if (op.dot[0] === birth[0]) continue;
      if (kills(op, birth)) return true;
      if (op.birth === null || op.birth[0] === birth[0]) continue;
      if (toOlder || compareNewest(op, set) < 0) return true;
    }
    return false;
  }

  /** All ops of a key, with what the view covers of them: for a failure's message. */
  describe(view: ReplicaView, table: string, key: string): string {
    const lines = (this.#find(table, key)?.entries ?? []).map(({ op }) => {
      const ended = op.kills.map((birth) => birth.join(":")).join(" ");
      const covered = this.covers(view, op.dot) ? "covered" : "not covered";
      const birth = op.birth?.join(":") ?? "-";
      return `  ${op.dot.join(":")} ${op.kind} under ${birth} kills ${ended || "-"}: ${covered}`;
    });
    const origins = this.#origins.map(({ id }) => {
      if (view.isRetired(id)) return `${id} retired at ${this.#finals.get(id)}`;
      const closed = view.closed.has(id) ? " closed" : "";
      return `${id} to ${view.vector.get(id) ?? 0}${closed}`;
    });
    return `${lines.join("\n")}\n  view: ${origins.join(", ")}`;
  }

  /** Whether a covered prefix of that origin's log ends inside a batch. */
  splitsBatch(origin: number, seq: number): boolean {
    return seq > 0 && this.op(origin, seq)?.batchEnd === false;
  }

  #find(table: string, key: string): KeyLog | undefined {
    return this.#byTable.get(table)?.get(key);
  }

  #originLog(id: number): OriginLog {
    let log = this.#byOrigin.get(id);
    if (log === undefined) {
      log = { id, number: this.#origins.length, ops: [] };
      this.#byOrigin.set(id, log);
      this.#origins.push(log);
      this.#view = null;
    }
    return log;
  }

  #keyLog(table: string, key: string): KeyLog {
    let keys = this.#byTable.get(table);
    if (keys === undefined) {
      keys = new Map();
      this.#byTable.set(table, keys);
    }
    let log = keys.get(key);
    if (log === undefined) {
      const nodeLifetime = table.endsWith("|node");
      const scratch = { places: new Map(), late: new Set<number>(), newest: [], killed: [] };
      log = { table, key, nodeLifetime, entries: [], ...scratch };
      keys.set(key, log);
      this.#keys.push(log);
    }
    return log;
  }

  #coveredTo(view: ReplicaView, origin: number): number {
    if (view.isRetired(origin)) return this.#finals.get(origin) ?? 0;
    return view.vector.get(origin) ?? 0;
  }

  /** A view does not change, and many keys are asked about with each. */
  #coverageOf(view: ReplicaView): Coverage {
    if (this.#view === view) return this.#coverage;
    const { to, gone } = this.#coverage;
    for (const { id, number } of this.#origins) {
      const isRetired = view.isRetired(id);
      to[number] = isRetired ? (this.#finals.get(id) ?? 0) : (view.vector.get(id) ?? 0);
      gone[number] = isRetired || view.closed.has(id);
    }
    this.#view = view;
    return this.#coverage;
  }

  #live(view: ReplicaView, log: KeyLog): OracleSibling[] {
    const { to, gone } = this.#coverageOf(view);
    const { entries, late, newest, killed, nodeLifetime } = log;
    newest.fill(null);
    killed.fill(false);
    for (const place of late) killed[place] = true;
    for (const entry of entries) {
      if (entry.seq > (to[entry.origin] as number)) continue;
      for (const place of entry.kills) killed[place] = true;
      if (entry.birth < 0) continue;
      const other = newest[entry.birth] as Entry | null;
      if (other === null || compareNewest(entry.op, other.op) < 0) newest[entry.birth] = entry;
    }
    const live: OracleSibling[] = [];
    for (let place = 0; place < newest.length; place++) {
      const op = newest[place]?.op;
      if (op === undefined || !isWrite(op) || killed[place]) continue;
      const owner = this.#byOrigin.get(op.birth[0]);
      if (nodeLifetime && owner !== undefined && gone[owner.number]) continue;
      live.push(op);
    }
    return live.length > 1 ? live.sort(compareNewest) : live;
  }
}

/** The place of a birth among those of its key. */
function placeOf(log: KeyLog, birth: Dot): number {
  const name = birthNumber(birth);
  const known = log.places.get(name);
  if (known !== undefined) return known;
  const place = log.newest.length;
  log.places.set(name, place);
  log.newest.push(null);
  log.killed.push(false);
  return place;
}

function isWrite(op: OracleOp): op is OracleOp & OracleSibling {
  return op.birth !== null;
}

function kills(op: OracleOp, [origin, seq]: Dot): boolean {
  return op.kills.some((killed) => killed[0] === origin && killed[1] === seq);
}

/** Newest first: by stamp, then by origin, then by seq. */
export function compareNewest(
  a: { readonly dot: Dot; readonly stamp: readonly [number, number] },
  b: { readonly dot: Dot; readonly stamp: readonly [number, number] },
): number {
  return (
    b.stamp[0] - a.stamp[0] || b.stamp[1] - a.stamp[1] || b.dot[0] - a.dot[0] || b.dot[1] - a.dot[1]
  );
}

/** One number for a birth: simulated origins stay below 2^32, and their logs below 2^20. */
function birthNumber([origin, seq]: Dot): number {
  return origin * 1_048_576 + seq;
}
