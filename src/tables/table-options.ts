/** How a table is declared, and the check that names every fault of a declaration. */
import { InvalidOptionsError } from "../errors.ts";
import { isSchema, type StandardSchema } from "../standard-schema.ts";
import type { ConflictEvent, OwnerDownEvent } from "./change.ts";
import type { Key } from "./key.ts";
import type { MergeFunction } from "./merged-values.ts";
import { MergedValues } from "./merged-values.ts";
import { OrderedKeys } from "./ordered-keys.ts";
import { SecondaryIndex } from "./secondary-index.ts";
import type { SerialMode } from "./serial-calls.ts";
import { SPLIT_POLICIES, type SplitPolicy } from "./split.ts";
import type { TableIdentity, TableLifetime, TableState, TableType } from "./table-state.ts";

const NAME_BYTES_MAX = 255;
const INDEXES_MAX = 32;
const TTL_MAX_MS = 10 * 366 * 86_400_000;
/** What is left of a lease when it is renewed must outlast the news of it. */
const LEASE_PINGS = 5;
const NUMBERS = [
  ["ttlMs", TTL_MAX_MS],
  ["maxRows", Number.MAX_SAFE_INTEGER],
  ["maxBytes", Number.MAX_SAFE_INTEGER],
] as const;

/** Gives the index value of a row's value; undefined leaves the row out. Must be pure. */
export type IndexFunction<V> = (value: V) => Key | undefined;

/** Options of `node.table`. */
export interface TableOptions<V, I extends string = string> {
  /** `node` (default): rows die with the node that wrote them. `cluster`: they outlive it. */
  readonly lifetime?: TableLifetime;
  /** `set` (default): one value a key. `bag`: any number of distinct values a key. */
  readonly type?: TableType;
  /** Keep the keys in order, for `scan` and ordered iteration. Default false. */
  readonly ordered?: boolean;
  /** Secondary indexes by name, for `find` and `count`. */
  readonly indexes?: Readonly<Record<I, IndexFunction<V>>>;
  /**
   * Makes one value of those that concurrent writes have left, greatest stamp first, until the
   * next write of the key ends them. Must be pure and give the same on every node. Without it, or
   * where it throws or gives undefined, the greatest stamp is shown. Sets only.
   */
  readonly merge?: (siblings: readonly V[]) => V | undefined;
  /**
   * How long a row lives after its last `set` or `add`, ms: then its owner removes it, once for
   * all nodes. Until then, and until that has come here, reads show it. Default: for ever.
   */
  readonly ttlMs?: number;
  /** Keys that this node's writes may not exceed, hidden ones too. Default: no limit. */
  readonly maxRows?: number;
  /** Bytes of keys and encoded values, likewise. Default: no limit. */
  readonly maxBytes?: number;
  /** Checks the values that this node writes: any Standard Schema that answers at once. */
  readonly schema?: StandardSchema<V>;
  /**
   * Called on the node whose live row another node's write has ended or put into the shade, once
   * for each such row, at the end of the turn in which this node learns of it.
   */
  readonly onConflict?: (event: ConflictEvent<V>) => void;
  /**
   * Serial calls of a set: one winner among the nodes that see each other (`available`, the
   * default), or in the whole cluster (`quorum`, which needs the node's option clusterSize).
   */
  readonly serial?: SerialMode;
  /**
   * What this node's writes do while the cluster is split. `merge` (default): they go on, and both
   * sides are merged after the heal. `pauseMinority` (needs the node's option clusterSize): only a
   * side with a majority writes. `leaseSide` (needs a database for discovery): only the side that
   * holds the lease in the database writes. The others get SplitError.
   */
  readonly split?: SplitPolicy;
  /** Called when the rows of an owner have vanished because it is down. */
  readonly onDown?: (event: OwnerDownEvent) => void;
}

const FUNCTIONS = ["merge", "onConflict", "onDown"] as const;
const KNOWN: ReadonlySet<string> = new Set([
  "lifetime",
  "type",
  "ordered",
  "indexes",
  "ttlMs",
  "maxRows",
  "maxBytes",
  "schema",
  "serial",
  "split",
  ...FUNCTIONS,
] satisfies (keyof TableOptions<never>)[]);

/** What declarations may need of the node. */
export interface NodeAbilities {
  readonly clusterSize?: number | undefined;
  /** Its discovery is a database, in which a side can hold a lease for so long, ms. */
  readonly leaseMs?: number | undefined;
  /** Members ask for news of the lease this often, ms. */
  readonly pingMs?: number;
}

