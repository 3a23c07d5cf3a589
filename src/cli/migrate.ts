/** `skein migrate`: brings the tables of databases up to date, or says how they stand. */
import { Command, Option } from "commander";
import {
  type MigrationReport,
  migrateDatabase,
  type NamedDatabase,
  pendingText,
  reportOn,
  schemaOf,
} from "../node/database-tools.ts";
import { type DatabaseFlags, databasesOf, withDatabaseFlags } from "./database-flags.ts";
import { columns, duration, type Paint, paintFor, printable } from "./text.ts";

const DIALECTS = ["postgres", "mysql", "sqlite", "cockroach"] as const;
/** The exit code of `status` when something is to be done. */
const PENDING = 2;

interface MigrateFlags extends DatabaseFlags {
  readonly dryRun: boolean;
  readonly sql?: (typeof DIALECTS)[number];
}

export function migrateCommand(): Command {
  const command = new Command("migrate")
    .description("bring the tables of the persistent stores up to date")
    .option("--dry-run", "print the statements that would be run, and run none", false)
    .addOption(
      new Option("--sql <dialect>", "print the whole schema; connects to nothing").choices(
        DIALECTS,
      ),
    )
    .action(run)
    .addCommand(statusCommand());
  return withDatabaseFlags(command);
}

function statusCommand(): Command {
  return new Command("status")
    .description(`which migrations are applied; exits with ${PENDING} if some are not`)
    .option("--json", "as JSON", false)
    .action((flags: { json: boolean }, command: Command) => showStatus(flags.json, command));
}

async function run(flags: MigrateFlags): Promise<void> {
  if (flags.sql !== undefined) {
    process.stdout.write(schemaOf(flags.sql));
    return;
  }
  for (const database of await databasesOf(flags)) {
    if (flags.dryRun) await printPending(database);
    else await apply(database);
  }
}

async function printPending(database: NamedDatabase): Promise<void> {
  const text = await pendingText(database);
  process.stdout.write(text === "" ? `-- ${database.name}: nothing to do\n` : text);
}

async function apply(database: NamedDatabase): Promise<void> {
  const done = await migrateDatabase(database);
  for (const { version, name, durationMs } of done) {
    process.stdout.write(
      `${database.name}: applied ${version} ${name} in ${duration(durationMs)}\n`,
    );
  }
  const text = done.length === 0 ? "nothing to do" : "Migrations applied";
  process.stdout.write(`${database.name}: ${text}\n`);
}

async function showStatus(json: boolean, command: Command): Promise<void> {
  const flags = command.optsWithGlobals<DatabaseFlags>();
  const reports: (MigrationReport & { connection: string })[] = [];
  for (const database of await databasesOf(flags)) {
    reports.push({ connection: database.name, ...(await reportOn(database)) });
  }
  const isDone = reports.every(({ migrations }) =>
    migrations.every(({ state }) => state === "applied" || state === "newer"),
  );
  if (!isDone) process.exitCode = PENDING;
  if (json) {
    process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
    return;
  }
  const paint = paintFor(process.stdout, process.env);
  for (const report of reports) process.stdout.write(`${render(report, paint).join("\n")}\n`);
}

function render(report: MigrationReport & { connection: string }, paint: Paint): string[] {
  const pooler = report.pooler === "none" ? "" : `, behind a pooler in ${report.pooler} mode`;
  const head = ["version", "name", "state", "applied at", "took"].map(paint.bold);
  const rows = report.migrations.map(({ version, name, state, appliedAt, durationMs }) => [
    String(version),
    printable(name),
    state === "applied" ? paint.green(state) : paint.yellow(state),
    appliedAt ?? "",
    durationMs === undefined ? "" : duration(durationMs),
  ]);
  return [
    `${paint.bold(report.connection)}: ${printable(report.database)}${pooler}`,
    ...columns([head, ...rows], [0]).map((line) => `  ${line}`),
  ];
}
