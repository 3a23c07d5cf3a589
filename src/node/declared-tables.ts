/** The tables that a node's code has declared: one face each, bound to the current engine. */
import { InvalidOptionsError, TableError } from "../errors.ts";
import { BagTable } from "../tables/bag-table.ts";
import type { SplitPolicy } from "../tables/split.ts";
import { Table } from "../tables/table.ts";
import { attachConflicts, attachExpiry, OwnerDownListener } from "../tables/table-listeners.ts";
import {
  attachIndexes,
  checkDeclaration,
  type NodeAbilities,
  type TableOptions,
} from "../tables/table-options.ts";
import { TableReads } from "../tables/table-reads.ts";
import type { TableIdentity, TableType } from "../tables/table-state.ts";
import type { Tables } from "../tables/tables.ts";
import type { WriteCalls } from "../tables/write-calls.ts";
import type { DeclaredTable } from "./report.ts";

interface Declared {
  readonly identity: TableIdentity;
  readonly options: TableOptions<never>;
  readonly reads: TableReads;
  readonly face: Table<never> | BagTable<never>;
}

/** By name. */
export class DeclaredTables {
  readonly #calls: WriteCalls;
  readonly #abilities: NodeAbilities;
  readonly #nameOf: (originId: number) => string | undefined;
  readonly #declared = new Map<string, Declared>();

  constructor(
    calls: WriteCalls,
    nameOf: (originId: number) => string | undefined,
    abilities: NodeAbilities = {},
  ) {
    this.#calls = calls;
    this.#nameOf = nameOf;
    this.#abilities = abilities;
  }

  /** What the table of that name is; throws TableError if it was not declared. */
  identity(name: string): TableIdentity {
    return this.#declared.get(name)?.identity ?? this.#unknown(name);
  }

  /** What peers are told. */
  list(): DeclaredTable[] {
    return [...this.#declared.values()].map(({ identity, options: { split = "merge" } }) => {
      return split === "merge" ? identity : { ...identity, split };
    });
  }

  /** Names of the tables of that policy. */
  ofPolicy(policy: SplitPolicy): string[] {
    const states = [...this.reads()].map(({ state }) => state);
    return states.filter(({ split }) => split === policy).map(({ name }) => name);
  }

  *reads(): IterableIterator<TableReads> {
    for (const { reads } of this.#declared.values()) yield reads;
  }

  /** The table of that name as declared before; throws TableError if it was not, or otherwise. */
  get(name: string, type: TableType): Table<never> | BagTable<never> {
    const declared = this.#declared.get(name);
    if (declared?.identity.type === type) return declared.face;
    if (declared !== undefined) {
      throw new TableError(`table "${name}" is a ${declared.identity.type}, not a ${String(type)}`);
    }
    return this.#unknown(name);
  }

  /**
   * Declares a table, or returns it if it was declared in the same way before.
   * @throws InvalidOptionsError with all faults; TableError if it was declared in another way
   */
  declare(name: string, given: object): Table<never> | BagTable<never> {
    if (typeof given !== "object" || given === null) {
      throw new InvalidOptionsError(`table "${name}"`, ["options are not an object"]);
    }
    const identity = checkDeclaration(name, given, this.#abilities);
    const options: TableOptions<never> = given;
    const before = this.#declared.get(name);
    if (before !== undefined) {
      if (same(before.identity, identity) && sameOrder(before.options, options)) return before.face;
      throw new TableError(`table "${name}" was declared in another way before`);
    }
    const { tables } = this.#calls;
    const state = tables.open(identity);
    attachIndexes(state, options);
    tables.attachLater(state);
    const reads = new TableReads(state, tables, this.#nameOf);
    reads.schema = options.schema ?? null;
    attachConflicts(reads, options);
    attachExpiry(reads, options);
    const { onDown } = options;
    if (onDown !== undefined) reads.watchers.add(new OwnerDownListener(reads, onDown));
    const face =
      identity.type === "bag"
        ? new BagTable<never>(reads, this.#calls)
        : new Table<never>(reads, this.#calls, options.serial);
    this.#declared.set(name, { identity, options, reads, face });
    return face;
  }

  /**
   * Takes a declaration back. The rows stay; what was returned for the table throws TableError.
   * @throws TableError if there is none of that name
   */
  remove(name: string): void {
    const declared = this.#declared.get(name) ?? this.#unknown(name);
    this.#declared.delete(name);
    declared.reads.remove();
  }

  #unknown(name: string): never {
    const known = [...this.#declared.keys()].map((one) => `"${one}"`).join(", ");
    throw new TableError(`table "${name}" is not declared; declared are ${known || "none"}`);
  }

  /** Binds every face to the tables of a new incarnation. */
  rebind(tables: Tables): void {
    this.#calls.rebind(tables);
    for (const { identity, options, reads } of this.#declared.values()) {
      const state = tables.open(identity);
      attachIndexes(state, options);
      reads.rebind(state, tables);
      attachConflicts(reads, options);
      attachExpiry(reads, options);
    }
  }

  /** The node has ended: nobody is told anything any more, and iterators of watchers end. */
  end(): void {
    for (const { reads } of this.#declared.values()) reads.watchers.stop();
  }
}

function same(a: TableIdentity, b: TableIdentity): boolean {
  return a.type === b.type && a.lifetime === b.lifetime;
}

/** Index functions cannot be compared: names and order are. */
function sameOrder(a: TableOptions<never>, b: TableOptions<never>): boolean {
  const names = (options: TableOptions<never>) =>
    Object.keys(options.indexes ?? {})
      .sort()
      .join();
  if ((a.split ?? "merge") !== (b.split ?? "merge")) return false;
  if ((a.serial ?? "available") !== (b.serial ?? "available")) return false;
  return (
    (a.ordered ?? false) === (b.ordered ?? false) && a.ttlMs === b.ttlMs && names(a) === names(b)
  );
}
