/**
 * Names of keys. A place is divided into sixteen shards by its users' names; all keys of a shard
 * have one hash tag, so that a cluster keeps them on one node and a script may use them together.
 */
import { crc32 } from "node:zlib";
import type { Place } from "../../contract/driver.ts";

/** Part of the format: a client with another number would not find the data. */
export const SHARDS = 16;

/** The keys of one place. */
export class RedisKeys {
  readonly #start: string;

  constructor(prefix: string, place: Place) {
    // Encoded, so that no brace of a host's name ends the tag.
    this.#start = `${prefix}{${encodeURIComponent(place.host)}/${place.store}`;
  }

  /** Each shard's sorted set of users that have data. */
  get users(): string[] {
    return Array.from({ length: SHARDS }, (_, shard) => `${this.#start}/${shard}}:users`);
  }

  /** The number of the user's shard. */
  shardOf(user: string): number {
    return crc32(user) % SHARDS;
  }

  /** The keys for one user. */
  of(user: string) {
    const tag = `${this.#start}/${this.shardOf(user)}}:`;
    return {
      /** Sorted set, scores 0: the shard's users that have data. */
      users: `${tag}users`,
      /** Hash: key to value. */
      rows: `${tag}rows:${user}`,
      /** Number: the last position that was given. */
      last: `${tag}last`,
      /** Sorted set: an archive's keys by position. */
      order: `${tag}order:${user}`,
      /** Hash: key to time, 19 digits, and correspondent. */
      about: `${tag}about:${user}`,
      /** Hash: key to value. */
      values: `${tag}values:${user}`,
    };
  }
}
