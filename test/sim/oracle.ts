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

interface KeyLog {
  readonly table: string;
  readonly key: string;
  readonly nodeLifetime: boolean;
  readonly ops: OracleOp[];
}

/** The log of all, and what follows from a part of it. */
export class Oracle {
  readonly #byKey = new Map<string, KeyLog>();
  readonly #byOrigin = new Map<number, OracleOp[]>();
  /** Retired origins: how much of each was covered by those that retired it. */
  readonly finals = new Map<number, number>();

  /** All keys ever written. */
  get keys(): Iterable<{ readonly table: string; readonly key: string }> {
    return this.#byKey.values();
  }

  /** The op with that dot. */
  op(origin: number, seq: number): OracleOp | undefined {
    return this.#byOrigin.get(origin)?.[seq - 1];
  }

  /** How many ops an origin has written. */
  written(origin: number): number {
    return this.#byOrigin.get(origin)?.length ?? 0;
  }

  /** Takes the next op of an origin. Returns what is wrong with its number, if anything. */
  add(op: OracleOp): string | null {
    const [origin, seq] = op.dot;
    let log = this.#byOrigin.get(origin);
    if (log === undefined) {
      log = [];
      this.#byOrigin.set(origin, log);
    }
    if (seq !== log.length + 1) return `op ${seq} of ${origin} follows ${log.length}`;
    log.push(op);
    const id = keyId(op.table, op.key);
    const known = this.#byKey.get(id);
    if (known !== undefined) known.ops.push(op);
    else {
      const nodeLifetime = op.table.endsWith("|node");
      this.#byKey.set(id, { table: op.table, key: op.key, nodeLifetime, ops: [op] });
    }
    return null;
  }

  /** Whether an op is among those that the view covers. */
  covers(view: ReplicaView, [origin, seq]: Dot): boolean {
    return seq <= this.#coveredTo(view, origin);
  }

  /** The births that a replica of that view must hold under a key, newest write first. */
  expected(view: ReplicaView, table: string, key: string): OracleSibling[] {
    const log = this.#byKey.get(keyId(table, key));
    return log === undefined ? [] : this.#live(view, log);
  }

  /** The births that must be remembered as killed before they come, as "table key origin:seq". */
  expectedAhead(view: ReplicaView): Set<string> {
    const ahead = new Set<string>();
    for (const log of this.#byKey.values()) {
      for (const op of log.ops) {
        if (op.kills.length === 0 || !this.covers(view, op.dot)) continue;
        for (const [origin, seq] of op.kills) {
          if (view.isRetired(origin) || seq <= (view.vector.get(origin) ?? 0)) continue;
          ahead.add(`${log.table} ${JSON.stringify(log.key)} ${origin}:${seq}`);
        }
      }
    }
    return ahead;
  }

  /** Whether a covered op kills that birth. */
  isKilled(view: ReplicaView, place: { table: string; key: string }, birth: Dot): boolean {
    const log = this.#byKey.get(keyId(place.table, place.key));
    if (log === undefined) return false;
    return log.ops.some(
      (op) =>
        op.kills.some(([origin, seq]) => origin === birth[0] && seq === birth[1]) &&
        this.covers(view, op.dot),
    );
  }

  /** The ops of an origin, in order. */
  logOf(origin: number): readonly OracleOp[] {
    return this.#byOrigin.get(origin) ?? [];
  }

  /** Whether another origin has written anything that ends a birth or lies above it. */
  canBeLost(place: { table: string; key: string }, birth: Dot, toOlder: boolean): boolean {
    const { table, key } = place;
    const set = this.op(birth[0], birth[1]);
    if (set === undefined) return false;
    for (const op of this.#byKey.get(keyId(table, key))?.ops ?? []) {
      if (op.dot[0] === birth[0]) continue;
      if (op.kills.some(([origin, seq]) => origin === birth[0] && seq === birth[1])) return true;
      if (op.birth === null || op.birth[0] === birth[0]) continue;
      if (toOlder || compareNewest(op, set) < 0) return true;
    }
    return false;
  }

  /** All ops of a key, with what the view covers of them: for a failure's message. */
  describe(view: ReplicaView, table: string, key: string): string {
    const lines = (this.#byKey.get(keyId(table, key))?.ops ?? []).map((op) => {
      const kills = op.kills.map((birth) => birth.join(":")).join(" ");
      const covered = this.covers(view, op.dot) ? "covered" : "not covered";
      const birth = op.birth?.join(":") ?? "-";
      return `  ${op.dot.join(":")} ${op.kind} under ${birth} kills ${kills || "-"}: ${covered}`;
    });
    const origins = [...this.#byOrigin.keys()].map((origin) => {
      if (view.isRetired(origin)) return `${origin} retired at ${this.finals.get(origin)}`;
      const closed = view.closed.has(origin) ? " closed" : "";
      return `${origin} to ${view.vector.get(origin) ?? 0}${closed}`;
    });
    return `${lines.join("\n")}\n  view: ${origins.join(", ")}`;
  }

  /** Whether a covered prefix of that origin's log ends inside a batch. */
  splitsBatch(origin: number, seq: number): boolean {
    return seq > 0 && this.op(origin, seq)?.batchEnd === false;
  }

  #coveredTo(view: ReplicaView, origin: number): number {
    if (view.isRetired(origin)) return this.finals.get(origin) ?? 0;
    return view.vector.get(origin) ?? 0;
  }

  #live(view: ReplicaView, log: KeyLog): OracleSibling[] {
    const newest = new Map<number, OracleOp>();
    const killed = new Set<number>();
    for (const op of log.ops) {
      if (op.dot[1] > this.#coveredTo(view, op.dot[0])) continue;
      for (const birth of op.kills) killed.add(birthNumber(birth));
      if (op.birth === null) continue;
      const birth = birthNumber(op.birth);
      const other = newest.get(birth);
      if (other === undefined || compareNewest(op, other) < 0) newest.set(birth, op);
    }
    const live: OracleSibling[] = [];
    for (const [birth, op] of newest) {
      if (killed.has(birth) || op.birth === null) continue;
      const owner = op.birth[0];
      if (log.nodeLifetime && (view.closed.has(owner) || view.isRetired(owner))) continue;
      live.push({ birth: op.birth, dot: op.dot, stamp: op.stamp, value: op.value });
    }
    return live.sort(compareNewest);
  }
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

function keyId(table: string, key: string): string {
  return `${table}\n${key}`;
}
