/** Runs registrations in processes of their own, which need compiled sources. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Identity } from "../../../src/discovery/discovery.ts";
import { compileProgram } from "../../compile-program.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const LIMIT_MS = 100_000;
const ENTRY = "test/discovery/rdbms/registering-process.ts";

export type Outcome = { readonly identity: Identity } | { readonly error: string };

/** Starts `count` processes, lets them all go at once, and returns what each of them got. */
export async function runRegistrations(url: string, count: number): Promise<Outcome[]> {
  const folder = await mkdtemp(join(root, "node_modules/.skein-test-"));
  const children: ChildProcessWithoutNullStreams[] = [];
  try {
    const program = await compileProgram(folder, ENTRY);
    const lines = Array.from({ length: count }, (_, index) => {
      const child = spawn(process.execPath, [program, url, `n${index}`], { timeout: LIMIT_MS });
      children.push(child);
      return { child, ...linesOf(child) };
    });
    await Promise.all(lines.map(({ next }) => next("ready")));
    for (const { child } of lines) child.stdin.write("go\n");
    const results = await Promise.all(lines.map(({ next }) => next("a result")));
    return results.map((line): Outcome => JSON.parse(line));
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
}

function linesOf(child: ChildProcessWithoutNullStreams) {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += String(chunk);
  });
  return {
    async next(what: string): Promise<string> {
      const { value, done } = await lines.next();
      if (done) throw new Error(`a process ended without ${what}: ${complaints}`);
      return value;
    },
  };
}
