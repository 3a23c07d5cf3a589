/** The flags that say which databases a command is about: a file, a URL, or DATABASE_URL. */
import type { Command } from "commander";
import { findDatabases, type NamedDatabase } from "../node/database-tools.ts";
import { readSmallFile, readToml } from "./settings-file.ts";

/** What was given. */
export interface DatabaseFlags {
  readonly config?: string;
  readonly url?: string;
  readonly connection?: string;
}

/** Adds the flags to a command. */
export function withDatabaseFlags(command: Command): Command {
  return command
    .option("--config <file>", "TOML with a table [persistent]; all its SQL connections")
    .option("--connection <name>", "of the connections in the file this one only")
    .option("--url <url>", "the database, in place of a file; default DATABASE_URL");
}

/** The databases that were asked for, at least one. */
export async function databasesOf(flags: DatabaseFlags): Promise<readonly NamedDatabase[]> {
  const { config, url, connection } = flags;
  const table = config === undefined ? undefined : ((await readToml(config)).persistent ?? {});
  return findDatabases({
    env: process.env,
    readFile: readSmallFile,
    ...(table === undefined ? {} : { table }),
    ...(url === undefined ? {} : { url }),
    ...(connection === undefined ? {} : { connection }),
  });
}
