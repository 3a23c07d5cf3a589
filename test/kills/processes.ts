/**
 * Processes that wait for a task. One more than is needed is always being started, so that nobody
 * waits for a program to load; one that was not killed is given the next task.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Answer, Task } from "./place-names.ts";

const END_LIMIT_MS = 60_000;
const OUTPUT_MAX = 2_000;

/** How a task ended. */
export interface Ended {
  readonly isKilled: boolean;
  /** From its beginning, when it was connected, ms. */
  readonly tookMs: number;
  /** Undefined if it was killed, or is done. */
  readonly error: string | undefined;
}

/** See the head of this file. */
export class Processes {
  readonly #program: string;
  readonly #idle: Victim[] = [];

  constructor(program: string) {
    this.#program = program;
  }

  /** Lets a process do a task; killed so long after it began, ms; undefined: not at all. */
  async run(task: Task, killAfterMs: number | undefined): Promise<Ended> {
    const victim = this.#idle.shift() ?? new Victim(this.#program);
    if (this.#idle.length === 0) this.#idle.push(new Victim(this.#program));
    const ended = await victim.run(task, killAfterMs);
    if (victim.isAlive) this.#idle.unshift(victim);
    return ended;
  }

  /** Ends all of them. */
  close(): void {
    for (const victim of this.#idle) victim.kill();
  }
}

/** One process. */
class Victim {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly #exit: Promise<unknown>;
  #output = "";

  constructor(program: string) {
    this.#child = fork(program, [], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk) => {
        this.#output = `${this.#output}${chunk}`.slice(-OUTPUT_MAX);
      });
    }
    this.#exit = once(this.#child, "exit");
    this.#ready = Promise.race([once(this.#child, "message"), this.#exit]);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async run(task: Task, killAfterMs: number | undefined): Promise<Ended> {
    await this.#ready;
    let startMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    let isKilled = false;
    let error: string | undefined;
    const done = new Promise<void>((resolve) => {
      this.#child.on("message", (answer: Answer) => {
        if (answer === "begun") {
          startMs = performance.now();
          if (killAfterMs === undefined) return;
          timer = setTimeout(() => {
            isKilled = true;
            this.kill();
          }, killAfterMs);
        } else if (answer !== "ready") {
          error = answer.error;
          resolve();
        }
      });
    });
    const limit = setTimeout(() => this.kill(), END_LIMIT_MS);
    this.#child.send(task);
    const first = await Promise.race([done.then(() => "done"), this.#exit.then(() => "exit")]);
    const tookMs = performance.now() - startMs;
    clearTimeout(timer);
    clearTimeout(limit);
    this.#child.removeAllListeners("message");
    if (isKilled) await this.#exit;
    if (first === "done") return { isKilled: false, tookMs, error };
    if (isKilled) return { isKilled, tookMs, error: undefined };
    const how = this.#child.signalCode ?? this.#child.exitCode;
    return { isKilled, tookMs, error: `the process ended with ${how}: ${this.#output}` };
  }
}
