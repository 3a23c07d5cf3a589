/** Rows in Redis: a hash for each user, and who has one in a sorted set for each shard. */
import { compareBytes } from "../../contract/byte-order.ts";
import type { Budget, RowsDriver, UserPage } from "../../contract/driver.ts";
import type { RedisClient } from "./redis-client.ts";
import type { RedisKeys } from "./redis-keys.ts";
import { deleteKeyOfUsers, writeRows } from "./redis-scripts.ts";
import { usersPage } from "./redis-users.ts";

/** Users that are looked at in one step. */
const USERS_STEP = 500;

/** The rows of one place. */
export class RedisRows implements RowsDriver {
  readonly #client: RedisClient;
  readonly #keys: RedisKeys;

  constructor(client: RedisClient, keys: RedisKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  async read(user: string, key: string, budget: Budget): Promise<string | undefined> {
    const { rows } = this.#keys.of(user);
    const value = await this.#client.call("read", budget, (redis) => redis.hget(rows, key));
    return value ?? undefined;
  }

  async readUser(user: string, budget: Budget): Promise<ReadonlyMap<string, string>> {
    const { rows } = this.#keys.of(user);
    // Not hgetall, which makes an object of it: its members have an order of their own.
    const flat = await this.#client.call("read", budget, (redis) => redis.call("HGETALL", rows));
    const texts = Array.isArray(flat) ? flat.map(String) : [];
    const pairs: [string, string][] = [];
    for (let at = 0; at + 1 < texts.length; at += 2) {
      pairs.push([texts[at] ?? "", texts[at + 1] ?? ""]);
    }
    return new Map(pairs.sort(([a], [b]) => compareBytes(a, b)));
  }

  write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void> {
    return this.#write(user, changes, false, budget);
  }

  replaceUser(user: string, rows: ReadonlyMap<string, string>, budget: Budget): Promise<void> {
    return this.#write(user, rows, true, budget);
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return usersPage(this.#client, this.#keys, page, budget);
  }

  async readKey(key: string, page: UserPage, budget: Budget): Promise<[string, string][]> {
    const found: [string, string][] = [];
    await this.#steps(page.after, budget, async (users) => {
      // No more values than are wanted: they may be large.
      for (let from = 0; from < users.length && found.length < page.limit; ) {
        const some = users.slice(from, from + page.limit - found.length);
        from += some.length;
        const values = await this.#client.call("read", budget, (redis) => {
          return Promise.all(some.map((user) => redis.hget(this.#keys.of(user).rows, key)));
        });
        for (const [index, value] of values.entries()) {
          if (value !== null) found.push([some[index] ?? "", value]);
        }
      }
      return found.length < page.limit;
    });
    return found;
  }

  async deleteKey(key: string, budget: Budget): Promise<number> {
    let count = 0;
    await this.#steps(undefined, budget, async (users) => {
      const shards = new Map<number, string[]>();
      for (const user of users) {
        const shard = this.#keys.shardOf(user);
        shards.set(shard, [...(shards.get(shard) ?? []), user]);
      }
      for (const some of shards.values()) {
        const keys = some.map((user) => this.#keys.of(user).rows);
        const set = this.#keys.of(some[0] ?? "").users;
        const args = [key, ...some];
        const done = await this.#client.run(
          "write",
          deleteKeyOfUsers,
          [set, ...keys],
          args,
          budget,
        );
        count += Number(done);
      }
      return true;
    });
    return count;
  }

  /** Removes all that the user has. */
  purge(user: string, budget: Budget): Promise<void> {
    return this.replaceUser(user, new Map(), budget);
  }

  async #write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    replaces: boolean,
    budget: Budget,
  ): Promise<void> {
    const { users, rows } = this.#keys.of(user);
    const pairs: string[] = [];
    const deleted: string[] = [];
    for (const [key, value] of changes) {
      if (value === undefined) deleted.push(key);
      else pairs.push(key, value);
    }
    const args = [user, replaces ? 1 : 0, pairs.length / 2, ...pairs, ...deleted];
    await this.#client.run("write", writeRows, [users, rows], args, budget);
  }

  /** Passes over all users in order, some at a time, until `act` says that it is enough. */
  async #steps(
    after: string | undefined,
    budget: Budget,
    act: (users: readonly string[]) => Promise<boolean>,
  ): Promise<void> {
    for (let from = after; ; ) {
      const users = await this.users({ after: from, limit: USERS_STEP }, budget);
      if (users.length > 0 && !(await act(users))) return;
      if (users.length < USERS_STEP) return;
      from = users.at(-1);
    }
  }
}
