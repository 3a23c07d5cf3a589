/**
 * Sessions in Redis, as a chat server keeps them: a hash for each user, a field for each of its
 * resources, the session as JSON. So each of set, get, all of a user and delete is one command.
 * One connection by ioredis, which sends the commands of a turn of the event loop at once.
 */
import { Redis } from "ioredis";
import { type Calls, ClosedLoop, type LoopResult } from "./loop.ts";
import type { RowRange } from "./node-load.ts";
import { serve } from "./remote.ts";
import { DOMAIN, keyOf, ROWS_PER_USER, type Session, sessionOf, userOf } from "./session-rows.ts";
import type { Load } from "./side.ts";

/** A type and no interface, because only types fit the index of `Calls`. */
export type RedisCalls = {
  /** Answers with the server's process and version. */
  connect(port: number): Promise<{ pid: number; version: string }>;
  load(rows: { from: number; count: number }): Promise<void>;
  /** Reads are of the first `rows` rows, writes of fresh rows from `offset` on. */
  drive(drive: Load & { offset: number; rows: number }): void;
  mark(_: null): void;
  finish(_: null): Promise<LoopResult & RowRange>;
  /** How many of these rows Redis holds. */
  held(rows: RowRange): Promise<number>;
  forget(rows: RowRange): Promise<void>;
};

const ROWS_PER_TURN = 3000;

let redis: Redis;
let loop: ClosedLoop | undefined;
let written: RowRange = { from: 0, to: 0 };
let seed = 1;

const calls: RedisCalls = {
  async connect(port) {
    redis = new Redis({ host: "127.0.0.1", port, enableAutoPipelining: true });
    const info = await redis.info("server");
    const field = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1] ?? "";
    return { pid: Number(field("process_id")), version: field("redis_version") };
  },

  async load({ from, count }) {
    for (let row = from; row < from + count; row += ROWS_PER_TURN) {
      const rows = Math.min(ROWS_PER_TURN, from + count - row);
      await Promise.all(Array.from({ length: rows }, (_, at) => set(row + at)));
    }
  },

  drive({ offset, rows, ...load }) {
    written = { from: offset, to: offset };
    loop = new ClosedLoop(load.callers, callsOf(load, rows, written));
  },

  mark() {
    loop?.mark();
  },

  async finish() {
    if (!loop) throw new Error("nothing was started");
    return { ...(await loop.finish()), ...written };
  },

  async held(rows) {
    let sum = 0;
    await eachUser(rows, async (user) => {
      const held = await redis.hlen(user);
      sum += held;
    });
    return sum;
  },

  async forget(rows) {
    await eachUser(rows, (user) => redis.unlink(user));
  },
};

function callsOf({ kind }: Load, rows: number, range: RowRange): Calls {
  switch (kind) {
    case "set":
      return { call: () => set(range.to++) };
    case "delete":
      return {
        call: () => Promise.reject(new Error("a delete is prepared")),
        async prepare() {
          const row = range.to++;
          await set(row);
          return () => redis.hdel(hashOf(row), fieldOf(row));
        },
      };
    case "get":
      return { call: () => get(random(rows)) };
    case "prefix":
      return { call: () => ofUser(random(rows)) };
    case "pipelined":
    case "insertNew":
      throw new Error(`${kind} is not compared with Redis`);
  }
}

function set(row: number): Promise<number> {
  return redis.hset(hashOf(row), fieldOf(row), JSON.stringify(sessionOf(row)));
}

async function get(row: number): Promise<Session> {
  const text = await redis.hget(hashOf(row), fieldOf(row));
  if (text === null) throw new Error(`Redis has no row ${row}`);
  return JSON.parse(text);
}

async function ofUser(row: number): Promise<Session[]> {
  const fields = await redis.hgetall(hashOf(row));
  const sessions = Object.values(fields).map((text): Session => JSON.parse(text));
  if (sessions.length === 0) throw new Error(`Redis has no sessions of the user of row ${row}`);
  return sessions;
}

async function eachUser(
  { from, to }: RowRange,
  act: (user: string) => Promise<unknown>,
): Promise<void> {
  for (let first = from; first < to; first += ROWS_PER_TURN) {
    const users = new Set<string>();
    for (let row = first; row < Math.min(to, first + ROWS_PER_TURN); row++) users.add(hashOf(row));
    // A user at the edge of two turns belongs to the first one.
    if (first > from && first % ROWS_PER_USER !== 0) users.delete(hashOf(first));
    await Promise.all([...users].map(act));
  }
}

function hashOf(row: number): string {
  return `sessions:${userOf(row)}@${DOMAIN}`;
}

function fieldOf(row: number): string {
  return keyOf(row)[2];
}

function random(below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return seed % below;
}

serve(calls, () => redis?.disconnect());
