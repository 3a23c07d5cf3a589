/** Opens a back end by a URL: what the commands that move stores are given. */
import { InvalidOptionsError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import { migrate } from "../../sql/migrations/migrate.ts";
import { openSqlDatabase } from "../../sql/open.ts";
import { FileAdapter } from "../adapters/file/file-adapter.ts";
import { RedisAdapter } from "../adapters/redis/redis-adapter.ts";
import { SqlAdapter } from "../adapters/sql/sql-adapter.ts";
import type { Budget, StoreAdapter } from "../contract/driver.ts";
import { STORE_MIGRATIONS, STORE_PREFIX } from "../migrations/store-migrations.ts";

/** What is allowed, for messages. */
export const STORE_URLS =
  "file:FOLDER, sqlite:FILE, postgres://, mysql://, mariadb://, cockroachdb:// or redis://";

const REDIS = /^rediss?:\/\//i;
const BUDGET: Budget = { timeoutMs: 30_000, signal: undefined };

/** A back end that is open. */
export interface OpenedStores {
  readonly adapter: StoreAdapter;
  /** Names it in messages and notes: without user and password. */
  readonly subject: string;
}

export interface OpenSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Connects; the tables of an SQL database are made if they are not there.
 * @throws InvalidOptionsError for a URL that names no back end that keeps anything
 */
export async function openByUrl(
  url: string,
  surroundings: OpenSurroundings,
): Promise<OpenedStores> {
  const { log, clock } = surroundings;
  if (url.startsWith("file:")) {
    const folder = url.slice("file:".length).replace(/^\/\/(?=\/)/, "");
    if (folder === "" || folder.startsWith("//")) {
      throw new InvalidOptionsError("stores", ["url: file: names no folder; allowed is file:PATH"]);
    }
    return opened(new FileAdapter({ folder, log }), `files in ${folder}`);
  }
  if (REDIS.test(url)) return opened(new RedisAdapter({ url, log }), redisSubject(url));
  if (!/^(sqlite:|[a-z]+:\/\/)/i.test(url)) {
    throw new InvalidOptionsError("stores", [
      `url: has no known scheme, allowed is ${STORE_URLS}; with a configuration also the name of ` +
        "a connection",
    ]);
  }
  const database = await openSqlDatabase({ database: url }, surroundings);
  try {
    const migrations = STORE_MIGRATIONS;
    await migrate({ database, migrations, prefix: STORE_PREFIX, ...surroundings });
    return await opened(new SqlAdapter({ open: async () => database, clock }), database.subject);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function opened(adapter: StoreAdapter, subject: string): Promise<OpenedStores> {
  await adapter.open(BUDGET);
  return { adapter, subject };
}

/** Where a Redis is. What cannot be read was refused when the adapter was made. */
export function redisSubject(url: string): string {
  const { host, pathname } = new URL(url);
  return `Redis at ${host}${pathname}`;
}
