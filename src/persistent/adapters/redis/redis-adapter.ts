/**
 * Stores in Redis or Valkey, one server or a cluster: shared by all processes, as durable as the
 * server is set to be. No command looks through all keys.
 */
import { type Log, silentLog } from "../../../runtime.ts";
import { type Capabilities, EVERYTHING } from "../../contract/capabilities.ts";
import {
  type ArchiveDriver,
  type Budget,
  PLACE_KINDS,
  type Place,
  type RowsDriver,
  type StoreAdapter,
} from "../../contract/driver.ts";
import { kindConflict } from "../../indexes/place-kinds.ts";
import { RedisArchive } from "./redis-archive.ts";
import { RedisClient } from "./redis-client.ts";
import { RedisKeys } from "./redis-keys.ts";
import { RedisLeases } from "./redis-leases.ts";
import { checkRedisOptions, type RedisOptions } from "./redis-options.ts";
import { RedisRows } from "./redis-rows.ts";

/** Places that one step of a listing asks for. */
const PLACES_STEP = 500;

/** The adapter "redis". */
export class RedisAdapter implements StoreAdapter {
  readonly name = "redis";
  readonly capabilities: Capabilities = {
    ...EVERYTHING,
    isPersistent: true,
    isShared: true,
  };
  readonly leases: RedisLeases;
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #log: Log;

  /** @throws InvalidOptionsError */
  constructor(options: RedisOptions) {
    const checked = checkRedisOptions(options);
    this.#log = options.log ?? silentLog;
    this.#prefix = checked.prefix;
    this.#client = new RedisClient(checked, this.#log);
    this.leases = new RedisLeases(this.#client, checked.prefix);
  }

  async open(budget: Budget): Promise<void> {
    try {
      await this.#client.connect(budget);
      await this.#warn(budget);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async ping(budget: Budget): Promise<void> {
    await this.#client.call("read", budget, (redis) => redis.ping());
  }

  async openRows(place: Place, budget: Budget): Promise<RowsDriver> {
    await this.#claim(place, budget);
    return new RedisRows(this.#client, new RedisKeys(this.#prefix, place));
  }

  async openArchive(place: Place, budget: Budget): Promise<ArchiveDriver> {
    await this.#claim(place, budget);
    return new RedisArchive(this.#client, new RedisKeys(this.#prefix, place));
  }

  async places(host: string | undefined, budget: Budget): Promise<readonly Place[]> {
    // A scan may name one twice.
    const found = new Map<string, Place>();
    let cursor = "0";
    do {
      const [next, flat] = await this.#client.call("read", budget, (redis) => {
        return redis.hscan(this.#places, cursor, "COUNT", PLACES_STEP);
      });
      for (let at = 0; at < flat.length; at += 2) {
        const place = placeOf(flat[at] ?? "", flat[at + 1] ?? "");
        if (place === undefined || (host !== undefined && place.host !== host)) continue;
        found.set(flat[at] ?? "", place);
      }
      cursor = next;
    } while (cursor !== "0");
    return [...found.values()];
  }

  async purge(host: string, user: string, budget: Budget): Promise<void> {
    for (const place of await this.places(host, budget)) {
      const keys = new RedisKeys(this.#prefix, place);
      const Driver = place.kind === "archive" ? RedisArchive : RedisRows;
      await new Driver(this.#client, keys).purge(user, budget);
    }
  }

  /** A hash: host and store to kind. */
  get #places(): string {
    return `${this.#prefix}places`;
  }

  /** The first one decides about the kind. */
  async #claim(place: Place, budget: Budget): Promise<void> {
    const name = `${place.store}@${place.host}`;
    const kind = await this.#client.call("write", budget, async (redis) => {
      await redis.hsetnx(this.#places, name, place.kind);
      return redis.hget(this.#places, name);
    });
    if (kind !== null && kind !== place.kind) throw kindConflict(place, kind);
  }

  /** A server that forgets is no place for persistent data: said once, not refused. */
  async #warn(budget: Budget): Promise<void> {
    const info = await this.#client.call("read", budget, (redis) => redis.info());
    const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
    const policy = of("maxmemory_policy");
    if (policy !== undefined && policy !== "noeviction" && of("maxmemory") !== "0") {
      this.#log.warn({ policy }, "Redis evicts data when its memory is full");
    }
    if (of("aof_enabled") === "0") {
      this.#log.warn({}, "Redis has no append-only file: a crash loses what was written last");
    }
  }
}

/** The name of a store has no "@". */
function placeOf(name: string, kind: string): Place | undefined {
  const at = name.indexOf("@");
  const known = PLACE_KINDS.find((each) => each === kind);
  if (at < 0 || known === undefined) return undefined;
  return { host: name.slice(at + 1), store: name.slice(0, at), kind: known };
}
