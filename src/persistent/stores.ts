/** All persistent stores of a program: opened by a configuration, handed out, closed together. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { DisabledError, InvalidOptionsError } from "../errors.ts";
import { type Clock, type Log, type Random, silentLog } from "../runtime.ts";
import { systemClock, systemRandom } from "../system-clock.ts";
import type { AdapterEnvironment, AdapterFactory } from "./adapters/adapter-factory.ts";
import { type CacheCoherence, LocalCoherence } from "./cache/coherence.ts";
import {
  type Collection,
  type CollectionOptions,
  openCollection,
} from "./collections/collection.ts";
import {
  connectionFor,
  type ReadConfiguration,
  type StoresConfiguration,
} from "./config/configuration.ts";
import { makeAdapter } from "./config/make-adapter.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import type { Budget, Place, PlaceKind, StoreAdapter } from "./contract/driver.ts";
import { checkHost, checkStoreName, checkTimeout, checkUser } from "./contract/inputs.ts";
import type {
  ArchiveStore,
  CallOptions,
  KeyvalPlusStore,
  KeyvalStore,
  MapStore,
  User,
} from "./contract/kinds.ts";
import type { StoreValue } from "./contract/store-value.ts";
import { StoreOpener, type StoreSettings } from "./fronts/open-store.ts";
import { TIMEOUT_MS } from "./fronts/store-front.ts";
import type { MessageArchives } from "./mam/open-archives.ts";
import { isOwnPlace } from "./move/own-places.ts";
import { StoreHomes } from "./move/store-homes.ts";
import { TypedHomes } from "./move/typed-homes.ts";
import type { RosterStore } from "./roster/roster-store.ts";
import {
  archivesOn,
  type OpenArchivesOptions,
  type OpenRostersOptions,
  purgeTyped,
  rostersOn,
} from "./typed-stores.ts";

/** What stores need of the outside world; all of it may be left out. */
export interface StoresEnvironment {
  /** Default: no log. */
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Where variables are looked up that the configuration names. Default: those of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Adapters of your own. */
  readonly adapters?: readonly AdapterFactory[];
  /** How long a back end may take to open, and the default of each call, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** The host of stores for which none is named. Default "default". */
  readonly host?: string;
  /** Names this process to others that want the same. Default: made of the host and a number. */
  readonly holder?: string;
  /**
   * Whether stores move when the configuration names another back end for them. Default true;
   * false: such a store is refused with ConflictError.
   */
  readonly mayMove?: boolean;
  /** How caches of several processes are kept in step. Default: each by itself. */
  readonly coherence?: CacheCoherence;
}

/** Options of one store. */
export interface OpenStoreOptions extends Partial<Omit<StoreSettings, "name">> {}

/** A back end that is open. */
export interface OpenConnection {
  /** Its name in the configuration. */
  readonly name: string;
  readonly adapter: StoreAdapter;
}

/** One line of a status. */
export interface ConnectionStatus {
  readonly connection: string;
  readonly adapter: string;
  readonly isPersistent: boolean;
  readonly isShared: boolean;
}

/**
 * Opens every back end that the configuration names.
 * @throws InvalidOptionsError with all faults; what the back ends throw if one cannot be opened
 */
export async function openStores(
  configuration: StoresConfiguration,
  environment: StoresEnvironment = {},
): Promise<Stores> {
  const { timeoutMs = TIMEOUT_MS, host = "default" } = environment;
  checkTimeout(timeoutMs);
  checkHost(host);
  const plan = await readConfiguration(configuration, {
    env: environment.env ?? process.env,
    readFile: (path) => readFile(path, "utf8"),
    adapters: environment.adapters ?? [],
  });
  const random = environment.random ?? systemRandom;
  const lent = {
    clock: environment.clock ?? systemClock,
    random,
    log: environment.log ?? silentLog,
    holder: environment.holder ?? processName(random),
  };
  const made = await makeAll(plan, lent);
  const budget = { timeoutMs, signal: undefined };
  const openings = await Promise.allSettled(
    made.map(async ({ name, adapter }) => {
      await adapter.open(budget);
      lent.log.info({ connection: name, adapter: adapter.name }, "stores opened");
    }),
  );
  const failed = openings.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await Promise.allSettled(made.map(({ adapter }) => adapter.close()));
    throw failed.reason;
  }
  for (const { name, adapter } of made) {
    if (adapter.name !== "memory") continue;
    lent.log.warn({ connection: name }, "stores in memory: what is written is lost at the end");
  }
  const coherence = environment.coherence ?? new LocalCoherence();
  const { mayMove = true } = environment;
  return new Stores(plan, made, { ...lent, timeoutMs, host, coherence, mayMove });
}

