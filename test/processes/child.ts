/** A node process as its parent holds it: asked over its channel, stopped and killed by signals. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Facts, Message, MirrorReport, NodePlan, Pulse, Question, Started } from "./plan.ts";

const ASK_LIMIT_MS = 20_000;
const START_LIMIT_MS = 30_000;

interface Asked {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

/** See the head of this file. */
export class Child {
  readonly plan: NodePlan;
  /** Resolves once the node listens; rejects if it does not. */
  readonly started: Promise<Started>;
  readonly #process: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  #ids = 0;
  #output = "";
  #isWanted = true;
  /** What it has told last of its writes. */
  pulse: Pulse = { acknowledged: 0, rejected: {}, longestMs: 0 };

  /** `program` is the compiled node-process.js. */
  constructor(plan: NodePlan, program: string) {
    this.plan = plan;
    this.#process = fork(program, [JSON.stringify(plan)], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: ["--expose-gc"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk) => {
        this.#output = `${this.#output}${chunk}`.slice(-4000);
      });
    }
    this.started = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.name} did not start within ${START_LIMIT_MS} ms`));
      }, START_LIMIT_MS);
      this.#process.on("message", (message: Message) => {
        if (message.kind === "pulse") {
          this.pulse = message.pulse;
          return;
        }
        if (message.kind !== "started") return this.#settle(message);
        clearTimeout(timer);
        resolve(message.started);
      });
      this.#process.on("exit", (code, signal) => {
        clearTimeout(timer);
        const error = new Error(`${this.name} ended (${signal ?? code}): ${this.#output}`);
        for (const asked of this.#asked.values()) asked.reject(error);
        reject(error);
      });
    });
    this.started.catch(() => undefined);
  }

  get name(): string {
    return this.plan.name;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** It runs, or it was ended by its parent. */
  get isAsWanted(): boolean {
    return (
      !this.#isWanted || (this.#process.exitCode === null && this.#process.signalCode === null)
    );
  }

  /** What it has printed last; a node prints nothing unless something is wrong. */
  get output(): string {
    return this.#output;
  }

  ask(question: Question): Promise<unknown> {
    const id = this.#ids++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        reject(new Error(`${this.name} did not answer "${question.kind}"`));
      }, ASK_LIMIT_MS);
      this.#asked.set(id, { resolve, reject, timer });
      this.#process.send({ id, question }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async facts(): Promise<Facts> {
    return (await this.ask({ kind: "facts" })) as Facts;
  }

  /** Bytes in use after a collection of garbage. */
  async memory(): Promise<number> {
    return Number(await this.ask({ kind: "memory" }));
  }

  async elections(): Promise<Readonly<Record<string, { n: number; by: string }>>> {
    return (await this.ask({ kind: "elections" })) as Record<string, { n: number; by: string }>;
  }

  async mirrors(): Promise<readonly MirrorReport[]> {
    return (await this.ask({ kind: "mirrors" })) as MirrorReport[];
  }

  /** Rows of an incarnation in tables of lifetime `node`: shown, and stored at all. */
  async owned(origin: number): Promise<{ shown: number; stored: number }> {
    return (await this.ask({ kind: "owned", origin })) as { shown: number; stored: number };
  }

  /** Stops it in mid-flight: its sockets stay open, and nobody answers. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  #settle(message: Extract<Message, { id: number }>): void {
    const asked = this.#asked.get(message.id);
    if (asked === undefined) return;
    this.#asked.delete(message.id);
    clearTimeout(asked.timer);
    if (message.kind === "answer") asked.resolve(message.answer);
    else asked.reject(new Error(`${this.name}: ${message.error}`));
  }
}

/** The node's program, beside this file; of a caller that was not compiled, under build/. */
export function nodeProgram(): string {
  const here = fileURLToPath(new URL("node-process.js", import.meta.url));
  return here.includes("/build/")
    ? here
    : here.replace("/test/processes/", "/build/test/processes/");
}
