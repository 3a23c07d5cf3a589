/** Several nodes' tables wired to one another by hand: frames wait until they are delivered. */
import { TABLES_FEATURES } from "../../src/tables/features.ts";
import type { TablesLimits } from "../../src/tables/limits.ts";
import type { TablesEvents } from "../../src/tables/outbox.ts";
import { Tables } from "../../src/tables/tables.ts";

/** Turns after which a mesh that is still busy counts as endless. */
const TURNS_MAX = 100_000;

/** A frame under way. */
interface Sent {
  readonly from: number;
  readonly to: number;
  readonly frame: Uint8Array;
}

/** The nodes that run, by origin, all linked to all unless a link is cut. */
export class Mesh {
  readonly nodes = new Map<number, Tables>();
  /** Bytes sent so far. */
  bytes = 0;
  readonly #limits: Partial<TablesLimits>;
  #sent: Sent[] = [];
  #nowMs = 0;

  constructor(limits: Partial<TablesLimits> = {}) {
    this.#limits = limits;
  }

  /** Starts a node and links it with all others. */
  start(
    origin: number,
    options: {
      readonly features?: readonly string[];
      readonly except?: readonly number[];
      readonly events?: TablesEvents;
    } = {},
  ): Tables {
    const tables = new Tables({
      origin,
      limits: this.#limits,
      wall: () => 1_800_000_000_000 + this.#nowMs,
      now: () => this.#nowMs,
      events: options.events ?? {},
      outbox: {
        send: (to, frame) => {
          this.bytes += frame.length;
          this.#sent.push({ from: origin, to, frame });
        },
        disconnect: (peer) => this.cut(origin, peer),
        wake: () => undefined,
      },
    });
    for (const [other, theirs] of this.nodes) {
      theirs.memberUp(origin);
      tables.memberUp(other);
      if (options.except?.includes(other) === true) continue;
      this.link(tables, theirs, options.features);
    }
    this.nodes.set(origin, tables);
    return tables;
  }

  link(a: Tables, b: Tables, features: readonly string[] = TABLES_FEATURES): void {
    a.linkUp(b.origin, `n${b.origin}`, features);
    b.linkUp(a.origin, `n${a.origin}`, features);
  }

  /** The link is gone, and what was under way on it. */
  cut(a: number, b: number): void {
    const isLost = ({ from, to }: Sent) => (from === a && to === b) || (from === b && to === a);
    this.#sent = this.#sent.filter((sent) => !isLost(sent));
    this.nodes.get(a)?.linkDown(b);
    this.nodes.get(b)?.linkDown(a);
  }

  /** The process ends; `isClosed`: a newer incarnation of its name has closed its origin. */
  end(origin: number, isClosed: boolean): void {
    this.nodes.delete(origin);
    this.#sent = this.#sent.filter(({ from, to }) => from !== origin && to !== origin);
    for (const tables of this.nodes.values()) {
      tables.linkDown(origin);
      tables.memberDown(origin);
      if (isClosed) tables.close(origin);
    }
  }

  /** One turn of each node, and what that has sent is delivered. True while anything happens. */
  turn(): boolean {
    let isBusy = false;
    for (const tables of this.nodes.values()) if (tables.run()) isBusy = true;
    const sent = this.#sent;
    this.#sent = [];
    for (const { from, to, frame } of sent) this.nodes.get(to)?.receive(from, frame);
    return isBusy || sent.length > 0;
  }

  settle(): void {
    for (let turn = 0; turn < TURNS_MAX; turn++) if (!this.turn()) return;
    throw new Error("the mesh does not come to rest");
  }

  /** Rounds of pings, a second apart; in each, one node after the other. */
  tick(rounds = 1): void {
    for (let round = 0; round < rounds; round++) {
      this.#nowMs += 1000;
      for (const tables of this.nodes.values()) {
        tables.tick(true);
        this.settle();
      }
    }
  }

  /** Sum of a counter over the nodes that run. */
  sum(counter: keyof Tables["counters"]): number {
    let sum = 0;
    for (const tables of this.nodes.values()) sum += tables.counters[counter];
    return sum;
  }
}
