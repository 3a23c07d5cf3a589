/** Real processes for tests: started, followed line by line, and ended with the test. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SKEIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

const running = new Set<Started>();

/** Compiles if the sources have changed: what is tested is what is shipped. */
export function build(): void {
  execFileSync(process.execPath, ["scripts/setup.mjs", "build"], { cwd: ROOT });
}

afterEach(async () => {
  const left = [...running];
  for (const process of left) process.signal("SIGKILL");
  await Promise.all(left.map((process) => process.ended));
});

/** A process with what it has said. */
export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stdout = "";
  stderr = "";

  constructor(script: string, args: readonly string[], env: Record<string, string>) {
    const { PATH, TMPDIR } = process.env;
    this.child = spawn(process.execPath, [script, ...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
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

  /** What the pattern finds in stdout, as soon as it does. */
  says(pattern: RegExp, limitMs = 20_000): Promise<RegExpMatchArray> {
    return eventually(
      () => this.stdout.match(pattern) ?? undefined,
      () => `${pattern} in stdout: ${this.stdout}\nstderr: ${this.stderr}`,
      limitMs,
    );
  }
}

export function start(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Started {
  return new Started(script, args, env);
}

/** Waits until `look` gives a value; fails with what it waited for at the limit. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string | (() => string),
  limitMs = 20_000,
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
