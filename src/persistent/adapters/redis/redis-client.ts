/**
 * One connection to Redis (or one to each node of a cluster) that comes back by itself. A call
 * waits for it as long as its budget allows. No command is sent twice: whether a write whose
 * answer was lost has been made is not known, and its caller is told so.
 */
import { createHash } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import {
  AbortedError,
  CommitUnknownError,
  NotRunningError,
  OverloadedError,
  SkeinError,
  UnavailableError,
  UnsupportedError,
} from "../../../errors.ts";
import type { Log } from "../../../runtime.ts";
import type { Budget } from "../../contract/driver.ts";
import type { CheckedRedisOptions } from "./redis-options.ts";

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;
/** How long a close waits for calls that are under way, ms. */
const CLOSE_MS_MAX = 5000;

/** A Lua script, by its text and its digest. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/** A script from its text. */
export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** Whether a call changes something: decides what a lost answer means. */
export type CallKind = "read" | "write";

/** The connection. */
export class RedisClient {
  readonly #client: Redis | Cluster;
  readonly #name: string;
  readonly #callsMax: number;
  readonly #log: Log;
  #calls = 0;
  #isClosed = false;
  #lastError: Error | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: CheckedRedisOptions, log: Log) {
    this.#client = clientOf(options);
    this.#name = options.nodes.map((node) => node.name).join(", ");
    this.#callsMax = options.callsMax;
    this.#log = log;
    this.#client.on("error", (error: Error) => this.#note(error));
    this.#client.on("ready", () => this.#log.info({ server: this.#name }, "Redis connected"));
  }

  /** @throws UnavailableError, UnsupportedError if the server refuses us */
  async connect(budget: Budget): Promise<void> {
    // What becomes of it shows in the client's events.
    this.#client.connect().catch((error: Error) => this.#note(error));
    await this.call("read", budget, (client) => client.ping());
  }

  /** Lets calls that are under way settle for a while, then hangs up. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#calls > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS_MAX);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#client.disconnect();
  }

  /** Runs a script, which the server has already or is given. */
  run(
    kind: CallKind,
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    budget: Budget,
  ): Promise<unknown> {
    // The call's own end counts, not the clock: timers may fire a moment before their time.
    let isOver = false;
    const answer = this.call(kind, budget, async (client) => {
      try {
        return await client.evalsha(script.sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        // Nobody waits any more: a write that comes now could undo a later one.
        if (isOver) throw error;
        return client.eval(script.lua, keys.length, ...keys, ...args);
      }
    });
    return answer.finally(() => {
      isOver = true;
    });
  }

  /** Makes a call within its budget. */
  async call<T>(
    kind: CallKind,
    budget: Budget,
    act: (client: Redis | Cluster) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) throw new NotRunningError("the stores in Redis are closed");
    if (this.#calls >= this.#callsMax) {
      throw new OverloadedError(`${this.#callsMax} calls wait for Redis already (callsMax)`);
    }
    const deadline = performance.now() + budget.timeoutMs;
    this.#calls++;
    try {
      await this.#whenReady(budget);
      const leftMs = Math.max(1, deadline - performance.now());
      return await this.#answer(kind, budget, leftMs, act(this.#client));
    } finally {
      if (--this.#calls === 0) this.#onIdle?.();
    }
  }

  async #whenReady(budget: Budget): Promise<void> {
    if (this.#client.status === "ready") return;
    let onReady = () => {};
    const ready = new Promise<void>((resolve) => {
      onReady = resolve;
      this.#client.on("ready", onReady);
    });
    try {
      await limited(budget, budget.timeoutMs, ready, (why) =>
        this.#unavailable(`no connection ${why}`),
      );
    } finally {
      this.#client.off("ready", onReady);
    }
  }

  async #answer<T>(kind: CallKind, budget: Budget, leftMs: number, answer: Promise<T>): Promise<T> {
    try {
      return await limited(budget, leftMs, answer, (why) => {
        if (kind === "read") return this.#unavailable(`no answer ${why}`);
        return new CommitUnknownError(`Redis (${this.#name}) gave no answer to a write ${why}`);
      });
    } catch (error) {
      if (error instanceof SkeinError) throw error;
      throw this.#translate(kind, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #translate(kind: CallKind, given: Error): SkeinError {
    const error = withoutCommand(given);
    const reply = given.name === "ReplyError" ? (/^[A-Z]+/.exec(given.message)?.[0] ?? "") : "";
    if (["NOPERM", "NOAUTH", "WRONGPASS"].includes(reply)) {
      return new UnsupportedError(`Redis (${this.#name}) refuses: ${error.message}`, {
        cause: error,
      });
    }
    // A reply says that nothing was done; without one, on a broken connection, nobody knows.
    if (kind === "write" && reply === "") {
      return new CommitUnknownError(`the connection to Redis (${this.#name}) broke in a write`, {
        cause: error,
      });
    }
    return this.#unavailable(error.message, error);
  }

  #unavailable(what: string, cause = this.#lastError): UnavailableError {
    return new UnavailableError(`Redis (${this.#name}): ${what}`, { cause });
  }

  #note(error: Error): void {
    const plain = withoutCommand(error);
    // Said once for each reason, not at each attempt to connect.
    if (plain.message !== this.#lastError?.message) {
      this.#log.warn({ server: this.#name, error: plain.message }, "trouble with Redis");
    }
    this.#lastError = plain;
  }
}

function clientOf(options: CheckedRedisOptions): Redis | Cluster {
  const { nodes, isCluster, connectTimeoutMs, silenceTimeoutMs } = options;
  const [first] = nodes;
  if (first === undefined) throw new TypeError("no node");
  const retryStrategy = (times: number) => Math.min(RETRY_MS_MIN * 2 ** (times - 1), RETRY_MS_MAX);
  const shared = {
    lazyConnect: true,
    // Replies of one form, whatever the server speaks.
    protocol: 2 as const,
    connectTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  };
  if (!isCluster) {
    return new Redis({
      ...first.options,
      ...shared,
      retryStrategy,
      // A server that became a replica refuses writes: its name may lead to the new master.
      reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    });
  }
  const { host: _host, port: _port, db: _db, ...credentials } = first.options;
  return new Cluster(
    nodes.map(({ options: { host, port } }) => ({ host, port })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: retryStrategy,
      redisOptions: { ...credentials, ...shared },
    },
  );
}

/** The client's errors carry the command, with its arguments: a password, or a user's data. */
function withoutCommand(error: Error): Error {
  const plain = new Error(error.message);
  plain.name = error.name;
  return plain;
}

/**
 * The promise's outcome, or an error when what is left of the budget is over or the signal fires.
 * The error names the whole budget, which is the number that the caller knows.
 */
function limited<T>(
  { timeoutMs, signal }: Budget,
  leftMs: number,
  promise: Promise<T>,
  late: (why: string) => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => {
      end();
      reject(new AbortedError("the call's signal fired", { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      end();
      reject(late(`within ${timeoutMs} ms`));
    }, leftMs);
    signal?.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(end);
  });
}
