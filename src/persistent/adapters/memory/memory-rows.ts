/** Rows in the memory of this process. */
import { compareBytes } from "../../contract/byte-order.ts";
import type { RowsDriver, UserPage } from "../../contract/driver.ts";
import { ByteOrderedSet } from "../../indexes/byte-ordered-set.ts";

/** The rows of one place. */
export class MemoryRows implements RowsDriver {
  readonly #rows = new Map<string, Map<string, string>>();
  readonly #users = new ByteOrderedSet();

  async read(user: string, key: string): Promise<string | undefined> {
    return this.#rows.get(user)?.get(key);
  }

  async readUser(user: string): Promise<ReadonlyMap<string, string>> {
    const rows = [...(this.#rows.get(user) ?? [])];
    return new Map(rows.sort(([a], [b]) => compareBytes(a, b)));
  }

  async write(user: string, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    const rows = this.#rows.get(user) ?? new Map<string, string>();
    for (const [key, value] of changes) {
      if (value === undefined) rows.delete(key);
      else rows.set(key, value);
    }
    this.#put(user, rows);
  }

  async replaceUser(user: string, rows: ReadonlyMap<string, string>): Promise<void> {
    this.#put(user, new Map(rows));
  }

  async users({ after, limit }: UserPage): Promise<readonly string[]> {
    return this.#users.page(after, limit);
  }

  async readKey(key: string, { after, limit }: UserPage): Promise<[string, string][]> {
    const users = this.#users.page(after, limit, (user) => this.#rows.get(user)?.has(key) ?? false);
    return users.map((user) => [user, this.#rows.get(user)?.get(key) ?? ""]);
  }

  async deleteKey(key: string): Promise<number> {
    let count = 0;
    for (const [user, rows] of this.#rows) {
      if (!rows.delete(key)) continue;
      count++;
      this.#put(user, rows);
    }
    return count;
  }

  /** Forgets all that the user has. */
  purge(user: string): void {
    this.#put(user, new Map());
  }

  #put(user: string, rows: Map<string, string>): void {
    if (rows.size === 0) {
      this.#rows.delete(user);
      this.#users.delete(user);
    } else {
      this.#rows.set(user, rows);
      this.#users.add(user);
    }
  }
}
