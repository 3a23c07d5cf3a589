/** Some nodes' tables, all linked to all; frames are delivered in the order in which they were sent. */
import { DeclaredTables } from "../../src/node/declared-tables.ts";
import { Tables } from "../../src/tables/tables.ts";
import { WriteCalls } from "../../src/tables/write-calls.ts";

const RUNS_MAX = 10_000;

/** One node. */
export interface GroupNode {
  readonly origin: number;
  readonly tables: Tables;
  readonly declared: DeclaredTables;
}

/** The nodes; origins are 1, 2 … */
export class Group {
  readonly nodes: GroupNode[] = [];
  readonly #sent: { from: number; to: number; frame: Uint8Array }[] = [];
  #nowMs = 0;
  #origin = 0;

  constructor(count: number) {
    for (let at = 0; at < count; at++) this.join();
  }

  /** One more node, linked to all others. */
  join(): GroupNode {
    const origin = ++this.#origin;
    const tables = new Tables({
      origin,
      wall: () => 1_800_000_000_000 + this.#nowMs,
      now: () => this.#nowMs,
      outbox: {
        send: (to, frame) => this.#sent.push({ from: origin, to, frame }),
        disconnect: (peer, reason) => {
          throw new Error(`${origin} breaks with ${peer}: ${reason}`);
        },
        wake: () => undefined,
      },
    });
    const declared = new DeclaredTables(new WriteCalls(tables, undefined), (id) => `n${id}`);
    const node = { origin, tables, declared };
    for (const other of this.nodes) {
      for (const [one, two] of [
        [node, other],
        [other, node],
      ] as const) {
        one.tables.memberUp(two.origin);
        one.tables.linkUp(two.origin, `n${two.origin}`);
      }
    }
    this.nodes.push(node);
    this.settle();
    return node;
  }

  /** A node ends, and all others are told so. */
  end(node: GroupNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    for (const { tables } of this.nodes) {
      tables.linkDown(node.origin);
      tables.memberDown(node.origin);
      tables.close(node.origin);
    }
    this.settle();
  }

  /** Delivers until nothing is under way. */
  settle(): void {
    for (let run = 0; run < RUNS_MAX; run++) {
      let isBusy = false;
      for (const { tables } of this.nodes) if (tables.run()) isBusy = true;
      if (!isBusy && this.#sent.length === 0) return;
      for (const { from, to, frame } of this.#sent.splice(0)) {
        this.nodes.find(({ origin }) => origin === to)?.tables.receive(from, frame);
      }
    }
    throw new Error("the group does not come to rest");
  }

  tick(ms: number): void {
    this.#nowMs += ms;
    for (const { tables } of this.nodes) tables.tick(true);
    this.settle();
  }
}
