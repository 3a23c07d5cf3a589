/** `skein doctor`: examines the databases of the persistent stores, and says what to do. */
import { Command, InvalidArgumentError } from "commander";
import { examineDatabase, type Finding } from "../node/database-tools.ts";
import { type DatabaseFlags, databasesOf, withDatabaseFlags } from "./database-flags.ts";
import { type Paint, paintFor, printable } from "./text.ts";

const PROCESSES_MAX = 10_000;

interface DoctorFlags extends DatabaseFlags {
  readonly json: boolean;
  readonly processes: number;
}

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("examine the databases of the persistent stores; exits with 1 if one has a fault")
    .option("--processes <count>", "nodes that share each database", countOf, 1)
    .option("--json", "as JSON", false)
    .action(run);
  return withDatabaseFlags(command);
}

async function run(flags: DoctorFlags): Promise<void> {
  const reports: { connection: string; findings: readonly Finding[] }[] = [];
  for (const database of await databasesOf(flags)) {
    const findings = await examineDatabase(database, flags.processes);
    reports.push({ connection: database.name, findings });
  }
  const all = reports.flatMap(({ findings }) => findings);
  if (all.some(({ level }) => level === "fault")) process.exitCode = 1;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
    return;
  }
  const paint = paintFor(process.stdout, process.env);
  for (const { connection, findings } of reports) {
    process.stdout.write(`${paint.bold(connection)}\n`);
    for (const finding of findings) process.stdout.write(linesOf(finding, paint));
  }
}

function linesOf({ check, level, text, action }: Finding, paint: Paint): string {
  const color = { ok: paint.green, advice: paint.cyan, warning: paint.yellow, fault: paint.red };
  const what = `  ${color[level](level.padEnd(7))}  ${check.padEnd(10)}  ${printable(text)}\n`;
  return action === undefined ? what : `${what}${" ".repeat(23)}→ ${printable(action)}\n`;
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= PROCESSES_MAX) return count;
  throw new InvalidArgumentError(`allowed is 1 to ${PROCESSES_MAX}`);
}
