/** Redis as a side: a server of our own on a free port, and one process that calls it. */
import { redis as redisServer } from "../test/servers/redis.ts";
import type { Server } from "../test/servers/server.ts";
import type { RowRange } from "./node-load.ts";
import type { RedisCalls } from "./redis-process.ts";
import { Remote } from "./remote.ts";
import { type Finished, finishedBy, type Load, type Side } from "./side.ts";

/** Rows that loads write start here, beyond those that are loaded before. */
const OFFSET = 100_000_000;

/** Whether Redis is installed here; if not, what to do. */
export function redisMissing(): string {
  if (redisServer.isInstalled()) return "";
  return `${redisServer.install} is not installed (npm run services)`;
}

/** One server without persistence and without replicas. */
export class RedisSide implements Side {
  readonly name = "Redis";
  readonly version: string;
  readonly #server: Server;
  readonly #caller: Remote<RedisCalls>;
  readonly #serverPid: number;
  #rows = 0;
  #load: Load | null = null;
  #written: RowRange = { from: 0, to: 0 };

  private constructor(
    parts: { server: Server; caller: Remote<RedisCalls> },
    facts: { pid: number; version: string },
  ) {
    this.#server = parts.server;
    this.#caller = parts.caller;
    this.#serverPid = facts.pid;
    this.version = facts.version;
  }

  static async start(): Promise<RedisSide> {
    const server = await redisServer.create();
    const caller = new Remote<RedisCalls>("./redis-process.js");
    try {
      return new RedisSide({ server, caller }, await caller.call("connect", server.port));
    } catch (error) {
      await caller.stop();
      await server.dispose();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return [this.#serverPid, this.#caller.pid];
  }

  async load(from: number, count: number): Promise<void> {
    await this.#caller.call("load", { from, count });
    this.#rows = from + count;
  }

  async start(load: Load): Promise<void> {
    this.#load = load;
    await this.#caller.call("drive", { ...load, offset: OFFSET, rows: this.#rows });
  }

  async mark(): Promise<void> {
    await this.#caller.call("mark", null);
  }

  async finish(): Promise<Finished> {
    const result = await this.#caller.call("finish", null);
    this.#written = { from: result.from, to: result.to };
    return finishedBy([result], 1);
  }

  async settle(): Promise<void> {
    const { from, to } = this.#written;
    const expected = this.#load?.kind === "delete" ? 0 : to - from;
    const held = await this.#caller.call("held", this.#written);
    if (held !== expected) throw new Error(`Redis holds ${held} of ${expected} rows`);
    await this.#caller.call("forget", this.#written);
  }

  async stop(): Promise<void> {
    await this.#caller.stop();
    await this.#server.dispose();
  }
}