/** The identity that a declaration stands for. Throws InvalidOptionsError with all faults. */
export function checkDeclaration(
  name: unknown,
  options: object,
  node: NodeAbilities = {},
): TableIdentity {
  const faults: string[] = [];
  const given = options as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || name === "" || name.length > NAME_BYTES_MAX) {
    faults.push(`name is ${describe(name)}, allowed are strings of 1 to ${NAME_BYTES_MAX} units`);
  } else if (!name.isWellFormed() || name.includes("|")) {
    faults.push(`name ${JSON.stringify(name)} holds "|" or half a surrogate pair`);
  }
  for (const option of Object.keys(given)) {
    if (!KNOWN.has(option)) faults.push(`unknown option "${option}"`);
  }
  const { lifetime = "node", type = "set", ordered = false, indexes = {} } = given;
  if (lifetime !== "node" && lifetime !== "cluster") {
    faults.push(`lifetime is ${describe(lifetime)}, allowed are "node" and "cluster"`);
  }
  if (type !== "set" && type !== "bag") {
    faults.push(`type is ${describe(type)}, allowed are "set" and "bag"`);
  }
  if (typeof ordered !== "boolean") faults.push(`ordered is ${describe(ordered)}, not a boolean`);
  faults.push(...indexFaults(indexes), ...ruleFaults(given), ...serialFaults(given.serial, type));
  faults.push(...splitFaults(given.split), ...abilityFaults(given, node));
  if (faults.length > 0) throw new InvalidOptionsError(`table ${describe(name)}`, faults);
  return { name: name as string, lifetime: lifetime as TableLifetime, type: type as TableType };
}

function serialFaults(serial: unknown, type: unknown): string[] {
  if (serial === undefined) return [];
  if (serial !== "available" && serial !== "quorum") {
    return [`serial is ${describe(serial)}, allowed are "available" and "quorum"`];
  }
  return type === "bag" ? ["serial is of sets: bags have no serial calls"] : [];
}

function splitFaults(split: unknown): string[] {
  if (split === undefined || SPLIT_POLICIES.some((policy) => policy === split)) return [];
  const allowed = SPLIT_POLICIES.map((policy) => `"${policy}"`).join(", ");
  return [`split is ${describe(split)}, allowed are ${allowed}`];
}

function abilityFaults(given: Readonly<Record<string, unknown>>, node: NodeAbilities): string[] {
  const { serial, split } = given;
  const faults: string[] = [];
  if (node.clusterSize === undefined) {
    const needs = "which needs the node's option clusterSize";
    if (serial === "quorum") faults.push(`serial is "quorum", ${needs}`);
    if (split === "pauseMinority") faults.push(`split is "pauseMinority", ${needs}`);
  }
  if (split !== "leaseSide") return faults;
  const { leaseMs, pingMs = 0 } = node;
  if (leaseMs === undefined) {
    faults.push('split is "leaseSide", which needs discovery by a database: discovery.url');
  } else if (leaseMs < LEASE_PINGS * pingMs) {
    const least = `at least ${LEASE_PINGS} times pingMs (${pingMs}) is needed`;
    faults.push(`split is "leaseSide", and tableOptions.leaseMs is ${leaseMs}; ${least}`);
  }
  return faults;
}

function indexFaults(indexes: unknown): string[] {
  if (typeof indexes !== "object" || indexes === null) {
    return [`indexes is ${describe(indexes)}, not an object of functions`];
  }
  const entries = Object.entries(indexes);
  const faults = entries
    .filter(([, index]) => typeof index !== "function")
    .map(([name, index]) => `index "${name}" is ${describe(index)}, not a function`);
  if (entries.length > INDEXES_MAX) {
    faults.push(`${entries.length} indexes, at most ${INDEXES_MAX}`);
  }
  return faults;
}

function ruleFaults(given: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  for (const option of FUNCTIONS) {
    const value = given[option];
    if (value !== undefined && typeof value !== "function") {
      faults.push(`${option} is ${describe(value)}, not a function`);
    }
  }
  for (const [option, most] of NUMBERS) {
    const value = given[option];
    if (value === undefined || isWhole(value, most)) continue;
    faults.push(`${option} is ${describe(value)}, allowed are whole numbers from 1 to ${most}`);
  }
  if (given["schema"] !== undefined && !isSchema(given["schema"])) {
    faults.push('schema has no "~standard" of version 1 with a function validate');
  }
  if (given["type"] === "bag" && given["merge"] !== undefined) {
    faults.push("merge is given for a bag, which keeps all values");
  }
  return faults;
}

/** Attaches order, indexes and merging to a table's rows, those included that are here already. */
export function attachIndexes(table: TableState, options: TableOptions<never>): void {
  table.declared = true;
  table.split = options.split ?? "merge";
  const indexes: SecondaryIndex[] = [];
  for (const [name, index] of Object.entries<IndexFunction<never>>(options.indexes ?? {})) {
    indexes.push(new SecondaryIndex(name, index as IndexFunction<unknown>));
  }
  table.attach(options.ordered === true ? new OrderedKeys() : null, indexes);
  const { merge, maxRows, maxBytes } = options;
  if (maxRows !== undefined || maxBytes !== undefined) {
    table.quota = { maxRows: maxRows ?? Number.MAX_VALUE, maxBytes: maxBytes ?? Number.MAX_VALUE };
  }
  if (merge !== undefined) table.merged = new MergedValues(merge as MergeFunction, table.multi);
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
