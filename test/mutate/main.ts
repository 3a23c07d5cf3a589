/**
 * `npm run mutate`: plants each fault of mutations.ts in a temporary copy of the sources and
 * requires that the simulator notices it by a named checker, not by a crash and not by a time-out.
 * Nothing of the working copy is changed. `--only name`, `--seeds N` and `--search` (ignores the
 * seeds that are known to notice) narrow or widen it; `--quick` plants those that a few seeds
 * notice, for the gate.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTATIONS, type Mutation, QUICK } from "./mutations.ts";

/** What one fault came to. */
interface Finding {
  readonly mutation: Mutation;
  /** Null if nobody noticed. */
  readonly seed: number | null;
  readonly checker: string;
  readonly message: string;
}

interface FirstFailure {
  readonly failure: {
    readonly seed: number;
    readonly violation: { readonly checker: string; readonly message: string };
  } | null;
}

/** The compiled copy of this file is build/test/mutate/main.js. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const PARALLEL = 2;
/** The copy without a fault: a seed that fails there proves nothing. */
const CONTROL = "control";
const TIMEOUT_MS = 20 * 60_000;

/** The text with its edits; throws if a text to be found is not there exactly once. */
function edited(mutation: Mutation, read: (file: string) => string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of mutation.edits) {
    const text = texts.get(file) ?? read(file);
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${mutation.name}: found ${count} times in ${file}: ${find}`);
    texts.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return texts;
}

/** Why a fault cannot be planted any more: the sources have changed. */
function staleness(mutation: Mutation): string[] {
  try {
    edited(mutation, (file) => readFileSync(join(ROOT, file), "utf8"));
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** A copy of the sources, with links to what is only read. */
function copySources(into: string): void {
  for (const folder of ["src", "test/sim"]) {
    // What a link points at is copied: a fault must never reach the working copy.
    cpSync(join(ROOT, folder), join(into, folder), { recursive: true, dereference: true });
  }
  for (const file of ["package.json", "tsconfig.json"]) cpSync(join(ROOT, file), join(into, file));
  symlinkSync(join(ROOT, "node_modules"), join(into, "node_modules"));
  const options = { noEmit: false, noCheck: true, rootDir: ".", outDir: "build" };
  const config = { extends: "./tsconfig.json", compilerOptions: options, include: ["src", "test"] };
  writeFileSync(join(into, "tsconfig.mutate.json"), JSON.stringify(config));
}

function run(
  cwd: string,
  args: readonly string[],
): Promise<{ code: number | string | null; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, timeout: TIMEOUT_MS });
    let out = "";
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, out }));
  });
}

async function compile(at: string): Promise<void> {
  const compiler = join(at, "node_modules", "typescript", "bin", "tsc");
  const { code, out } = await run(at, [compiler, "-p", "tsconfig.mutate.json"]);
  if (code !== 0) throw new Error(`the copy does not compile:\n${out}`);
}

/** Runs seeds until one fails. */
async function simulate(
  at: string,
  of: { readonly from: number; readonly seeds: number; readonly serial: boolean | undefined },
): Promise<FirstFailure> {
  const { from, seeds } = of;
  const main = join(at, "build", "test", "sim", "main.js");
  const args = [main, "--first", "--from", String(from), "--seeds", String(seeds)];
  if (of.serial === true) args.push("--serial");
  const { code, out } = await run(at, args);
  const line = out.trim().split("\n").at(-1) ?? "";
  if (line.startsWith("{")) return JSON.parse(line);
  const message = `the simulator ended with ${code} and no verdict: ${out}`;
  return { failure: { seed: from, violation: { checker: "crash", message } } };
}

/** A compiled copy of the sources with that fault, or with none. */
async function build(at: string, mutation: Mutation | null): Promise<void> {
  mkdirSync(join(at, "test"), { recursive: true });
  copySources(at);
  if (mutation !== null) {
    for (const [file, text] of edited(mutation, (name) => readFileSync(join(at, name), "utf8"))) {
      const copy = realpathSync(join(at, file));
      if (!copy.startsWith(realpathSync(at))) throw new Error(`${copy} is not in the copy`);
      writeFileSync(copy, text);
    }
  }
  await compile(at);
}

async function plant(
  mutation: Mutation,
  base: string,
  options: { readonly seeds: number; readonly search: boolean },
): Promise<Finding> {
  const at = join(base, mutation.name);
  try {
    await build(at, mutation);
    const { serial, seed: known } = mutation;
    const first = { from: known, seeds: 1, serial };
    let { failure } = options.search ? { failure: null } : await simulate(at, first);
    failure ??= (await simulate(at, { from: 1, seeds: options.seeds, serial })).failure;
    if (failure === null) return { mutation, seed: null, checker: "nobody", message: "" };
    const { seed, violation } = failure;
    const control = await simulate(join(base, CONTROL), { from: seed, seeds: 1, serial });
    if (control.failure !== null) {
      return { mutation, seed: null, checker: "control fails", message: `seed ${seed}` };
    }
    return { mutation, seed, ...violation };
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

function show({ mutation, seed, checker, message }: Finding): void {
  const at = seed === null ? "-" : String(seed);
  const known = seed === null || seed === mutation.seed ? "" : ` (known: ${mutation.seed})`;
  console.log(`${mutation.name.padEnd(26)} ${checker.padEnd(16)} seed ${at}${known}`);
  if (checker === "crash" || checker === "control fails") console.log(`  ${message.slice(0, 600)}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      seeds: { type: "string", default: "2000" },
      search: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
    },
  });
  const seeds = Number(values.seeds);
  if (!Number.isSafeInteger(seeds) || seeds < 1) throw new Error(`--seeds is ${values.seeds}`);
  const { only, search, quick } = values;
  const chosen = MUTATIONS.filter(({ name }) => {
    return (only === undefined || only.includes(name)) && (!quick || QUICK.has(name));
  });
  const stale = MUTATIONS.flatMap((mutation) => staleness(mutation));
  if (stale.length > 0) throw new Error(`texts to be found:\n${stale.join("\n")}`);
  const base = mkdtempSync(join(tmpdir(), "skein-mutate-"));
  const queue = [...chosen];
  const findings: Finding[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const finding = await plant(next, base, { seeds, search });
      findings.push(finding);
      show(finding);
    }
  };
  try {
    await build(join(base, CONTROL), null);
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  const unnoticed = findings.filter(({ seed, checker }) => seed === null || checker === "crash");
  console.log(`${findings.length} faults planted, ${unnoticed.length} not noticed by a checker`);
  for (const { mutation } of unnoticed) console.log(`  ${mutation.name}: ${mutation.rule}`);
  return unnoticed.length === 0 && findings.length > 0 ? 0 : 1;
}

process.exitCode = await main();
