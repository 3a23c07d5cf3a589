/** Real processes for tests: started, followed line by line, and ended with the test. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SKEIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** Time for a test of several processes, on a machine that has others to run as well. */
export const TEST_LIMIT_MS = 180_000;
const WAIT_LIMIT_MS = 60_000;

const running = new Set<Started>();

/** Compiles if the sources have changed: what is tested is what is shipped. */
export function build(): void {
  execFileSync(process.execPath, ["scripts/setup.mjs", "build"], { cwd: ROOT });
}

afterEach(async () => {
  const left = [...running];
  for (const process of left) process.signalGroup("SIGKILL");
  await Promise.all(left.map((process) => process.ended));
});

/** A process with what it has said. */
export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stdout = "";
  stderr = "";

  constructor(command: string, args: readonly string[], env: Record<string, string>) {
    const { PATH, TMPDIR } = process.env;
    this.child = spawn(command, args, {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own, to be signalled as a terminal does.
      detached: true,
      env: { ...(PATH ? { PATH } : {}), ...(TMPDIR ? { TMPDIR } : {}), ...env },
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    running.add(this);
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** To it and all processes it started, as Ctrl-C on a terminal does. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.pid, name);
  }

  /** Types into it. */
  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** What the pattern finds in stdout, as soon as it does. */
  says(pattern: RegExp, limitMs = WAIT_LIMIT_MS): Promise<RegExpMatchArray> {
    return eventually(
      () => this.stdout.match(pattern) ?? undefined,
      () => `${pattern} in stdout: ${this.stdout}\nstderr: ${this.stderr}`,
      limitMs,
    );
  }
}

export function start(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Started {
  return new Started(command, args, env);
}

/** Runs a script with this Node. */
export function startScript(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Started {
  return start(process.execPath, [script, ...args], env);
}

/** Runs a script with this Node on a terminal of its own, which util-linux's `script` makes. */
export function startOnTerminal(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): Started {
  const line = [process.execPath, script, ...args].map((word) => `'${word}'`).join(" ");
  return start("script", ["-qefc", line, "/dev/null"], env);
}

/** Whether there is a `script` that knows these options. */
export const hasScript = /util-linux/.test(
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "",
);

/** Waits until `look` gives a value; fails with what it waited for at the limit. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string | (() => string),
  limitMs = WAIT_LIMIT_MS,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > endMs) {
      throw new Error(`not within ${limitMs} ms: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The processes below one, itself not included, as the system lists them. */
export function descendants(pid: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" });
  const pairs = lines
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const below = (parent: number): number[] =>
    pairs
      .filter(([, ppid, stat]) => Number(ppid) === parent && !stat?.startsWith("Z"))
      .map(([child]) => Number(child))
      .flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** Whether there is such a process, zombies not counted. */
export function isAlive(pid: number): boolean {
  try {
    const stat = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
    return stat.trim() !== "" && !stat.trim().startsWith("Z");
  } catch {
    return false;
  }
}
