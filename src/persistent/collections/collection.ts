/** Collections for programs of one's own: values of one type by id, on any back end. */
import { InvalidOptionsError, InvalidValueError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import { checkSchema, isSchema, type StandardSchema } from "../../standard-schema.ts";
import { type CacheCounts, CachedRows, type CacheOptions } from "../cache/cached-rows.ts";
import type { CacheCoherence } from "../cache/coherence.ts";
import type { CopiedValue } from "../cache/copied-value.ts";
import { TellingRows } from "../cache/telling-rows.ts";
import type { RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { checkKey, checkUser } from "../contract/inputs.ts";
import type { CallOptions, KeyvalPlusStore, KeyvalStore, User } from "../contract/kinds.ts";
import { StoreOpener, type StoreSettings } from "../fronts/open-store.ts";

/** Options of a collection. */
export interface CollectionOptions<T> extends Partial<Omit<StoreSettings, "name">> {
  /**
   * Where the ids are: "keyval" makes each id a user of the store, for many of them and for data
   * that belong to users; "map" makes them keys of one user, to be read and replaced as a whole.
   * Default "keyval".
   */
  readonly kind?: "keyval" | "map";
  /** Whose keys the ids of a "map" are; null, the default, is the host itself. */
  readonly user?: User;
  /** Checked on every set, as tables do. What it gives back is stored. */
  readonly schema?: StandardSchema<T>;
  /** Keeps what was read in memory. Default: not at all. */
  readonly cache?: CacheOptions | true;
  /**
   * An item ends so long after it was set, ms. A part of the collection's form: always open it
   * with one, or always without. Default: never.
   */
  readonly ttlMs?: number;
}

/** An item of a collection that has a `ttlMs`. */
interface Perishable<T> {
  /** ms since the Unix epoch. */
  readonly until: number;
  readonly value: T;
}

/** What `peek` has found. */
export interface Peeked<T> {
  /** The value; undefined if it is known that there is none. */
  readonly value: T | undefined;
}

/** Values of one type by id. */
export interface Collection<T> {
  readonly name: string;
  /** The value; undefined if there is none or its time is over. */
  get(id: string, options?: CallOptions): Promise<T | undefined>;
  /**
   * What the cache has of it, at once and without a promise, for code that cannot wait or reads
   * very often. Undefined if `get` would have to ask the back end, and always without a cache.
   */
  peek(id: string): Peeked<T> | undefined;
  /** Replaces the value. @throws InvalidValueError if the schema refuses it */
  set(id: string, value: T, options?: CallOptions): Promise<void>;
  /** True if there was one. */
  delete(id: string, options?: CallOptions): Promise<boolean>;
  has(id: string, options?: CallOptions): Promise<boolean>;
  /** How many there are: reads the ids, and with a `ttlMs` the values too. */
  count(options?: CallOptions): Promise<number>;
  /** All of them by id, in byte order, page by page. */
  iterate(options?: CallOptions): AsyncIterable<readonly [id: string, value: T]>;
  /** Deletes all; those that are set meanwhile may stay. */
  clear(options?: CallOptions): Promise<void>;
  /** Resolves when every call made so far has settled; rejects if one of them failed. */
  sync(): Promise<void>;
  /** How often the cache had the answer; undefined without one. */
  cacheCounts(): CacheCounts | undefined;
  /** Lets go of the cache. */
  close(): void;
}

/** Where the values are: the two kinds differ in little. */
interface Shelf<S> {
  /** The user whose keys the ids are; undefined if they are users, each with the key "". */
  readonly owner: string | undefined;
  get(id: string, options?: CallOptions): Promise<S | undefined>;
  set(id: string, value: S | undefined, options?: CallOptions): Promise<void>;
  all(options?: CallOptions): AsyncIterable<readonly [string, S]>;
  ids(options?: CallOptions): AsyncIterable<string>;
  clear(options?: CallOptions): Promise<void>;
}

/** Items that are read at a time by an iteration. */
const READ_AT_ONCE = 50;
const KNOWN = [
  ...["kind", "user", "schema", "cache", "ttlMs", "host", "timeoutMs", "signal", "valueBytesMax"],
];

/** Opens a collection on an adapter that is open. */
export async function openCollection<T>(
  adapter: StoreAdapter,
  settings: StoreSettings,
  options: CollectionOptions<T>,
  lent: { readonly clock: Clock; readonly coherence: CacheCoherence },
): Promise<Collection<T>> {
  checkOptions(options);
  const { kind = "keyval", user = null, cache } = options;
  checkUser(user);
  let cached: CachedRows | undefined;
  const opener = new StoreOpener(adapter, (rows: RowsDriver, place) => {
    if (cache === undefined) return new TellingRows(rows, place, lent.coherence);
    cached = new CachedRows(rows, place, cache === true ? {} : cache, lent);
    return cached;
  });
  const shelf: Shelf<unknown> =
    kind === "keyval"
      ? keyvalShelf(await opener.keyval<unknown>(settings))
      : mapShelf(await opener.keyvalPlus<unknown>(settings), user);
  return new StoredCollection<T>(settings.name, shelf, options, { ...lent, cached });
}

class StoredCollection<T> implements Collection<T> {
  readonly name: string;
  readonly #shelf: Shelf<unknown>;
  readonly #schema: StandardSchema<T> | undefined;
  readonly #ttlMs: number | undefined;
  readonly #clock: Clock;
  readonly #cached: CachedRows | undefined;
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    name: string,
    shelf: Shelf<unknown>,
    { schema, ttlMs }: CollectionOptions<T>,
    { clock, cached }: { readonly clock: Clock; readonly cached: CachedRows | undefined },
  ) {
    this.name = name;
    this.#shelf = shelf;
    this.#schema = schema;
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    this.#cached = cached;
  }

  get(id: string, options?: CallOptions): Promise<T | undefined> {
    // The way through the store takes ten times as long, and has nothing to add to a hit.
    const known = options === undefined ? this.#hit(id) : undefined;
    if (known !== undefined) return Promise.resolve(this.#unwrap(known.copy()));
    return this.#read(id, options);
  }

  peek(id: string): Peeked<T> | undefined {
    const known = this.#hit(id);
    return known === undefined ? undefined : { value: this.#unwrap(known.copy()) };
  }

  async set(id: string, value: T, options?: CallOptions): Promise<void> {
    checkKey(id);
    const checked = this.#schema === undefined ? value : checkSchema(this.#schema, value);
    if (checked === undefined) {
      throw new InvalidValueError("value is undefined; delete removes one");
    }
    const ttlMs = this.#ttlMs;
    const stored =
      ttlMs === undefined ? checked : { until: this.#clock.wall() + ttlMs, value: checked };
    await this.#note(this.#shelf.set(id, stored, options));
  }

  async delete(id: string, options?: CallOptions): Promise<boolean> {
    const isThere = await this.has(id, options);
    await this.#note(this.#shelf.set(id, undefined, options));
    return isThere;
  }

  async has(id: string, options?: CallOptions): Promise<boolean> {
    return (await this.get(id, options)) !== undefined;
  }

  async count(options?: CallOptions): Promise<number> {
    let count = 0;
    const all = this.#ttlMs === undefined ? this.#shelf.ids(options) : this.iterate(options);
    for await (const _ of all) count++;
    return count;
  }

  async *iterate(options?: CallOptions): AsyncGenerator<readonly [string, T], void, undefined> {
    for await (const [id, stored] of this.#shelf.all(options)) {
      const value = this.#unwrap(stored);
      if (value !== undefined) yield [id, value];
    }
  }

  async clear(options?: CallOptions): Promise<void> {
    await this.#note(this.#shelf.clear(options));
  }

  async sync(): Promise<void> {
    const settled = await Promise.allSettled([...this.#running]);
    const failed = settled.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  cacheCounts(): CacheCounts | undefined {
    return this.#cached?.counts;
  }

  close(): void {
    this.#cached?.close();
  }

  #hit(id: string): CopiedValue | undefined {
    const { owner } = this.#shelf;
    return owner === undefined ? this.#cached?.hit(id, "") : this.#cached?.hit(owner, id);
  }

  async #read(id: string, options: CallOptions | undefined): Promise<T | undefined> {
    checkKey(id);
    return this.#unwrap(await this.#shelf.get(id, options));
  }

  /** The type is what was set, as long as all who write use the same schema. */
  #unwrap(stored: unknown): T | undefined {
    if (this.#ttlMs === undefined || stored === undefined) return stored as T | undefined;
    const { until, value } = stored as Perishable<T>;
    return until > this.#clock.wall() ? value : undefined;
  }

  async #note(running: Promise<unknown>): Promise<void> {
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

function keyvalShelf(store: KeyvalStore<unknown>): Shelf<unknown> {
  return {
    owner: undefined,
    get: (id, options) => store.get(id, options),
    set: (id, value, options) => store.set(id, value, options),
    ids: (options) => store.users(options),
    async *all(options) {
      let ids: string[] = [];
      const read = () =>
        Promise.all(ids.map(async (id) => [id, await store.get(id, options)] as const));
      for await (const id of store.users(options)) {
        if (ids.push(id) < READ_AT_ONCE) continue;
        yield* (await read()).filter(([, value]) => value !== undefined);
        ids = [];
      }
      yield* (await read()).filter(([, value]) => value !== undefined);
    },
    async clear(options) {
      for await (const id of store.users(options)) await store.set(id, undefined, options);
    },
  };
}

function mapShelf(store: KeyvalPlusStore<unknown>, user: User): Shelf<unknown> {
  const whole = async (options?: CallOptions) => (await store.get(user, options)) ?? new Map();
  return {
    owner: user ?? "",
    get: (id, options) => store.getKey(user, id, options),
    set: (id, value, options) => store.setKey(user, id, value, options),
    async *ids(options) {
      yield* (await whole(options)).keys();
    },
    async *all(options) {
      yield* await whole(options);
    },
    clear: (options) => store.set(user, undefined, options),
  };
}

/** @throws InvalidOptionsError with all faults */
function checkOptions<T>(options: CollectionOptions<T>): void {
  const faults = Object.keys(options)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `unknown option "${name}"; known are ${KNOWN.join(", ")}`);
  const { kind = "keyval", schema, ttlMs, user } = options;
  if (kind !== "keyval" && kind !== "map") {
    faults.push(`kind is ${JSON.stringify(kind)}, allowed are "keyval" and "map"`);
  }
  if (kind === "keyval" && user !== undefined) faults.push('user is for the kind "map" only');
  if (schema !== undefined && !isSchema(schema)) {
    faults.push('schema has no "~standard" of version 1 with a function validate');
  }
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs > 0)) {
    faults.push(`ttlMs is ${String(ttlMs)}, allowed are integers above 0`);
  }
  if (faults.length > 0) throw new InvalidOptionsError("collection", faults);
}
