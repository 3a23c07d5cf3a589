/**
 * One Erlang node as an OS process: commands are Erlang terms on its standard input, answers are
 * lines of JSON. It ends when its input does.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** The fields of an answer. */
export type Answer = Readonly<Record<string, unknown>>;

const ASK_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;

interface Waiter {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A node named n1, n2 and so on at 127.0.0.1. */
export class ErlangNode {
  /** As an Erlang atom. */
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiters: Waiter[] = [];
  readonly #exited: Promise<void>;
  #errors = "";
  #gone = false;

  constructor(options: { number: number; folder: string; epmdPort: number }) {
    const longName = `n${options.number}@127.0.0.1`;
    this.name = `'${longName}'`;
    this.#child = spawn("erl", this.#flags(longName, options.folder), {
      cwd: options.folder,
      env: {
        ...process.env,
        ERL_EPMD_PORT: String(options.epmdPort),
        ERL_EPMD_ADDRESS: "127.0.0.1",
        ERL_CRASH_DUMP_BYTES: "0",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stdin.on("error", () => {}); // Its end is seen by "exit".
    this.#child.stderr.on("data", (text) => {
      this.#errors = `${this.#errors}${text}`.slice(-2000);
    });
    createInterface(this.#child.stdout).on("line", (line) => this.#line(line));
    this.#exited = new Promise((resolve) => {
      this.#child.on("error", (error) => this.#end(error.message));
      this.#child.on("close", (code) => {
        this.#end(`ended with code ${code}`);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** When the script has started and so the node has its name. */
  async ready(): Promise<void> {
    await this.ask("ready");
  }

  /** Rejects with what the script says went wrong, and after 60 s. */
  async ask(term: string): Promise<Answer> {
    if (this.#gone) throw new Error(`${this.name} has ended: ${this.#errors}`);
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      const late = `${this.name} did not answer ${term} within ${ASK_LIMIT_MS} ms`;
      timer = setTimeout(() => reject(new Error(late)), ASK_LIMIT_MS);
      this.#child.stdin.write(`${term}.\n`);
    });
    try {
      const fields = await answer;
      if (fields.ok === true) return fields;
      throw new Error(`${this.name}: ${term}: ${fields.error}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    this.#child.stdin.end();
    await this.#exited;
    clearTimeout(timer);
  }

  /** Erlang's own settings are left alone, but for the ports, which stay on this machine. */
  #flags(longName: string, folder: string): string[] {
    const flags = ["-noshell", "-name", longName, "-setcookie", "skein_bench", "-pa", folder];
    flags.push("-start_epmd", "false");
    flags.push("-kernel", "inet_dist_use_interface", "{127,0,0,1}", "logger_level", "error");
    flags.push("-s", "skein_bench", "main");
    return flags;
  }

  #line(line: string): void {
    let fields: unknown;
    try {
      fields = JSON.parse(line);
    } catch {
      this.#errors = `${this.#errors}${line}\n`.slice(-2000);
      return;
    }
    if (typeof fields === "object" && fields !== null)
      this.#waiters.shift()?.resolve({ ...fields });
  }

  #end(reason: string): void {
    this.#gone = true;
    const error = new Error(`${this.name} ${reason}: ${this.#errors}`);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
