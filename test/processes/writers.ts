/**
 * The load of one node process: two writers for each table, one on keys of its own and one on
 * keys that all nodes write. Each write is logged before it is made and when it has settled, in
 * a file that outlives the process.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { BagTable, Key, Node, Table, WriteResult } from "../../src/index.ts";
import { type NodePlan, type PlannedTable, type Pulse, TABLES } from "./plan.ts";

/** What the rows hold. */
export interface Load {
  readonly user: string;
  /** Counts the writes of one writer to one key. */
  readonly n: number;
  readonly filling: string;
}

const OWN_KEYS = 10;
const SHARED_KEYS = 8;
/** Values that a bag's own key holds at most. */
const BAG_VALUES = 3;
const FILLING = "x".repeat(100);

type Attempt = { readonly op: string; readonly write: () => Promise<WriteResult> };

/** See the head of this file. */
export class Writers {
  readonly #node: Node;
  readonly #plan: NodePlan;
  readonly #log: number;
  #writing = false;
  #loops: Promise<void>[] = [];
  #lines = 0;
  #acknowledged = 0;
  #longestMs = 0;
  readonly #rejected: Record<string, number> = {};

  constructor(node: Node, plan: NodePlan) {
    this.#node = node;
    this.#plan = plan;
    this.#log = openSync(`${plan.folder}/writes-${plan.name}-${node.origin}.ndjson`, "a");
    this.#line({ name: plan.name, origin: node.origin });
  }

  start(): void {
    if (this.#writing) return;
    this.#writing = true;
    this.#loops = TABLES.flatMap((table) => [
      this.#loop(table, "own", OWN_KEYS),
      this.#loop(table, "shared", SHARED_KEYS),
    ]);
  }

  /** Resolves when the last writes have settled. */
  async rest(): Promise<void> {
    this.#writing = false;
    await Promise.all(this.#loops);
  }

  pulse(): Pulse {
    const rejected = { ...this.#rejected };
    return { acknowledged: this.#acknowledged, rejected, longestMs: this.#longestMs };
  }

  close(): void {
    closeSync(this.#log);
  }

  async #loop(table: PlannedTable, whose: "own" | "shared", keys: number): Promise<void> {
    const { name, pauseMs } = this.#plan;
    const { origin } = this.#node;
    for (let turn = 0; this.#writing; turn++) {
      const at = turn % keys;
      const key: Key = whose === "own" ? ["own", name, origin, at] : ["shared", at];
      const n = Math.floor(turn / keys);
      const attempts =
        table.type === "set" ? [this.#setOp(table, key, n)] : this.#bagOps(table, key, n);
      for (const attempt of attempts) await this.#make({ table: table.name, key, n, ...attempt });
      await pause(pauseMs * (0.5 + Math.random()));
    }
  }

  #setOp({ name }: PlannedTable, key: Key, n: number): Attempt {
    const table: Table<Load> = this.#node.getTable<Load>(name);
    if (n % 7 === 6) return { op: "delete", write: () => table.delete(key) };
    if (n % 7 === 3) return { op: "patch", write: () => table.patch(key, { n }) };
    return { op: "set", write: () => table.set(key, this.#load(n)) };
  }

  #bagOps({ name }: PlannedTable, key: Key, n: number): Attempt[] {
    const bag: BagTable<Load> = this.#node.getTable<Load>(name, "bag");
    const ops: Attempt[] = [{ op: "add", write: () => bag.add(key, this.#load(n)) }];
    const old = n - BAG_VALUES;
    if (old >= 0) ops.push({ op: "remove", write: () => bag.remove(key, this.#load(old)) });
    return ops;
  }

  #load(n: number): Load {
    return { user: this.#plan.name, n, filling: FILLING };
  }

  async #make(attempt: { table: string; key: Key; n: number } & Attempt): Promise<void> {
    const { write, ...what } = attempt;
    // A bag's remove is about the value added that many turns ago.
    const n = what.op === "remove" ? what.n - BAG_VALUES : what.n;
    const id = this.#lines;
    const at = performance.now();
    this.#line({ id, ...what, n, at: Date.now() });
    try {
      const { nodes, alone, applied } = await write();
      const ms = performance.now() - at;
      this.#acknowledged++;
      this.#longestMs = Math.max(this.#longestMs, ms);
      this.#line({ acknowledged: id, ms, nodes, alone, applied });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      this.#rejected[code] = (this.#rejected[code] ?? 0) + 1;
      this.#line({ rejected: id, ms: performance.now() - at, code });
    }
  }

  #line(fields: object): void {
    this.#lines++;
    writeSync(this.#log, `${JSON.stringify(fields)}\n`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
