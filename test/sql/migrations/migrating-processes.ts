/** Child processes that migrate, let go together and killed at will. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

const LIMIT_MS = 100_000;

/** What a process says at its end. */
export interface Answer {
  readonly applied?: readonly number[];
  readonly error?: string;
}

/** A process that is ready and waits. */
export interface Migrator {
  go(): void;
  kill(): void;
  /** Undefined if it was killed before it could say anything. */
  readonly answer: Promise<Answer | undefined>;
}

/** Starts one and waits until it is ready. */
export async function startMigrator(program: string, args: readonly string[]): Promise<Migrator> {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("no output to read from");
  child.stdin?.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    go: () => void child.stdin?.write("go\n"),
    kill: () => void child.kill("SIGKILL"),
    answer: lines.next().then(({ value, done }) => (done ? undefined : JSON.parse(value))),
  };
}
