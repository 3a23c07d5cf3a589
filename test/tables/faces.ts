/** The faces of tables on the two nodes of a pair. */
import { DeclaredTables } from "../../src/node/declared-tables.ts";
import type { BagTable } from "../../src/tables/bag-table.ts";
import type { TablesLimits } from "../../src/tables/limits.ts";
import type { Table } from "../../src/tables/table.ts";
import type { TableOptions } from "../../src/tables/table-options.ts";
import { WriteCalls } from "../../src/tables/write-calls.ts";
import { Pair } from "./pair.ts";

/** What most tests store. */
export interface Session {
  readonly user: string;
  readonly at: number;
}

/** Two nodes, "a" of origin 1 and "b" of origin 2. */
export class Faces {
  readonly pair: Pair;
  readonly a: DeclaredTables;
  readonly b: DeclaredTables;

  constructor(limits: Partial<TablesLimits> = {}) {
    this.pair = new Pair(limits);
    const nameOf = (origin: number): string => (origin === 1 ? "a" : "b");
    this.a = new DeclaredTables(new WriteCalls(this.pair.a, undefined), nameOf);
    this.b = new DeclaredTables(new WriteCalls(this.pair.b, undefined), nameOf);
  }

  /** A table of sessions on one of them. */
  set(
    on: "a" | "b",
    options: TableOptions<Session, "user"> = {},
    name = "sessions",
  ): Table<Session, "user"> {
    return this[on].declare(name, options) as unknown as Table<Session, "user">;
  }

  bag(on: "a" | "b", options: TableOptions<string> = {}): BagTable<string> {
    return this[on].declare("tags", { ...options, type: "bag" }) as unknown as BagTable<string>;
  }
}
