/**
 * One process of the demonstration, seen from the one that leads: started, asked, killed, frozen.
 *
 * States: running (answers), frozen (stopped by SIGSTOP: asking it is an error at once), ended
 * (gone, by itself or by us: every open question is rejected). From running to frozen and back,
 * and from both to ended.
 */
import { type ChildProcess, fork } from "node:child_process";
import { isAnswer, type OrderKind, type Orders } from "./protocol.ts";

/** How long an answer may take unless the question says otherwise. */
const ANSWER_LIMIT_MS = 10_000;
/** After a goodbye a process may take so long to end before it is killed. */
const END_LIMIT_MS = 3_000;
/** The last of what a process says on stderr, for the report when it fails. */
const STDERR_CHARS_MAX = 4_000;

export type ProcessState = "running" | "frozen" | "ended";

interface Question {
  readonly timer: NodeJS.Timeout;
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** See the head of this file. */
export class DemoProcess {
  readonly name: string;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #questions = new Map<number, Question>();
  #state: ProcessState = "running";
  #lastId = 0;
  #stderr = "";
  #address = "";

  constructor(name: string) {
    this.name = name;
    this.#child = fork(new URL("./worker.js", import.meta.url), {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
      execArgv: [],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX);
    });
    this.#child.on("message", (message) => this.#answered(message));
    this.ended = new Promise((resolve) => {
      const end = (why: string) => {
        this.#end(why);
        resolve();
      };
      this.#child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
      this.#child.once("error", (error) => end(error.message));
    });
  }

  /** 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Where its node listens; "" until it has started. */
  get address(): string {
    return this.#address;
  }

  /** Has it start its node; resolves when the node is ready. */
  async start(
    order: Orders["start"]["order"],
    limitMs: number,
  ): Promise<Orders["start"]["answer"]> {
    const answer = await this.ask("start", order, limitMs);
    this.#address = answer.address;
    return answer;
  }

  /** Gives an order and waits for the answer; rejects after the limit, or if the process ends. */
  ask<K extends OrderKind>(
    kind: K,
    order: Orders[K]["order"],
    limitMs = ANSWER_LIMIT_MS,
  ): Promise<Orders[K]["answer"]> {
    if (this.#state !== "running") {
      return Promise.reject(new Error(`process ${this.name} is ${this.#state}`));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#questions.delete(id);
        reject(new Error(`process ${this.name} did not answer "${kind}" within ${limitMs} ms`));
      }, limitMs);
      this.#questions.set(id, {
        timer,
        // What our own worker answers to a kind is typed in the protocol, on both sides.
        resolve: (answer) => resolve(answer as Orders[K]["answer"]),
        reject,
      });
      this.#child.send({ id, kind, order }, (error) => {
        if (error) this.#settle(id, (question) => question.reject(error));
      });
    });
  }

  /** SIGKILL: no goodbye, no clean-up. Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#state !== "ended") this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** SIGSTOP: its sockets stay open and it does not run. */
  freeze(): void {
    if (this.#state !== "running") throw new Error(`process ${this.name} is ${this.#state}`);
    this.#child.kill("SIGSTOP");
    this.#state = "frozen";
  }

  /** SIGCONT. */
  thaw(): void {
    if (this.#state !== "frozen") throw new Error(`process ${this.name} is ${this.#state}`);
    this.#child.kill("SIGCONT");
    this.#state = "running";
  }

  /** Says goodbye, ends, and is killed if it does neither in time. */
  async end(): Promise<void> {
    if (this.#state === "frozen") this.thaw();
    if (this.#state === "ended") return;
    await this.ask("leave", {}, END_LIMIT_MS).catch(() => {});
    await this.kill();
  }

  #answered(message: unknown): void {
    if (!isAnswer(message)) return;
    this.#settle(message.id, (question) => {
      if (message.ok) question.resolve(message.answer);
      else question.reject(new Error(`process ${this.name}: ${message.error}`));
    });
  }

  #settle(id: number, settle: (question: Question) => void): void {
    const question = this.#questions.get(id);
    if (!question) return;
    this.#questions.delete(id);
    clearTimeout(question.timer);
    settle(question);
  }

  #end(why: string): void {
    this.#state = "ended";
    const last = this.#stderr.trim();
    const error = new Error(`process ${this.name} ended (${why})${last ? `: ${last}` : ""}`);
    for (const id of [...this.#questions.keys()]) {
      this.#settle(id, (question) => question.reject(error));
    }
  }
}
