/** What has to be one step in Redis, as scripts. Each uses the keys that it is given, of one slot. */
import { script } from "./redis-client.ts";

/** KEYS users rows; ARGV user, "1" to delete all first, count of pairs, pairs, keys to delete. */
export const writeRows = script(`
if ARGV[2] == '1' then redis.call('DEL', KEYS[2]) end
local pairs_end = 3 + 2 * tonumber(ARGV[3])
for i = 4, pairs_end, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = pairs_end + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('ZADD', KEYS[1], 0, ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return 1`);

/** KEYS users, rows of each user; ARGV key, users. Resolves with how many had the key. */
export const deleteKeyOfUsers = script(`
local count = 0
for i = 2, #KEYS do
  count = count + redis.call('HDEL', KEYS[i], ARGV[1])
  if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return count`);

/** KEYS users last order about values; ARGV user, then key, about and value of each item. */
export const appendItems = script(`
local count = (#ARGV - 1) / 3
local position = redis.call('INCRBY', KEYS[2], count) - count
for i = 2, #ARGV, 3 do
  position = position + 1
  redis.call('ZADD', KEYS[3], string.format('%.0f', position), ARGV[i])
  redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
  redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 2])
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return position`);

/**
 * KEYS order about values; ARGV least and greatest position, "1" for reverse, how many to look at,
 * how many to find, how many bytes of values, "1" and a correspondent, least and greatest time
 * ("" for none). Resolves with whether the end was reached, the last position looked at, and key,
 * position, about and value of each item found.
 */
export const scanItems = script(`
local from, to, reverse = ARGV[1], ARGV[2], ARGV[3] == '1'
local looks, limit, bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local with_values = bytes > 0
local reply, last = {}, ''
while true do
  local step = math.min(looks, 200)
  local page
  if reverse then
    page = redis.call('ZREVRANGEBYSCORE', KEYS[1], to, from, 'WITHSCORES', 'LIMIT', 0, step)
  else
    page = redis.call('ZRANGEBYSCORE', KEYS[1], from, to, 'WITHSCORES', 'LIMIT', 0, step)
  end
  for i = 1, #page, 2 do
    local key, about = page[i], redis.call('HGET', KEYS[2], page[i])
    last = page[i + 1]
    local at, peer = string.sub(about, 1, 19), string.sub(about, 20)
    if (ARGV[7] ~= '1' or peer == ARGV[8]) and (ARGV[9] == '' or at >= ARGV[9])
        and (ARGV[10] == '' or at <= ARGV[10]) then
      local value = ''
      if with_values then value = redis.call('HGET', KEYS[3], key) end
      local n = #reply
      reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = key, last, about, value
      limit, bytes = limit - 1, bytes - #value
      if limit == 0 or (with_values and bytes <= 0) then return {0, last, reply} end
    end
  end
  if #page < 2 * step then return {1, last, reply} end
  looks = looks - step
  if looks == 0 then return {0, last, reply} end
  if reverse then to = '(' .. last else from = '(' .. last end
end`);

/** KEYS order about values; ARGV "1" for values, keys. As scanItems, for those that are there. */
export const pickItems = script(`
local reply = {}
for i = 2, #ARGV do
  local position = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if position then
    local value = ''
    if ARGV[1] == '1' then value = redis.call('HGET', KEYS[3], ARGV[i]) end
    local n = #reply
    reply[n + 1], reply[n + 2] = ARGV[i], position
    reply[n + 3], reply[n + 4] = redis.call('HGET', KEYS[2], ARGV[i]), value
  end
end
return reply`);

/** KEYS order about values; ARGV key, value, "1" and a time, "1" and a correspondent. */
export const updateItem = script(`
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local about = redis.call('HGET', KEYS[2], ARGV[1])
local at, peer = string.sub(about, 1, 19), string.sub(about, 20)
if ARGV[3] == '1' then at = ARGV[4] end
if ARGV[5] == '1' then peer = ARGV[6] end
redis.call('HSET', KEYS[2], ARGV[1], at .. peer)
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
return 1`);

/** KEYS users order about values; ARGV user, key and position of each: gone unless it has moved. */
export const removeItems = script(`
local count = 0
for i = 2, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', KEYS[2], ARGV[i])
    redis.call('HDEL', KEYS[3], ARGV[i])
    redis.call('HDEL', KEYS[4], ARGV[i])
    count = count + 1
  end
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return count`);

/** KEYS users order about values; ARGV user. All items of the user. */
export const clearItems = script(`
local count = redis.call('ZCARD', KEYS[2])
redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[1], ARGV[1])
return count`);

/** KEYS users order about values; ARGV user, how many to keep, how many to remove at most. */
export const trimItems = script(`
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[2])
local count = math.min(surplus, tonumber(ARGV[3]))
if count <= 0 then return 0 end
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, count - 1)) do
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[4], key)
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, count - 1)
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return count`);
