/**
 * `npm run mutate`: plants each fault of mutations.ts in a temporary copy of the sources and
 * requires that the simulator notices it by a named checker, not by a crash and not by a time-out;
 * and each of promise-faults.ts, which a test of the promises must notice.
 * Nothing of the working copy is changed. `--only name`, `--seeds N` and `--search` (ignores the
 * seeds that are known to notice) narrow or widen it; `--quick` plants those that a few seeds
 * notice, for the gate.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Copies, edited, run } from "./copies.ts";
import { MUTATIONS, type Mutation, QUICK } from "./mutations.ts";
import { PROMISE_FAULTS, type PromiseFault, QUICK_PROMISES } from "./promise-faults.ts";

type Fault = Mutation | PromiseFault;

/** What one fault came to. */
interface Finding {
  readonly mutation: Fault;
  /** The seed or the file of tests; null if nobody noticed. */
  readonly at: string | null;
  readonly checker: string;
  readonly message: string;
}

interface FirstFailure {
  readonly failure: {
    readonly seed: number;
    readonly violation: { readonly checker: string; readonly message: string };
  } | null;
}

/** What vitest says of a run. */
interface TestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly title: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The compiled copy of this file is build/test/mutate/main.js. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const PARALLEL = 2;
/** Why a fault cannot be planted any more: the sources have changed. */
function staleness(mutation: Fault): string[] {
  try {
    edited(mutation, (file) => readFileSync(join(ROOT, file), "utf8"));
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Runs seeds until one fails. */
async function simulate(
  at: string,
  of: { readonly from: number; readonly seeds: number; readonly kind: Mutation["kind"] },
): Promise<FirstFailure> {
  const { from, seeds } = of;
  const main = join(at, "build", "test", "sim", "main.js");
  const args = [main, "--first", "--from", String(from), "--seeds", String(seeds)];
  if (of.kind === "former") args.push("--size", of.kind);
  else if (of.kind !== undefined) args.push(`--${of.kind}`);
  const { code, out } = await run(at, args);
  const line = out.trim().split("\n").at(-1) ?? "";
  if (line.startsWith("{")) return JSON.parse(line);
  const message = `the simulator ended with ${code} and no verdict: ${out}`;
  return { failure: { seed: from, violation: { checker: "crash", message } } };
}

/** Runs a file of tests until one fails; the test's name is the checker's. */
async function test(at: string, file: string): Promise<FirstFailure> {
  const main = join(at, "node_modules", "vitest", "vitest.mjs");
  const args = [main, "run", file, "--root", at, "--bail", "1"];
  const { out } = await run(at, [...args, "--reporter", "json"]);
  const { testResults } = JSON.parse(out.slice(out.indexOf('{"'))) as TestReport;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (results.length === 0) throw new Error(`no test ran in ${file}:\n${out}`);
  const failed = results.find(({ status }) => status === "failed");
  if (failed === undefined) return { failure: null };
  const message = failed.failureMessages[0] ?? "";
  const isVerdict = /^AssertionError|^Error: (promise resolved|.*still not:)/.test(message);
  return {
    failure: { seed: 0, violation: { checker: isVerdict ? failed.title : "crash", message } },
  };
}

/** Plants one fault in a copy of the sources, and says what noticed it. */
async function plant(
  mutation: Fault,
  copies: Copies,
  options: { readonly seeds: number; readonly search: boolean },
): Promise<Finding> {
  try {
    if ("test" in mutation) {
      const { failure } = await test(copies.sources(mutation), mutation.test);
      if (failure === null) return { mutation, at: null, checker: "nobody", message: "" };
      return { mutation, at: mutation.test, ...failure.violation };
    }
    return await plantInSimulator(mutation, copies, options);
  } finally {
    copies.remove(mutation);
  }
}

async function plantInSimulator(
  mutation: Mutation,
  copies: Copies,
  options: { readonly seeds: number; readonly search: boolean },
): Promise<Finding> {
  const at = await copies.compiled(mutation);
  const { kind, seed: known } = mutation;
  const first = { from: known, seeds: 1, kind };
  let { failure } = options.search ? { failure: null } : await simulate(at, first);
  failure ??= (await simulate(at, { from: 1, seeds: options.seeds, kind })).failure;
  if (failure === null) return { mutation, at: null, checker: "nobody", message: "" };
  const { seed, violation } = failure;
  // A seed that fails without the fault proves nothing.
  const control = await simulate(copies.control, { from: seed, seeds: 1, kind });
  if (control.failure !== null) {
    return { mutation, at: null, checker: "control fails", message: `seed ${seed}` };
  }
  const found = seed === known ? `seed ${seed}` : `seed ${seed} (known: ${known})`;
  return { mutation, at: found, ...violation };
}

function show({ mutation, at, checker, message }: Finding): void {
  console.log(`${mutation.name.padEnd(26)} ${checker.padEnd(16)} ${at ?? "-"}`);
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
  const all: readonly Fault[] = [...MUTATIONS, ...PROMISE_FAULTS];
  const chosen = all.filter((fault) => {
    const isQuick = QUICK.has(fault.name) || QUICK_PROMISES.has(fault.name);
    return (only === undefined || only.includes(fault.name)) && (!quick || isQuick);
  });
  const stale = all.flatMap((mutation) => staleness(mutation));
  if (stale.length > 0) throw new Error(`texts to be found:\n${stale.join("\n")}`);
  const base = mkdtempSync(join(tmpdir(), "skein-mutate-"));
  const queue = [...chosen];
  const copies = new Copies(ROOT, base);
  const findings: Finding[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const finding = await plant(next, copies, { seeds, search });
      findings.push(finding);
      show(finding);
    }
  };
  try {
    await copies.prepare();
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  const unnoticed = findings.filter(({ at, checker }) => at === null || checker === "crash");
  console.log(`${findings.length} faults planted, ${unnoticed.length} not noticed by a checker`);
  for (const { mutation } of unnoticed) console.log(`  ${mutation.name}: ${mutation.rule}`);
  return unnoticed.length === 0 && findings.length > 0 ? 0 : 1;
}

process.exitCode = await main();
