/** `skein store`: what stores a back end has, and copying them to another one. */
import { Command } from "commander";
import { AbortedError } from "../errors.ts";
import {
  type CopiedPlace,
  copyBetween,
  labelOf,
  listStores,
  STORE_URLS,
} from "../node/store-tools.ts";
import { CopyMeter } from "./copy-progress.ts";
import { readSmallFile, readToml } from "./settings-file.ts";
import { exitCodeOf, listenForStop } from "./signals.ts";
import { columns, count, paintFor, printable } from "./text.ts";

const CONFIG = "TOML with a table [persistent]: back ends may be names of its connections";

/** Adds one to what an option that may come again has gathered. */
const gather = (value: string, before: readonly string[] = []) => [...before, value];

export function storeCommand(): Command {
  return new Command("store")
    .description("persistent stores: list them, copy them to another back end")
    .addCommand(listCommand())
    .addCommand(copyCommand());
}

function listCommand(): Command {
  return new Command("list")
    .description("list the stores of a back end with their kinds and numbers of users")
    .argument("<back-end>", `the back end: ${STORE_URLS}`)
    .option("--config <file>", CONFIG)
    .option("--host <host>", "of this host only")
    .option("--json", "as JSON", false)
    .action(list);
}

interface ListFlags {
  readonly config?: string;
  readonly host?: string;
  readonly json: boolean;
}

async function list(backEnd: string, { config, host, json }: ListFlags): Promise<void> {
  const stores = await listStores({ backEnd, named: await namesIn(config) }, host);
  if (json) {
    const rows = stores.map(({ place, users }) => ({ ...place, users }));
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  if (stores.length === 0) {
    process.stdout.write("no stores\n");
    return;
  }
  const { bold } = paintFor(process.stdout, process.env);
  const rows = stores.map(({ place, users }) => [
    printable(place.host),
    place.store,
    place.kind,
    count(users),
  ]);
  const head = ["host", "store", "kind", "users"].map(bold);
  process.stdout.write(`${columns([head, ...rows], [3]).join("\n")}\n`);
}

/** Where names are looked up; without a file there are none. */
async function namesIn(config: string | undefined) {
  const table = config === undefined ? undefined : ((await readToml(config)).persistent ?? {});
  return { table, env: process.env, readFile: readSmallFile };
}

interface CopyFlags {
  readonly config?: string;
  readonly host?: readonly string[];
  readonly store?: readonly string[];
  readonly dryRun: boolean;
  readonly overwrite: boolean;
}

function copyCommand(): Command {
  return new Command("copy")
    .description(
      "copy stores and verify the copy; the source stays as it is. Interrupted, the same command " +
        "goes on. Nobody should write to either side meanwhile.",
    )
    .argument("<from>", `the source: ${STORE_URLS}`)
    .argument("<to>", "the target, in the same form")
    .option("--config <file>", CONFIG)
    .option("--host <host>", "this host only; may be given again", gather)
    .option("--store <name>", "this store only; may be given again", gather)
    .option("--dry-run", "say what would be changed, and change nothing", false)
    .option("--overwrite", "make stores that have other data in the target equal too", false)
    .action(copy);
}

async function copy(from: string, to: string, flags: CopyFlags): Promise<void> {
  const abort = new AbortController();
  const signals = listenForStop();
  void signals.first.then((signal) => {
    process.exitCode = exitCodeOf(signal);
    abort.abort();
  });
  const meter = new CopyMeter(process.stderr, () => performance.now());
  try {
    const copied = await copyBetween({
      from,
      to,
      named: await namesIn(flags.config),
      isDry: flags.dryRun,
      overwrite: flags.overwrite,
      signal: abort.signal,
      onProgress: (progress, users) => meter.show(progress, users),
      ...(flags.host === undefined ? {} : { hosts: flags.host }),
      ...(flags.store === undefined ? {} : { stores: flags.store }),
    });
    meter.end();
    report(copied, flags.dryRun);
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    meter.end();
    process.stderr.write("skein: stopped; the same command goes on with it\n");
  } finally {
    meter.end();
    signals.dispose();
  }
}

function report(copied: readonly CopiedPlace[], isDry: boolean): void {
  if (copied.length === 0) {
    process.stdout.write("nothing to copy: the source has no such store\n");
    return;
  }
  const { bold } = paintFor(process.stdout, process.env);
  const head = ["host", "store", "users", "rows", isDry ? "would change" : "changed"].map(bold);
  const rows = copied.map(({ place, users, rows, changed }) => [
    printable(place.host),
    labelOf(place),
    count(users),
    count(rows),
    count(changed),
  ]);
  process.stdout.write(`${columns([head, ...rows], [2, 3, 4]).join("\n")}\n`);
  process.stdout.write(isDry ? "nothing was changed\n" : "copied and verified\n");
}
