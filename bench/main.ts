/**
 * `npm run bench [-- names]`: measures, prints tables, and keeps every figure in a JSON file.
 * Nothing is asserted about speed, but replicas that differ fail the run.
 */
import { cpus } from "node:os";
import { BENCHMARKS } from "./benchmarks.ts";
import { parseCommand, usage } from "./command.ts";
import { compareText } from "./compare.ts";
import { familySeconds, machineSeconds } from "./cpu.ts";
import { goalsMarkdown } from "./goals-table.ts";
import { machineFacts } from "./machine.ts";
import { progressDone, progressOf } from "./progress.ts";
import { type Report, toMarkdown } from "./report.ts";
import { keptOf, readKept, type Timed, timesTaken, writeKept, writeResults } from "./results.ts";

/** Others may use so much of the machine before the report says that its figures are no good. */
const QUIET_CORES = 0.1;

async function main(): Promise<void> {
  const command = parseCommand(process.argv.slice(2));
  if (!command) {
    process.stdout.write(usage());
    return;
  }
  // Read first: a file that is no good is better known before the run than after it.
  const earlier = command.compare === null ? null : readKept(command.compare);
  const facts = machineFacts();
  process.stdout.write(`${facts.map((fact) => `- ${fact}`).join("\n")}\n\n`);
  const run: Timed[] = [];
  for (const name of command.names) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark) continue;
    const each = await timed(() => benchmark.run(command, progressOf(name)));
    run.push(each);
    process.stdout.write(`${toMarkdown(each.report)}\n`);
  }
  const kept = keptOf(facts, run);
  process.stdout.write(`${goalsMarkdown(kept.figures)}\n\nTime taken: ${timesTaken(run)}.\n`);
  if (earlier) process.stdout.write(`\n${compareText(earlier, kept)}\n`);
  writeKept(command.json, kept);
  process.stdout.write(`All figures: ${command.json}\n`);
  if (command.write) process.stdout.write(`Written: ${writeResults(kept, run)}\n`);
}

/** Adds how long it took, and how much the machine did for others meanwhile. */
async function timed(run: () => Promise<Report>): Promise<Timed> {
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
  return { seconds, report: { ...report, notes: [...report.notes, note.join(" ")] } };
}

// An exit and no sudden death, so that what was started is ended.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

main().catch((error: unknown) => {
  progressDone();
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
