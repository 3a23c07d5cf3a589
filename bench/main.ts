/**
 * `npm run bench [-- insert|insert-new|join|heal|read|memory]`: measures, prints tables, and keeps every figure
 * in a JSON file. Nothing is asserted about speed, but replicas that differ fail the run.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { familySeconds, machineSeconds } from "./cpu.ts";
import { type Report, toMarkdown } from "./format.ts";
import { benchHeal } from "./heal.ts";
import { benchInsert } from "./insert.ts";
import { benchInsertNew } from "./insert-new.ts";
import { benchJoin } from "./join.ts";
import { machineFacts } from "./machine.ts";
import { benchMemory } from "./memory.ts";
import { type Progress, progressDone, progressOf, type Settings } from "./progress.ts";
import { benchRead } from "./read.ts";

const BENCHMARKS: Readonly<
  Record<string, (settings: Settings, progress: Progress) => Promise<Report>>
> = {
  insert: benchInsert,
  "insert-new": benchInsertNew,
  join: benchJoin,
  heal: benchHeal,
  read: benchRead,
  memory: benchMemory,
};

const USAGE = `npm run bench [-- [insert] [insert-new] [join] [heal] [read] [memory] [options]]

  --rounds N     repeat each window N times (default 3)
  --quick        short windows and small tables: to see that it works
  --write        keep the result in bench/RESULTS.md; for all benchmarks only
  --json FILE    where to keep all figures (default: a new file in the temporary folder)
  --profile DIR  keep CPU profiles of Skein's processes there (costs some speed)
`;

/** The results lie beside the sources; this file runs from build/bench. */
const RESULTS = fileURLToPath(new URL("../../bench/RESULTS.md", import.meta.url));
const ROUNDS_MAX = 100;
/** Others may use so much of the machine before the report says that its figures are no good. */
const QUIET_CORES = 0.1;

interface Command extends Settings {
  readonly names: readonly string[];
  readonly write: boolean;
  readonly json: string;
}

/** Throws with what was given and what is allowed. */
function parse(args: readonly string[]): Command | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const known = Object.keys(BENCHMARKS);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) throw new Error(`there is no benchmark "${unknown}", there are ${known.join(", ")}`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is "${values.rounds}", allowed are 1 to ${ROUNDS_MAX}`);
  }
  const names = positionals.length > 0 ? [...new Set(positionals)] : known;
  if (values.write && (names.length < known.length || values.quick)) {
    throw new Error("--write is for all benchmarks without --quick");
  }
  const json = values.json ?? join(mkdtempSync(join(tmpdir(), "skein-bench-")), "results.json");
  return {
    names,
    rounds,
    quick: values.quick,
    write: values.write,
    json: resolve(json),
    profiles: values.profile ? profileFolder(resolve(values.profile)) : null,
  };
}

function profileFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function main(): Promise<void> {
  const command = parse(process.argv.slice(2));
  if (!command) {
    process.stdout.write(USAGE);
    return;
  }
  const facts = machineFacts();
  process.stdout.write(`${facts.map((fact) => `- ${fact}`).join("\n")}\n\n`);
  const reports: Report[] = [];
  for (const name of command.names) {
    const run = BENCHMARKS[name];
    if (!run) continue;
    const report = await timed(() => run(command, progressOf(name)));
    reports.push(report);
    process.stdout.write(`${toMarkdown(report)}\n`);
  }
  const data = Object.fromEntries(reports.map((report) => [report.name, report.data]));
  writeFileSync(command.json, JSON.stringify({ facts, ...data }, null, 2));
  process.stdout.write(`All figures: ${command.json}\n`);
  if (command.write) {
    writeFileSync(RESULTS, results(facts, reports));
    process.stdout.write(`Written: ${RESULTS}\n`);
  }
}

/** Adds how long it took, and how much the machine did for others meanwhile. */
async function timed(run: () => Promise<Report>): Promise<Report> {
  const start = performance.now();
  const before = machineSeconds() - familySeconds();
  const report = await run();
  progressDone();
  const others = machineSeconds() - familySeconds() - before;
  const seconds = (performance.now() - start) / 1000;
  const cores = Math.max(0, others / seconds);
  const note = [
    `Took ${Math.round(seconds)} s.`,
    ...(Number.isNaN(cores)
      ? []
      : [`Other programs kept ${cores.toFixed(2)} of ${cpus().length} processors busy meanwhile.`]),
    ...(cores > QUIET_CORES ? ["That is too much: take these figures for a smoke test."] : []),
  ];
  return { ...report, notes: [...report.notes, note.join(" ")] };
}

function results(facts: readonly string[], reports: readonly Report[]): string {
  const head = [
    "# Results",
    "Written by `npm run bench -- --write`. Absolute figures hold for this machine and day only; " +
      "what counts are the ratios to a peer of the same run. CETS's figures are of another " +
      "machine and stand here for orientation. Targets are in multiples of those.",
    facts.map((fact) => `- ${fact}`).join("\n"),
  ];
  return `${[...head, ...reports.map(toMarkdown)].join("\n\n").trimEnd()}\n`;
}

// An exit and no sudden death, so that what was started is ended.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

main().catch((error: unknown) => {
  progressDone();
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
