/** Users of a place, in order: each shard has a sorted set, read from one name onwards. */
import { compareBytes } from "../../contract/byte-order.ts";
import type { Budget, UserPage } from "../../contract/driver.ts";
import type { RedisClient } from "./redis-client.ts";
import type { RedisKeys } from "./redis-keys.ts";

/** The first users behind a name, over all shards. */
export async function usersPage(
  client: RedisClient,
  keys: RedisKeys,
  { after, limit }: UserPage,
  budget: Budget,
): Promise<string[]> {
  const from = after === undefined ? "-" : `(${after}`;
  const shards = await client.call("read", budget, (redis) => {
    return Promise.all(
      keys.users.map((key) => redis.zrangebylex(key, from, "+", "LIMIT", 0, limit)),
    );
  });
  return shards.flat().sort(compareBytes).slice(0, limit);
}
