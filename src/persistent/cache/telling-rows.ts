/** Rows whose writes make the caches of others forget, without a cache of their own. */
import type { Budget, Place, RowsDriver, UserPage } from "../contract/driver.ts";
import type { CacheCoherence } from "./coherence.ts";

/** See the head of this file. */
export class TellingRows implements RowsDriver {
  readonly #rows: RowsDriver;
  readonly #place: Place;
  readonly #coherence: CacheCoherence;

  constructor(rows: RowsDriver, place: Place, coherence: CacheCoherence) {
    this.#rows = rows;
    this.#place = place;
    this.#coherence = coherence;
  }

  read(user: string, key: string, budget: Budget): Promise<string | undefined> {
    return this.#rows.read(user, key, budget);
  }

  readUser(user: string, budget: Budget): Promise<ReadonlyMap<string, string>> {
    return this.#rows.readUser(user, budget);
  }

  write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void> {
    return this.#tell(user, () => this.#rows.write(user, changes, budget));
  }

  replaceUser(user: string, rows: ReadonlyMap<string, string>, budget: Budget): Promise<void> {
    return this.#tell(user, () => this.#rows.replaceUser(user, rows, budget));
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#rows.users(page, budget);
  }

  readKey(
    key: string,
    page: UserPage,
    budget: Budget,
  ): Promise<readonly (readonly [string, string])[]> {
    return this.#rows.readKey(key, page, budget);
  }

  deleteKey(key: string, budget: Budget): Promise<number> {
    return this.#tell(undefined, () => this.#rows.deleteKey(key, budget));
  }

  /** Also after an error, as it may not tell whether the write was made. */
  async #tell<T>(user: string | undefined, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } finally {
      const { host, store } = this.#place;
      await this.#coherence.invalidate({ host, store, user });
    }
  }
}
