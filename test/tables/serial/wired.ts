/** Some nodes' tables with serial operations, wired by hand: frames wait until they are delivered. */

import { DETOUR_FEATURE, SERIAL_FEATURE } from "../../../src/tables/features.ts";
import type { TablesLimits } from "../../../src/tables/limits.ts";
import { ReservedKey } from "../../../src/tables/serial/decisions.ts";
import type { Pending } from "../../../src/tables/serial/requests.ts";
import type { TableIdentity } from "../../../src/tables/table-state.ts";
import { Tables } from "../../../src/tables/tables.ts";
import { encodeValue } from "../../../src/tables/value.ts";

/** What nodes of today have. */
const FEATURES = [SERIAL_FEATURE, DETOUR_FEATURE];
const RUNS_MAX = 10_000;

/** How a call went: undefined while it is under way. */
export interface Outcome {
  pending?: Pending;
  result?: unknown;
  error?: Error;
}

/** How the nodes are made. */
export interface WiredOptions {
  readonly clusterSize?: number;
  readonly limits?: Partial<TablesLimits>;
  /** Of the rows; default `cluster`. */
  readonly lifetime?: "node" | "cluster";
}

/** The nodes; origins are 1, 2, 3 … */
export class Wired {
  readonly #identity: TableIdentity;
  readonly nodes: Tables[] = [];
  readonly #sent: { from: number; to: number; frame: Uint8Array }[] = [];
  readonly #links = new Set<string>();
  #nowMs = 0;

  constructor(count: number, { lifetime = "cluster", ...of }: WiredOptions = {}) {
    this.#identity = { name: "claims", type: "set", lifetime };
    for (let origin = 1; origin <= count; origin++) {
      this.nodes.push(
        new Tables({
          ...of,
          origin,
          wall: () => 1_800_000_000_000 + this.#nowMs,
          now: () => this.#nowMs,
          outbox: {
            send: (to, frame) => {
              if (this.#links.has(`${origin}-${to}`)) this.#sent.push({ from: origin, to, frame });
            },
            disconnect: () => undefined,
            wake: () => undefined,
          },
        }),
      );
    }
  }

  /** All nodes linked and open. */
  static joined(count: number, of: WiredOptions = {}): Wired {
    const wired = new Wired(count, of);
    for (let a = 1; a <= count; a++) for (let b = a + 1; b <= count; b++) wired.link(a, b);
    for (const node of wired.nodes) node.serial.open();
    wired.settle();
    return wired;
  }

  node(origin: number): Tables {
    return this.nodes[origin - 1] as Tables;
  }

  link(a: number, b: number, features: readonly string[] = FEATURES): void {
    this.#links.add(`${a}-${b}`).add(`${b}-${a}`);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.node(one).memberUp(other);
      this.node(one).linkUp(other, `n${other}`, features);
    }
  }

  /** Both count as alive and have no link. */
  meet(a: number, b: number): void {
    this.node(a).memberUp(b, `n${b}`);
    this.node(b).memberUp(a, `n${a}`);
  }

  /** The link breaks with all that was under way; both still count as alive. */
  unlink(a: number, b: number): void {
    this.#links.delete(`${a}-${b}`);
    this.#links.delete(`${b}-${a}`);
    this.node(a).linkDown(b);
    this.node(b).linkDown(a);
    this.drop((from, to) => (from === a && to === b) || (from === b && to === a));
  }

  /** That node falls silent; the others count it as down. */
  kill(origin: number): void {
    for (const [at, node] of this.nodes.entries()) {
      if (at + 1 === origin) continue;
      this.unlink(at + 1, origin);
      node.memberDown(origin);
    }
  }

  /** Loses frames under way. */
  drop(isLost: (from: number, to: number) => boolean): void {
    const left = this.#sent.filter(({ from, to }) => !isLost(from, to));
    this.#sent.splice(0, this.#sent.length, ...left);
  }

  /** Lets every node have one turn and delivers what was sent before. */
  step(): boolean {
    const frames = this.#sent.splice(0);
    for (const { from, to, frame } of frames) {
      if (this.#links.has(`${from}-${to}`)) this.node(to).receive(from, frame);
    }
    const isBusy = this.nodes.map((node) => node.run()).includes(true);
    return isBusy || frames.length > 0 || this.#sent.length > 0;
  }

  settle(): void {
    for (let run = 0; run < RUNS_MAX; run++) if (!this.step()) return;
    throw new Error("the nodes do not come to rest");
  }

  /** Time passes, with a round of pings. */
  tick(ms: number, except: readonly number[] = []): void {
    this.#nowMs += ms;
    for (const [at, node] of this.nodes.entries()) if (!except.includes(at + 1)) node.tick(false);
    this.settle();
  }

  /** insertNew by that node. */
  insert(origin: number, key: string, value: unknown, quorum = false): Outcome {
    return this.#call(origin, key, quorum, (reserved) => reserved.insertNew(encodeValue(value)));
  }

  /** Holds on to a key until `finish`. */
  hold(origin: number, key: string): Outcome {
    return this.#call(origin, key, false, null);
  }

  finish(origin: number, outcome: Outcome): void {
    if (outcome.pending !== undefined) this.node(origin).serial.finish(outcome.pending);
  }

  value(origin: number, key: string): unknown {
    return this.node(origin).open(this.#identity).visible(key)?.read();
  }

  /** Rows under a key at that node. */
  rows(origin: number, key: string): number {
    let count = 0;
    const state = this.node(origin).open(this.#identity);
    for (let row = state.rows.get(key) ?? null; row !== null; row = row.next) count++;
    return count;
  }

  #call(
    origin: number,
    key: string,
    quorum: boolean,
    decide: ((reserved: ReservedKey) => { seq: number; result: unknown }) | null,
  ): Outcome {
    const tables = this.node(origin);
    const state = tables.open(this.#identity);
    const { write, replica } = tables;
    const { ids } = replica.origins;
    const outcome: Outcome = {};
    let result: unknown;
    outcome.pending = tables.serial.request({
      resource: `${state.id}|${key}`,
      quorum,
      deadline: this.#nowMs + 5000,
      holdMs: decide === null ? 5000 : null,
      run: () => {
        if (decide === null) {
          result = "held";
          return null;
        }
        const decision = decide(new ReservedKey({ state, write, ids, key, quorum }));
        result = decision.result;
        return decision.seq;
      },
      done: () => {
        outcome.result = result;
      },
      fail: (error) => {
        outcome.error = error;
      },
    });
    return outcome;
  }
}
