/**
 * Which back end keeps which store: one name for all stores, a table by store with a default, and
 * the same for each host. A name is that of a connection, or of an adapter that needs no options.
 */
import { InvalidOptionsError } from "../../errors.ts";
import type { AdapterFactory } from "../adapters/adapter-factory.ts";
import { adapterFor, adapterNames } from "../adapters/adapter-registry.ts";

/** For all hosts, or for one of them. */
export interface StoreChoice {
  /** For stores that `stores` does not name. */
  readonly default?: string;
  /** For each store by its name; a mere name is for all of them. */
  readonly stores?: string | Readonly<Record<string, string>>;
}

/** The configuration of all stores. */
export interface StoresConfiguration extends StoreChoice {
  /** Goes before the choice for all hosts, its default too. */
  readonly hosts?: Readonly<Record<string, StoreChoice>>;
  /** Back ends by name: the adapter (default: the name) and its options. */
  readonly connections?: Readonly<Record<string, ConnectionOptions>>;
}

/** An adapter and its own options. */
export interface ConnectionOptions {
  readonly adapter?: string;
  readonly [option: string]: unknown;
}

/** A connection that can be made. */
export interface PlannedConnection {
  readonly name: string;
  readonly factory: AdapterFactory;
  readonly options: Readonly<Record<string, unknown>>;
}

const CHOICES = ["default", "stores"];
const PARTS = [...CHOICES, "hosts", "connections"];

/** A configuration that was checked. */
export class StoresPlan {
  readonly connections: readonly PlannedConnection[];
  readonly #configuration: StoresConfiguration;

  private constructor(
    configuration: StoresConfiguration,
    connections: readonly PlannedConnection[],
  ) {
    this.#configuration = configuration;
    this.connections = connections;
  }

  /** @throws InvalidOptionsError with every fault */
  static of(given: StoresConfiguration, others: readonly AdapterFactory[] = []): StoresPlan {
    const configuration = structureOf(given);
    const faults: string[] = [];
    const planned = new Map<string, PlannedConnection>();
    for (const [name, connection] of Object.entries(configuration.connections ?? {})) {
      const { adapter = name, ...options } = connection;
      const factory = adapterFor(adapter, others);
      if (factory !== undefined) planned.set(name, { name, factory, options });
      else {
        const known = adapterNames(others).join(", ");
        faults.push(`connections.${name} has the unknown adapter "${adapter}"; known are ${known}`);
      }
    }
    for (const { at, name } of choicesOf(configuration)) {
      if (planned.has(name) || configuration.connections?.[name] !== undefined) continue;
      const factory = adapterFor(name, others);
      if (factory?.needsNoOptions) planned.set(name, { name, factory, options: {} });
      else {
        const known = [...Object.keys(configuration.connections ?? {}), "memory", "none", "null"];
        faults.push(`${at} names no connection "${name}"; there are ${known.join(", ")}`);
      }
    }
    if (faults.length > 0) throw new InvalidOptionsError("stores", faults);
    return new StoresPlan(configuration, [...planned.values()]);
  }

  /**
   * The connection for a store: that of the host's store, of the host, of the store, of all.
   * @throws InvalidOptionsError if nothing is said about it: there is no hidden choice
   */
  connectionFor(host: string, store: string): string {
    const { hosts } = this.#configuration;
    const own = hosts !== undefined && Object.hasOwn(hosts, host) ? hosts[host] : undefined;
    const name = chosen(own, store) ?? chosen(this.#configuration, store);
    if (name !== undefined) return name;
    throw new InvalidOptionsError("stores", [
      `no back end is named for the store "${store}" of ${host}: name one in stores, or a default`,
    ]);
  }
}

/** Every name of a connection, and where it stands. */
function choicesOf(configuration: StoresConfiguration): { at: string; name: string }[] {
  const found = choices("", configuration);
  for (const [host, choice] of Object.entries(configuration.hosts ?? {})) {
    found.push(...choices(`hosts.${host}.`, choice));
  }
  return found;
}

function choices(prefix: string, { default: all, stores }: StoreChoice) {
  const found: { at: string; name: string }[] = [];
  if (all !== undefined) found.push({ at: `${prefix}default`, name: all });
  if (typeof stores === "string") found.push({ at: `${prefix}stores`, name: stores });
  else {
    for (const [store, name] of Object.entries(stores ?? {})) {
      found.push({ at: `${prefix}stores.${store}`, name });
    }
  }
  return found;
}

function chosen(choice: StoreChoice | undefined, store: string): string | undefined {
  if (choice === undefined) return undefined;
  const { stores } = choice;
  if (typeof stores === "string") return stores;
  return stores !== undefined && Object.hasOwn(stores, store) ? stores[store] : choice.default;
}

/** @throws InvalidOptionsError for parts of the wrong form or that nobody knows */
function structureOf(given: unknown): StoresConfiguration {
  const faults: string[] = [];
  const parts = record("the configuration", given, faults);
  faults.push(...unknownParts("", parts, PARTS), ...choiceFaults("", parts));
  for (const [host, choice] of Object.entries(record("hosts", parts.hosts ?? {}, faults))) {
    const own = record(`hosts.${host}`, choice, faults);
    faults.push(...unknownParts(`hosts.${host}.`, own, CHOICES));
    faults.push(...choiceFaults(`hosts.${host}.`, own));
  }
  const connections = record("connections", parts.connections ?? {}, faults);
  for (const [name, options] of Object.entries(connections)) {
    const { adapter } = record(`connections.${name}`, options, faults);
    if (adapter === undefined || typeof adapter === "string") continue;
    faults.push(`connections.${name}.adapter is no name`);
  }
  if (faults.length > 0) throw new InvalidOptionsError("stores", faults);
  return parts;
}

function unknownParts(prefix: string, given: object, known: readonly string[]): string[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => `unknown part "${prefix}${name}"; known are ${known.join(", ")}`);
}

function choiceFaults(prefix: string, given: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  const { default: all, stores } = given;
  if (all !== undefined && typeof all !== "string") faults.push(`${prefix}default is no name`);
  if (typeof stores === "string") {
    if (all !== undefined) faults.push(`${prefix}stores is for all stores: default is of no use`);
    return faults;
  }
  for (const [store, name] of Object.entries(record(`${prefix}stores`, stores ?? {}, faults))) {
    if (typeof name !== "string") faults.push(`${prefix}stores.${store} is no name`);
  }
  return faults;
}

function record(what: string, given: unknown, faults: string[]): Record<string, unknown> {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return { ...given };
  faults.push(`${what} is no object`);
  return {};
}