/** Unique, and of use to who reads it in an error on another machine. */
function processName(random: Random): string {
  return `${hostname()} pid ${process.pid} ${Buffer.from(random.bytes(4)).toString("hex")}`;
}

/** Every fault of every connection at once. */
async function makeAll(
  { connections }: ReadConfiguration,
  lent: Omit<AdapterEnvironment, "connection">,
): Promise<OpenConnection[]> {
  const made: OpenConnection[] = [];
  const faults: string[] = [];
  for (const [name, settings] of connections) {
    try {
      made.push({ name, adapter: await makeAdapter(settings, { ...lent, connection: name }) });
    } catch (error) {
      if (!(error instanceof InvalidOptionsError)) throw error;
      faults.push(...error.faults.map((fault) => `connections.${name}: ${fault}`));
    }
  }
  if (faults.length > 0) throw new InvalidOptionsError("persistent stores", faults);
  return made;
}

/** See the head of this file. */
export class Stores {
  readonly #plan: ReadConfiguration;
  readonly #connections: readonly OpenConnection[];
  readonly #lent: Required<Omit<StoresEnvironment, "adapters" | "env">>;
  readonly #openers = new Map<StoreAdapter, StoreOpener>();
  readonly #homes: StoreHomes;
  readonly #typed: TypedHomes;
  readonly #archives: { readonly connection: string; readonly archives: MessageArchives }[] = [];

