/** Stores of the kinds `map` and `keyval+`: the same rows, by key and as a whole. */
import { InvalidArgumentError, TooLargeError } from "../../errors.ts";
import type { Budget, RowsDriver, UserPage } from "../contract/driver.ts";
import { CHANGES_MAX, checkKey, checkUser } from "../contract/inputs.ts";
import type { CallOptions, KeyvalPlusStore, MapStore, User } from "../contract/kinds.ts";
import { type FrontSettings, StoreFront } from "./store-front.ts";

/** What both kinds do, under names of its own. */
class RowsFront<V> extends StoreFront {
  protected readonly rows: RowsDriver;

  constructor(settings: FrontSettings, rows: RowsDriver) {
    super(settings);
    this.rows = rows;
  }

  async setKeys(
    user: User,
    changes: ReadonlyMap<string, V | undefined>,
    options?: CallOptions,
  ): Promise<void> {
    const name = checkUser(user);
    checkChanges("changes", changes);
    const texts = this.encodeAll(changes);
    const budget = this.budget(options);
    if (texts.size > 0) await this.rows.write(name, texts, budget);
  }

  protected async getOne(user: User, key: string, options?: CallOptions): Promise<V | undefined> {
    const name = checkUser(user);
    checkKey(key);
    const text = await this.rows.read(name, key, this.budget(options));
    return text === undefined ? undefined : (this.decode(text, name, key) as V);
  }

  protected async setOne(
    user: User,
    key: string,
    value: V | undefined,
    options?: CallOptions,
  ): Promise<void> {
    const name = checkUser(user);
    checkKey(key);
    const text = value === undefined ? undefined : this.encode(value);
    await this.rows.write(name, new Map([[key, text]]), this.budget(options));
  }

  protected async *getOfAll(
    key: string,
    options?: CallOptions,
  ): AsyncGenerator<readonly [User, V], void, undefined> {
    checkKey(key);
    const pages = this.pagesOfKey(options, (page, budget) => this.rows.readKey(key, page, budget));
    for await (const [user, text] of pages) {
      yield [user === "" ? null : user, this.decode(text, user, key) as V];
    }
  }

  protected async deleteOfAll(key: string, options?: CallOptions): Promise<number> {
    checkKey(key);
    return this.rows.deleteKey(key, this.budget(options));
  }

  protected override userPage(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.rows.users(page, budget);
  }
}

/** A `map` store on a driver. */
export class MapFront<V> extends RowsFront<V> implements MapStore<V> {
  get(user: User, key: string, options?: CallOptions): Promise<V | undefined> {
    return this.getOne(user, key, options);
  }

  set(user: User, key: string, value: V | undefined, options?: CallOptions): Promise<void> {
    return this.setOne(user, key, value, options);
  }

  getAll(key: string, options?: CallOptions): AsyncIterable<readonly [User, V]> {
    return this.getOfAll(key, options);
  }

  deleteAll(key: string, options?: CallOptions): Promise<number> {
    return this.deleteOfAll(key, options);
  }
}

/** A `keyval+` store on a driver. */
export class KeyvalPlusFront<V> extends RowsFront<V> implements KeyvalPlusStore<V> {
  async get(user: User, options?: CallOptions): Promise<ReadonlyMap<string, V> | undefined> {
    const name = checkUser(user);
    const texts = await this.rows.readUser(name, this.budget(options));
    if (texts.size === 0) return undefined;
    const values = new Map<string, V>();
    for (const [key, text] of texts) values.set(key, this.decode(text, name, key) as V);
    return values;
  }

  async set(
    user: User,
    values: ReadonlyMap<string, V> | undefined,
    options?: CallOptions,
  ): Promise<void> {
    const name = checkUser(user);
    if (values !== undefined) checkChanges("values", values);
    const rows = new Map<string, string>();
    for (const [key, text] of this.encodeAll(values ?? new Map())) {
      if (text === undefined) {
        const shown = JSON.stringify(key.slice(0, 40));
        throw new InvalidArgumentError(`values has undefined under ${shown}; leave the key out`);
      }
      rows.set(key, text);
    }
    await this.rows.replaceUser(name, rows, this.budget(options));
  }

  getKey(user: User, key: string, options?: CallOptions): Promise<V | undefined> {
    return this.getOne(user, key, options);
  }

  setKey(user: User, key: string, value: V | undefined, options?: CallOptions): Promise<void> {
    return this.setOne(user, key, value, options);
  }

  getKeyFromAll(key: string, options?: CallOptions): AsyncIterable<readonly [User, V]> {
    return this.getOfAll(key, options);
  }

  deleteKeyFromAll(key: string, options?: CallOptions): Promise<number> {
    return this.deleteOfAll(key, options);
  }
}

function checkChanges(what: string, changes: ReadonlyMap<string, unknown>): void {
  if (!(changes instanceof Map)) throw new InvalidArgumentError(`${what} is no Map of keys`);
  if (changes.size > CHANGES_MAX) {
    throw new TooLargeError(`${what} has ${changes.size} keys; at most ${CHANGES_MAX}`);
  }
  for (const key of changes.keys()) checkKey(key);
}
