/** The part of a node that ready-made tables stand on: its name, its incarnation, its tables. */
import type { Table } from "../tables/table.ts";
import type { TableOptions } from "../tables/table-options.ts";

/** What `startNode` resolves to fits. */
export interface TransientNode {
  readonly name: string;
  /** This incarnation's id. */
  readonly origin: number;
  table<V = unknown, I extends string = never>(
    name: string,
    options?: TableOptions<V, I> & { readonly type?: "set" },
  ): Table<V, I>;
}
