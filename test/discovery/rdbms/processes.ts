/** Runs registrations in processes of their own, which need compiled sources. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Identity } from "../../../src/discovery/discovery.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const LIMIT_MS = 40_000;

export type Outcome = { readonly identity: Identity } | { readonly error: string };

/** Starts `count` processes, lets them all go at once, and returns what each of them got. */
export async function runRegistrations(url: string, count: number): Promise<Outcome[]> {
  const folder = await mkdtemp(join(root, "node_modules/.skein-test-"));
  const children: ChildProcessWithoutNullStreams[] = [];
  try {
    const program = await compile(folder);
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

/** Node runs no TypeScript; the compiler needs half a second for these few files. */
async function compile(folder: string): Promise<string> {
  const project = join(folder, "tsconfig.json");
  const entry = "test/discovery/rdbms/registering-process.ts";
  const compilerOptions = { noEmit: false, rootDir: root, outDir: folder, noCheck: true };
  const settings = { extends: join(root, "tsconfig.json"), compilerOptions };
  await writeFile(
    project,
    JSON.stringify({ ...settings, include: [], files: [join(root, entry)] }),
  );
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [compiler, "-p", project]);
  return join(folder, entry.replace(/\.ts$/, ".js"));
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
