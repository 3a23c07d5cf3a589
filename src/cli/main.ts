#!/usr/bin/env node
/** The `skein` command: picks the command, and turns errors into a line and an exit code. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { SkeinError } from "../errors.ts";
import { databaseCommand } from "./database.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { migrateCommand } from "./migrate.ts";
import { nodeCommand } from "./node.ts";
import { statusCommand } from "./status.ts";
import { storeCommand } from "./store.ts";

const program = new Command("skein")
  .description("replicated in-memory tables shared by a cluster of Node.js processes")
  .version(version())
  .showHelpAfterError("(skein --help tells what is allowed)")
  .addCommand(demoCommand())
  .addCommand(nodeCommand())
  .addCommand(statusCommand())
  .addCommand(storeCommand())
  .addCommand(migrateCommand())
  .addCommand(databaseCommand())
  .addCommand(doctorCommand());

// A reader that has seen enough ("| head") is no trouble.
process.stdout.on("error", () => process.exit(0));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`skein: ${lineFor(error)}\n`);
  process.exit(1);
}

/** Trouble of the world is one line; a mistake of ours shows where it happened. */
function lineFor(error: unknown): string {
  if (error instanceof SkeinError) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function version(): string {
  const file: unknown = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  const named = typeof file === "object" && file !== null && "version" in file;
  return named ? String(file.version) : "unknown";
}
