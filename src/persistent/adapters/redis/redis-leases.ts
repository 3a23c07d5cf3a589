/** Leases in Redis, by its clock: who has what, until when. */
import type { Budget } from "../../contract/driver.ts";
import type { Lease, Leases } from "../../contract/leases.ts";
import { type RedisClient, script } from "./redis-client.ts";

const LIST_MAX = 1000;

/** Milliseconds since the epoch, as Redis sees it. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS names holders ends; ARGV name, holder, ms. Resolves with the holder and what is left. */
const take = script(`${NOW}
local name, holder = ARGV[1], redis.call('HGET', KEYS[2], ARGV[1])
local left = tonumber(redis.call('HGET', KEYS[3], name) or 0) - now
if holder and holder ~= ARGV[2] and left > 0 then return {holder, left} end
redis.call('ZADD', KEYS[1], 0, name)
redis.call('HSET', KEYS[2], name, ARGV[2])
redis.call('HSET', KEYS[3], name, string.format('%.0f', now + ARGV[3]))
return {ARGV[2], tonumber(ARGV[3])}`);

/** KEYS names holders ends; ARGV name, holder. */
const release = script(`
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[3], ARGV[1])`);

/** KEYS names holders ends; ARGV prefix, limit. Name, holder and what is left of each. */
const list = script(`${NOW}
local reply = {}
local from, to, step = '[' .. ARGV[1], '[' .. ARGV[1] .. '\\255', 200
while true do
  local names = redis.call('ZRANGEBYLEX', KEYS[1], from, to, 'LIMIT', 0, step)
  for _, name in ipairs(names) do
    local left = tonumber(redis.call('HGET', KEYS[3], name)) - now
    if left > 0 then
      reply[#reply + 1] = {name, redis.call('HGET', KEYS[2], name), left}
      if #reply == tonumber(ARGV[2]) then return reply end
    else
      redis.call('ZREM', KEYS[1], name)
      redis.call('HDEL', KEYS[2], name)
      redis.call('HDEL', KEYS[3], name)
    end
  end
  if #names < step then return reply end
  from = '(' .. names[#names]
end`);

/** See the head of this file. */
export class RedisLeases implements Leases {
  readonly #client: RedisClient;
  readonly #keys: readonly string[];

  constructor(client: RedisClient, prefix: string) {
    this.#client = client;
    this.#keys = ["names", "holders", "ends"].map((part) => `${prefix}{leases}:${part}`);
  }

  async take(name: string, holder: string, ttlMs: number, budget: Budget): Promise<Lease> {
    const args = [name, holder, ttlMs];
    const reply = await this.#client.run("write", take, this.#keys, args, budget);
    const [other, leftMs] = Array.isArray(reply) ? reply : [];
    return { name, holder: String(other), leftMs: Number(leftMs) };
  }

  async release(name: string, holder: string, budget: Budget): Promise<void> {
    await this.#client.run("write", release, this.#keys, [name, holder], budget);
  }

  async list(prefix: string, budget: Budget): Promise<readonly Lease[]> {
    const reply = await this.#client.run("read", list, this.#keys, [prefix, LIST_MAX], budget);
    const leases: unknown[] = Array.isArray(reply) ? reply : [];
    return leases.map((each) => {
      const [name, holder, leftMs] = Array.isArray(each) ? each : [];
      return { name: String(name), holder: String(holder), leftMs: Number(leftMs) };
    });
  }
}
