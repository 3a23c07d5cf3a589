/**
 * Reads the configuration of persistent stores from an object, as TOML or a program gives it. All
 * faults are told in one message; none of them repeats a value that may be a secret.
 */
import { InvalidOptionsError } from "../../errors.ts";
import type { ConnectionSettings, ReadConfiguration, StorageChoice } from "./configuration.ts";
import { readConnection } from "./connection-settings.ts";
import { topKeys } from "./keys.ts";
import { type ConfigurationSources, isTable, kindOf, TableReader } from "./table-reader.ts";

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const STORE = /^[a-z][a-z0-9_.:-]{0,99}$/;
const PLAIN = ["memory", "none", "null"] as const;
/** Names of adapters that are connections without being described: by DATABASE_URL. */
const BY_ENVIRONMENT = "sql";

/** @throws InvalidOptionsError with every fault */
export async function readConfiguration(
  input: unknown,
  sources: ConfigurationSources,
): Promise<ReadConfiguration> {
  const faults: string[] = [];
  const top = TableReader.ofOptions("", input, faults);
  top.allow(topKeys());
  const connections = await readConnections(top, sources);
  const storage = readChoice(top);
  const hosts = readHosts(top);
  const named = new Set<string>();
  for (const choice of [storage, ...hosts.values()]) {
    if (choice.default !== undefined) named.add(choice.default);
    for (const name of choice.stores.values()) named.add(name);
  }
  await addFromEnvironment(connections, { named, faults, sources });
  const known = [...PLAIN, ...connections.keys()];
  for (const name of named) {
    if (known.includes(name)) continue;
    faults.push(
      `storage: names the connection ${JSON.stringify(name.slice(0, 80))}, which is not there; ` +
        `there are ${known.join(", ")}; describe it under connections`,
    );
  }
  if (faults.length > 0) throw new InvalidOptionsError("persistent stores", faults);
  const all = new Map<string, ConnectionSettings>();
  for (const [name, settings] of connections) if (settings !== undefined) all.set(name, settings);
  for (const adapter of PLAIN) if (named.has(adapter)) all.set(adapter, { adapter });
  return { connections: all, storage, hosts };
}

/** A connection with faults is there, but undefined: who names it is not to blame. */
type Connections = Map<string, ConnectionSettings | undefined>;

async function readConnections(
  top: TableReader,
  sources: ConfigurationSources,
): Promise<Connections> {
  const found: Connections = new Map();
  const given = top.value("connections");
  if (given === undefined) return found;
  const tables = new TableReader("connections", given, top.faults);
  for (const name of tables.keys) {
    if (!NAME.test(name) || PLAIN.some((plain) => plain === name)) {
      const allowed = `a name of a-z, 0-9, _ and -, but not ${PLAIN.join(", ")}`;
      tables.fault(JSON.stringify(name.slice(0, 80)), `is no name, allowed is ${allowed}`);
      continue;
    }
    const table = TableReader.ofOptions(`connections.${name}`, tables.value(name), top.faults);
    found.set(name, await readConnection(name, table, sources));
  }
  // Prosody calls its files "internal"; here that is another name for them.
  for (const [one, other] of [["internal", "file"] as const, ["file", "internal"] as const]) {
    const settings = found.get(one);
    if (settings !== undefined && !found.has(other)) found.set(other, settings);
  }
  return found;
}

/** `storage = "sql"` with DATABASE_URL set needs no more. */
async function addFromEnvironment(
  connections: Connections,
  at: {
    readonly named: ReadonlySet<string>;
    readonly faults: string[];
    readonly sources: ConfigurationSources;
  },
): Promise<void> {
  const isWanted = at.named.has(BY_ENVIRONMENT) && !connections.has(BY_ENVIRONMENT);
  if (!isWanted || (at.sources.env.DATABASE_URL ?? "") === "") return;
  const table = new TableReader(`connections.${BY_ENVIRONMENT}`, {}, at.faults);
  connections.set(BY_ENVIRONMENT, await readConnection(BY_ENVIRONMENT, table, at.sources));
}

function readHosts(top: TableReader): ReadonlyMap<string, StorageChoice> {
  const found = new Map<string, StorageChoice>();
  const given = top.value("hosts");
  if (given === undefined) return found;
  const hosts = new TableReader("hosts", given, top.faults);
  for (const host of hosts.keys) {
    const table = TableReader.ofOptions(
      `hosts.${JSON.stringify(host.slice(0, 255))}`,
      hosts.value(host),
      top.faults,
    );
    table.allow(["storage", "default_storage"]);
    found.set(host, readChoice(table));
  }
  return found;
}

/** `storage` is a name for all stores, or a table of names; `default_storage` is for the rest. */
function readChoice(table: TableReader): StorageChoice {
  const rest = table.text("default_storage");
  const storage = table.value("storage");
  if (storage === undefined) return { default: rest, stores: new Map() };
  if (typeof storage === "string") {
    if (rest !== undefined) {
      table.fault("default_storage", "is of no use where storage is one name for all stores");
    }
    return { default: table.text("storage"), stores: new Map() };
  }
  if (!isTable(storage)) {
    table.fault("storage", `is ${kindOf(storage)}, allowed is a name or a table of names`);
    return { default: rest, stores: new Map() };
  }
  const path = table.path === "" ? "storage" : `${table.path}.storage`;
  const names = new TableReader(path, storage, table.faults);
  const stores = new Map<string, string>();
  for (const store of names.keys) {
    if (!STORE.test(store)) {
      names.fault(JSON.stringify(store.slice(0, 100)), "is no name of a store: a-z, 0-9, _ . : -");
    }
    const name = names.text(store);
    if (name !== undefined) stores.set(store, name);
  }
  return { default: rest, stores };
}
