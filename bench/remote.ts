/**
 * Calls between the benchmark and its node processes, over Node's IPC channel. The parent holds
 * a `Remote`, the child says what it serves. A child whose parent is gone ends by itself.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a child can be asked for: one plain argument, one plain answer. */
export type Calls = Record<string, (argument: never) => unknown>;

type ArgumentOf<F> = F extends (argument: infer A) => unknown ? A : never;
type AnswerOf<F> = F extends (argument: never) => infer R ? Awaited<R> : never;

interface Request {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Response {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

interface Waiter {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const CALL_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 5_000;

/** A child process that serves `C`. */
export class Remote<C extends Calls> {
  readonly #child: ChildProcess;
  readonly #waiters = new Map<number, Waiter>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #gone: Error | null = null;

  /** Starts `module`, a path relative to this file. `flags` are Node's own. */
  constructor(module: string, flags: readonly string[] = []) {
    this.#child = fork(fileURLToPath(new URL(module, import.meta.url)), {
      execArgv: [...flags],
      serialization: "advanced",
    });
    this.#child.on("message", (message: Response) => this.#settle(message));
    this.#child.on("error", (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      this.#child.on("exit", (code, signal) => {
        this.#end(new Error(`${module} ended with ${signal ?? `code ${code}`}`));
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects with what the child threw, when the child ends, and after `limitMs`, default 90 s. */
  async call<N extends keyof C & string>(
    name: N,
    argument: ArgumentOf<C[N]>,
    limitMs: number = CALL_LIMIT_MS,
  ): Promise<AnswerOf<C[N]>> {
    if (this.#gone) throw this.#gone;
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
    });
    const timer = setTimeout(() => {
      this.#settle({ id, error: `${name} did not answer within ${limitMs} ms` });
    }, limitMs);
    const request: Request = { id, name, argument };
    this.#child.send(request);
    try {
      // The two sides share the type `C`; the channel itself carries anything.
      return (await answer) as AnswerOf<C[N]>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal to the child, as `kill` does. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Closes the channel, which ends the child; kills it when it does not end. */
  async stop(): Promise<void> {
    if (this.#gone) return;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
    clearTimeout(timer);
  }

  #settle({ id, answer, error }: Response): void {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    if (error === undefined) waiter?.resolve(answer);
    else waiter?.reject(new Error(error));
  }

  #end(error: Error): void {
    this.#gone ??= error;
    for (const id of [...this.#waiters.keys()]) this.#settle({ id, error: error.message });
  }
}

/** Serves calls from the parent until it is gone, then calls `stop` and ends the process. */
export function serve<C extends Calls>(calls: C, stop: () => unknown): void {
  process.on("message", async (request: Request) => {
    const response: Response = await perform(calls, request);
    if (process.connected) process.send?.(response);
  });
  process.on("disconnect", async () => {
    await stop();
    process.exit(0);
  });
}

async function perform(calls: Calls, request: Request): Promise<Response> {
  const { id, name, argument } = request;
  try {
    const call = calls[name];
    if (!call) throw new Error(`there is no call ${name}`);
    return { id, answer: await call(argument as never) };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { id, error: `${name}: ${text}` };
  }
}
