/** The options of discovery, and their check: all faults at once, and never a secret in one. */

import { type DatabaseTarget, parseDatabaseUrl } from "../sql/target.ts";
import { ADDRESSES_MAX } from "./address.ts";
import { type DnsOptions, dnsFaults } from "./dns.ts";
import { filePathFault } from "./file.ts";
import type { GetNodes } from "./function.ts";
import { TABLE_DEFAULTS, type TableOptions, tableFaults } from "./rdbms/table-options.ts";
import { JITTER } from "./schedule.ts";
import { staticFaults } from "./static.ts";
import { type DiscoveryTimings, TIMING_DEFAULTS, timingFaults } from "./timings.ts";

/** Exactly one of the first five must be given. */
export interface DiscoveryOptions {
  /**
   * A database that all nodes share: sqlite:PATH (nodes of one host only), postgres://,
   * postgresql://, mysql://, mariadb:// or cockroachdb://.
   */
  readonly url?: string;
  /** A text file of addresses, separated by white space or lines; # begins a comment. */
  readonly file?: string;
  /** Addresses that never change. */
  readonly nodes?: readonly string[];
  /** A name in DNS. */
  readonly dns?: DnsOptions;
  /** A function of your own, called for each query. */
  readonly getNodes?: GetNodes;
  /** How the rows are kept; with `url` only. */
  readonly tableOptions?: TableOptions;
  /** Those timings that differ from the defaults. */
  readonly timings?: Partial<DiscoveryTimings>;
}

/** Options that were found good. */
export type CheckedOptions =
  | {
      readonly kind: "rdbms";
      readonly target: DatabaseTarget;
      readonly tableOptions: Required<TableOptions>;
    }
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "static"; readonly nodes: readonly string[] }
  | { readonly kind: "dns"; readonly dns: DnsOptions }
  | { readonly kind: "function"; readonly getNodes: GetNodes };

const WAYS = ["url", "file", "nodes", "dns", "getNodes"] as const;
const KEYS: readonly string[] = [...WAYS, "tableOptions", "timings"];

/** The checked options, or what is wrong with them. */
export function checkDiscoveryOptions(
  options: DiscoveryOptions,
): { readonly checked: CheckedOptions } | { readonly faults: readonly string[] } {
  if (typeof options !== "object" || options === null) {
    return { faults: [`must be an object with one of ${WAYS.join(", ")}`] };
  }
  const faults: string[] = [];
  for (const key of Object.keys(options)) {
    if (!KEYS.includes(key)) faults.push(`${key}: is not known, allowed are ${KEYS.join(", ")}`);
  }
  const given = WAYS.filter((way) => options[way] !== undefined);
  if (given.length !== 1) {
    const which = given.length === 0 ? "none" : given.join(" and ");
    faults.push(`exactly one of ${WAYS.join(", ")} must be given, and ${which} is`);
  }
  const timings = objectOr(options.timings, "timings", faults);
  const timingsFound = timingFaults(timings);
  faults.push(...timingsFound);
  if (options.tableOptions !== undefined && options.url === undefined) {
    faults.push("tableOptions: are of use with url only");
  }
  let checked: CheckedOptions | undefined;
  for (const way of given) checked = checkWay(way, options, faults);
  if (checked?.kind === "rdbms" && timingsFound.length === 0) {
    faults.push(...freshnessFaults(checked.tableOptions, { ...TIMING_DEFAULTS, ...timings }));
  }
  if (faults.length > 0 || checked === undefined) return { faults };
  return { checked };
}

function checkWay(
  way: (typeof WAYS)[number],
  options: DiscoveryOptions,
  faults: string[],
): CheckedOptions | undefined {
  switch (way) {
    case "url": {
      const parsed = parseDatabaseUrl(options.url);
      const given = objectOr(options.tableOptions, "tableOptions", faults);
      const tableOptions = { ...TABLE_DEFAULTS, ...given };
      faults.push(...parsed.faults, ...tableFaults(tableOptions));
      if (parsed.target === undefined) return undefined;
      return { kind: "rdbms", target: parsed.target, tableOptions };
    }
    case "file": {
      const fault = filePathFault(options.file);
      if (fault !== undefined) faults.push(fault);
      return { kind: "file", file: options.file ?? "" };
    }
    case "nodes":
      faults.push(...staticFaults(options.nodes));
      return { kind: "static", nodes: options.nodes ?? [] };
    case "dns":
      faults.push(...dnsFaults(options.dns));
      return { kind: "dns", dns: options.dns ?? {} };
    case "getNodes": {
      const { getNodes } = options;
      if (typeof getNodes === "function") return { kind: "function", getNodes };
      faults.push(
        `getNodes: is of type ${typeof getNodes}, allowed is a function that returns ` +
          `at most ${ADDRESSES_MAX} addresses`,
      );
      return undefined;
    }
    default:
      return way satisfies never;
  }
}

/** A row is refreshed by each query, so a live node must ask before it looks stale. */
function freshnessFaults(
  table: Required<TableOptions>,
  timings: DiscoveryTimings,
): readonly string[] {
  const longestMs = Math.ceil(
    Math.max(timings.regularMs, timings.initialMs, timings.nodeDownMs) * (1 + JITTER) +
      timings.queryTimeoutMs +
      timings.errorMs * (1 + JITTER),
  );
  if (table.staleAfterMs > longestMs) return [];
  return [
    `tableOptions.staleAfterMs: is ${table.staleAfterMs}, must be above ${longestMs} ms, the ` +
      "longest time between two queries with these timings",
  ];
}

function objectOr<T extends object>(given: T | undefined, name: string, faults: string[]): object {
  if (given === undefined) return {};
  if (typeof given === "object" && given !== null) return given;
  faults.push(`${name}: is of type ${typeof given}, allowed is an object`);
  return {};
}
