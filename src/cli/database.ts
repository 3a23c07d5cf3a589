/** `skein database`: makes the databases of a configuration. */
import { Command } from "commander";
import { makeDatabase } from "../node/database-tools.ts";
import { type DatabaseFlags, databasesOf, withDatabaseFlags } from "./database-flags.ts";
import { printable } from "./text.ts";

export function databaseCommand(): Command {
  const create = new Command("create")
    .description("make the database if it is not there; the role must be allowed to")
    .action(createAll);
  return new Command("database")
    .description("databases of the persistent stores")
    .addCommand(withDatabaseFlags(create));
}

async function createAll(flags: DatabaseFlags): Promise<void> {
  for (const database of await databasesOf(flags)) {
    const { subject, isNew } = await makeDatabase(database);
    process.stdout.write(`${printable(subject)}: ${isNew ? "made" : "is there"}\n`);
  }
}
