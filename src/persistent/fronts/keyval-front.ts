/** Stores of kind `keyval`: one row for each user, under the key "". */
import type { Budget, RowsDriver, UserPage } from "../contract/driver.ts";
import { checkUser } from "../contract/inputs.ts";
import type { CallOptions, KeyvalStore, User } from "../contract/kinds.ts";
import { type FrontSettings, StoreFront } from "./store-front.ts";

const KEY = "";

/** A `keyval` store on a driver. */
export class KeyvalFront<V> extends StoreFront implements KeyvalStore<V> {
  readonly #rows: RowsDriver;

  constructor(settings: FrontSettings, rows: RowsDriver) {
    super(settings);
    this.#rows = rows;
  }

  async get(user: User, options?: CallOptions): Promise<V | undefined> {
    const name = checkUser(user);
    const text = await this.#rows.read(name, KEY, this.budget(options));
    return text === undefined ? undefined : (this.decode(text, name, KEY) as V);
  }

  async set(user: User, value: V | undefined, options?: CallOptions): Promise<void> {
    const name = checkUser(user);
    const text = value === undefined ? undefined : this.encode(value);
    await this.#rows.write(name, new Map([[KEY, text]]), this.budget(options));
  }

  protected override userPage(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#rows.users(page, budget);
  }
}
