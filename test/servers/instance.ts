/**
 * One process of a server that a test owns: started on a free port in a folder of its own, to be
 * stopped, killed, paused and started again at will, and gone when the test is, whatever ends it.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;

/**
 * Runs the server and watches its own input: when the process that holds the other end is gone,
 * the server is killed and its folder removed.
 */
const WATCHED = `
folder=$1; shift
exec 3<&0
"$@" </dev/null 3<&- >>"$folder/log" 2>&1 &
server=$!
echo $server
{ read -r _ <&3; trap "" TERM; kill -9 $server; sleep 1; rm -rf "$folder"; } >/dev/null 2>&1 &
watcher=$!
wait $server
kill $watcher 2>/dev/null
`;

export interface InstanceOptions {
  /** Goes into the name of the folder and into errors. */
  readonly name: string;
  /** Runs under another account if this process is root and the server refuses root. */
  readonly account?: Account;
  readonly command: (at: { readonly folder: string; readonly port: number }) => readonly string[];
  /** Runs once, before the first start, with the folder empty. */
  prepare?(at: { readonly folder: string; readonly port: number }): void;
  /** Rejects until the server answers. */
  probe(port: number): Promise<void>;
  /** What makes the server stop in order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** What ends it at once, with its children. Default: SIGKILL for all of them. */
  readonly quickStopSignal?: NodeJS.Signals;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** See the head of this file. */
export class Instance {
  readonly port: number;
  readonly folder: string;
  readonly #options: InstanceOptions;
  #child: ChildProcess | undefined;
  #pid = 0;
  #paused: number[] = [];
  /** A stopped server has no shell that watches: what is left goes with this process. */
  readonly #onExit = () => {
    if (this.#child !== undefined) signal(this.#pid, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  };

  private constructor(options: InstanceOptions, port: number) {
    this.#options = options;
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), `skein-${options.name}-`));
    if (options.account !== undefined) {
      chownSync(this.folder, options.account.uid, options.account.gid);
    }
    process.once("exit", this.#onExit);
  }

  /** Prepares the folder and starts the server. */
  static async create(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options, await freePort());
    try {
      options.prepare?.(instance);
      await instance.start();
    } catch (error) {
      await instance.dispose();
      throw error;
    }
    return instance;
  }

  /** Starts the server and waits until it answers. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.#options.name} runs already`);
    const command = this.#options.command(this);
    const child = spawn("sh", ["-c", WATCHED, "sh", this.folder, ...command], {
      stdio: ["pipe", "pipe", "ignore"],
      // A group of its own: what ends the tests by keyboard lets them clean up first.
      detached: true,
      ...(this.#options.account ?? {}),
    });
    this.#child = child;
    child.stdin?.on("error", () => undefined);
    const [line] = await once(child.stdout ?? child, "data");
    this.#pid = Number(String(line));
    const limit = performance.now() + START_LIMIT_MS;
    for (;;) {
      try {
        await this.#options.probe(this.port);
        return;
      } catch (error) {
        if (child.exitCode !== null || performance.now() > limit) {
          throw new Error(`${this.#options.name} did not start: ${error}\n${this.#log()}`);
        }
      }
      await pause(15);
    }
  }

  /** Stops the server in order, and waits for its end. */
  async stop(): Promise<void> {
    await this.#end(this.#options.stopSignal ?? "SIGTERM");
  }

  /** Ends the server as a crash of the host would. */
  async kill(): Promise<void> {
    for (const pid of descendants(this.#pid)) signal(pid, "SIGKILL");
    await this.#end("SIGKILL");
  }

  /** Stops the server's processes in mid-flight: connections stay, nobody answers. */
  async pause(): Promise<void> {
    this.#paused = [this.#pid, ...descendants(this.#pid)];
    for (const pid of this.#paused) signal(pid, "SIGSTOP");
    // The signal returns before every thread has stopped: one may still answer a query.
    const limit = performance.now() + STOP_LIMIT_MS;
    while (this.#paused.some(runs)) {
      if (performance.now() > limit) throw new Error(`${this.#options.name} did not pause`);
      await pause(1);
    }
  }

  /** Lets a paused server go on. */
  resume(): void {
    for (const pid of this.#paused) signal(pid, "SIGCONT");
    this.#paused = [];
  }

  /** Ends the server and removes its folder. */
  async dispose(): Promise<void> {
    this.resume();
    const { quickStopSignal } = this.#options;
    if (quickStopSignal !== undefined) await this.#end(quickStopSignal);
    else if (this.#child !== undefined) await this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    process.removeListener("exit", this.#onExit);
  }

  async #end(how: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = child.exitCode !== null ? Promise.resolve() : once(child, "exit");
    signal(this.#pid, how);
    const timer = setTimeout(() => signal(this.#pid, "SIGKILL"), STOP_LIMIT_MS);
    await ended;
    clearTimeout(timer);
    child.stdin?.destroy();
  }

  #log(): string {
    try {
      return readFileSync(join(this.folder, "log"), "utf8").slice(-2000);
    } catch {
      return "";
    }
  }
}

/** Whether a thread of that process has not been stopped yet. */
function runs(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      return !/^[TtZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
    });
  } catch {
    return false;
  }
}

/** Runs a program to its end; its output goes into the error if it fails. */
export function run(command: readonly string[], account?: Account): void {
  const [program = "", ...rest] = command;
  execFileSync(program, rest, { stdio: "pipe", ...(account ?? {}) });
}

/** The first of the programs that is installed, by path; looks where Debian hides servers. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => folder !== "");
  for (const name of names) {
    for (const folder of [...folders, "/usr/sbin", "/usr/local/sbin"]) {
      const path = name.startsWith("/") ? name : join(folder, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** An account that is not root's, if this process is root's. */
export function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const entry = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields[0] === name);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error("running as root, and there is no account postgres or nobody to start under");
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Waits for so long; for polling with a limit only. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function descendants(of: number): number[] {
  const children = new Map<number, number[]>();
  for (const line of execFileSync("ps", ["-A", "-o", "pid=,ppid="]).toString().split("\n")) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid === undefined || parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  for (const pid of children.get(of) ?? []) found.push(pid, ...descendants(pid));
  return found;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already, which is what most signals are for.
  }
}
