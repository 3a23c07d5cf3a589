/** Ready-made tables on the two nodes of a pair, which can be cut from one another. */
import type { DeclaredTables } from "../../src/node/declared-tables.ts";
import type { TablesLimits } from "../../src/tables/limits.ts";
import type { TransientNode } from "../../src/transient.ts";
import { Faces } from "../tables/faces.ts";

/** Nodes "a" and "b", not linked yet. */
export class TransientPair {
  readonly faces: Faces;
  readonly a: TransientNode;
  readonly b: TransientNode;

  constructor(limits: Partial<TablesLimits> = {}) {
    this.faces = new Faces(limits);
    this.a = nodeOf("a", 1, this.faces.a);
    this.b = nodeOf("b", 2, this.faces.b);
  }

  link(): void {
    this.faces.pair.link();
  }

  /** The link breaks, and each takes the other for down. */
  cut(): void {
    const { pair } = this.faces;
    pair.unlink();
    pair.a.memberDown(2);
    pair.b.memberDown(1);
    this.settle();
  }

  settle(): void {
    this.faces.pair.settle();
  }

  /** What node b has written comes to a, where nobody is told of it yet. */
  bToA(): void {
    const { pair } = this.faces;
    pair.b.run();
    for (const { to, from, frame } of pair.sent.splice(0)) pair.node(to).receive(from, frame);
  }

  /** Throws what a listener has thrown. */
  check(): void {
    for (const error of this.faces.pair.thrown) throw error;
  }
}

function nodeOf(name: string, origin: number, declared: DeclaredTables): TransientNode {
  const table = (of: string, options: object = {}): unknown => declared.declare(of, options);
  return { name, origin, table: table as TransientNode["table"] };
}