  /** Use `openStores`. */
  constructor(
    plan: ReadConfiguration,
    made: readonly OpenConnection[],
    lent: Required<Omit<StoresEnvironment, "adapters" | "env">>,
  ) {
    this.#plan = plan;
    this.#connections = made;
    this.#lent = lent;
    const connections = made.map(({ name, adapter }) => ({ connection: name, adapter }));
    this.#homes = new StoreHomes({ ...lent, connections });
    this.#typed = new TypedHomes({
      homes: this.#homes,
      connections,
      chosenFor: (host, store) => connectionFor(plan, { host, store }),
      budget: this.#budget(),
    });
  }

  /** All back ends that are open. */
  get connections(): readonly OpenConnection[] {
    return this.#connections;
  }

  /** A store of one value for each user. */
  keyval<V = StoreValue>(name: string, options?: OpenStoreOptions): Promise<KeyvalStore<V>> {
    const settings = this.#settings(name, options);
    return this.#opener(settings, "keyval").then((opener) => opener.keyval<V>(settings));
  }

  /** A store of several values for each user. */
  map<V = StoreValue>(name: string, options?: OpenStoreOptions): Promise<MapStore<V>> {
    const settings = this.#settings(name, options);
    return this.#opener(settings, "map").then((opener) => opener.map<V>(settings));
  }

  /** The same rows as `map`, also as a whole. */
  keyvalPlus<V = StoreValue>(
    name: string,
    options?: OpenStoreOptions,
  ): Promise<KeyvalPlusStore<V>> {
    const settings = this.#settings(name, options);
    return this.#opener(settings, "map").then((opener) => opener.keyvalPlus<V>(settings));
  }

  /** A store of lists of items. */
  archive<V = StoreValue>(name: string, options?: OpenStoreOptions): Promise<ArchiveStore<V>> {
    const settings = this.#settings(name, options);
    return this.#opener(settings, "archive").then((opener) => opener.archive<V>(settings));
  }

  /** A typed collection of your own: values of one type by id. */
  async open<T>(name: string, options: CollectionOptions<T> = {}): Promise<Collection<T>> {
    const settings = this.#settings(name, options);
    const { adapter } = await this.#settle(settings, options.kind ?? "keyval");
    const { clock, coherence } = this.#lent;
    return openCollection(adapter, settings, options, { clock, coherence });
  }

  /**
   * Message archives of users and rooms (XEP-0313), on the connection of the store "archive":
   * once all messages that the configuration wants there have moved there. `close` writes what
   * they have queued. See doc/archive.md.
   * @throws UnsupportedError if that is not an SQL database
   * @throws ConflictError as when any store is opened: see doc/moving-stores.md
   */
  async messageArchives(options: OpenArchivesOptions): Promise<MessageArchives> {
    const { host = this.#lent.host } = options;
    const found = this.connectionFor(host, "archive");
    const archives = await archivesOn(found, options, { ...this.#lent, typed: this.#typed });
    this.#archives.push({ connection: found.name, archives });
    return archives;
  }

  /**
   * Rosters (RFC 6121), on the connection of the store "roster": once all that the configuration
   * wants there have moved there. See doc/roster.md.
   * @throws UnsupportedError if that is not an SQL database
   * @throws ConflictError as when any store is opened: see doc/moving-stores.md
   */
  async rosters(options: OpenRostersOptions = {}): Promise<RosterStore> {
    const { host = this.#lent.host } = options;
    const found = this.connectionFor(host, "roster");
    return rostersOn(found, options, { ...this.#lent, typed: this.#typed });
  }

  /**
   * The back end that the configuration chooses.
   * @throws InvalidOptionsError if it chooses none
   */
  connectionFor(host: string, store: string): OpenConnection {
    const name = connectionFor(this.#plan, { host, store });
    if (name === undefined) {
      throw new InvalidOptionsError("persistent stores", [
        `no connection is named for the store "${store}" of ${host}: name one in storage, or a ` +
          "default_storage",
      ]);
    }
    const found = this.#connections.find((connection) => connection.name === name);
    if (found === undefined) throw new TypeError(`the connection ${name} was not made`);
    return found;
  }

  /**
   * Removes all that a user has in the stores of a host, on every back end: the roster, the archive
   * of messages and its preferences too. Archives of rooms are not a user's.
   */
  async purge(user: User, options: OpenStoreOptions = {}): Promise<void> {
    const name = checkUser(user);
    const { host } = this.#settings("purge", options);
    // No owner of a typed store has such a name.
    if (name !== "" && !host.includes("/")) await this.#purgeTyped({ server: host, name });
    for (const { adapter } of this.#connections) {
      const budget = this.#budget(options);
      try {
        await adapter.purge(host, name, budget);
        // Caches know of one store at a time.
        for (const { store } of await adapter.places(host, budget)) {
          await this.#lent.coherence.invalidate({ host, store, user: name });
        }
      } catch (error) {
        // What keeps nothing has nothing to remove.
        if (!(error instanceof DisabledError)) throw error;
      }
    }
  }

  /** Every store that was ever opened on a back end; of one host, or of all. */
  async places(
    connection: string,
    host?: string,
    options?: CallOptions,
  ): Promise<readonly Place[]> {
    const found = this.#connections.find(({ name }) => name === connection);
    if (found !== undefined) {
      const places = await found.adapter.places(host, this.#budget(options));
      return places.filter((place) => !isOwnPlace(place));
    }
    const known = this.#connections.map(({ name }) => name).join(", ");
    throw new InvalidOptionsError("stores", [`no connection "${connection}"; there are ${known}`]);
  }

  /** Resolves if every back end answers. */
  async ping(options?: CallOptions): Promise<void> {
    const budget = this.#budget(options);
    await Promise.all(this.#connections.map(({ adapter }) => adapter.ping(budget)));
  }

  /** What there is, and what it promises. */
  status(): ConnectionStatus[] {
    return this.#connections.map(({ name, adapter }) => {
      const { isPersistent, isShared } = adapter.capabilities;
      return { connection: name, adapter: adapter.name, isPersistent, isShared };
    });
  }

  /** Lets go of all back ends. Calls that are under way settle. */
  async close(): Promise<void> {
    const stops = this.#archives.map(({ archives }) => archives.stop());
    const ends = await Promise.allSettled(stops);
    // Behind the last write: from here on others may move the stores.
    await this.#homes.close();
    await Promise.all(this.#connections.map(({ adapter }) => adapter.close()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #purgeTyped(owner: { readonly server: string; readonly name: string }): Promise<void> {
    // These have a queue, which is written first.
    const chosen = connectionFor(this.#plan, { host: owner.server, store: "archive" });
    for (const { connection, archives } of this.#archives) {
      if (connection === chosen) await archives.users.remove(owner);
    }
    for (const connection of this.#connections) await purgeTyped(connection, owner, this.#lent);
  }

  /** Once the store is where the configuration says. */
  async #opener(settings: StoreSettings, kind: PlaceKind): Promise<StoreOpener> {
    const { adapter } = await this.#settle(settings, kind);
    const opener = this.#openers.get(adapter) ?? new StoreOpener(adapter);
    this.#openers.set(adapter, opener);
    return opener;
  }

  async #settle(settings: StoreSettings, kind: PlaceKind): Promise<OpenConnection> {
    const { host, name } = settings;
    checkHost(host);
    checkStoreName(name);
    const found = this.connectionFor(host, name);
    const home = { connection: found.name, adapter: found.adapter };
    await this.#homes.settle({ host, store: name, kind }, home, this.#budget(settings));
    return found;
  }

  #settings(name: string, options: OpenStoreOptions = {}): StoreSettings {
    const { host = this.#lent.host, timeoutMs = this.#lent.timeoutMs } = options;
    const { signal, valueBytesMax } = options;
    return {
      host,
      name,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
      ...(valueBytesMax === undefined ? {} : { valueBytesMax }),
    };
  }

  #budget(options: CallOptions = {}): Budget {
    const { timeoutMs = this.#lent.timeoutMs, signal } = options;
    checkTimeout(timeoutMs);
    return { timeoutMs, signal };
  }
}
