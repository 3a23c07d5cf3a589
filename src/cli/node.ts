/** `skein node`: one node as a process of its own, with a log, an admin port and a clean end. */
import { Command } from "commander";
import { refusingMigrations } from "../node/database-tools.ts";
import type { StoresConfiguration } from "../node/node-stores.ts";
import { type NodeSettings, resolveNodeSettings, secretsOf } from "./node-settings.ts";
import { readSmallFile, readToml } from "./settings-file.ts";
import { listenForStop } from "./signals.ts";

interface NodeFlags {
  readonly cluster?: string;
  readonly name?: string;
  readonly listen?: string;
  readonly advertise?: string;
  readonly url?: string;
  readonly secretFile?: string;
  readonly admin?: string;
  readonly logLevel?: string;
  readonly config?: string;
  /** False for `--no-migrate`. */
  readonly migrate: boolean;
}

export function nodeCommand(): Command {
  return new Command("node")
    .description("run one node until SIGTERM or SIGINT; a flag beats a variable, that the file")
    .option("--cluster <name>", "nodes of other clusters never link (SKEIN_CLUSTER)")
    .option("--name <name>", "unique in the cluster; default host name and pid (SKEIN_NAME)")
    .option("--listen <host:port>", "default 127.0.0.1:7400 (SKEIN_LISTEN)")
    .option("--advertise <url>", "where others dial, if it differs: ws://… (SKEIN_ADVERTISE)")
    .option("--url <url>", "database to find the others (SKEIN_DISCOVERY_URL or DATABASE_URL)")
    .option("--secret-file <path>", "the cluster's secret, one a line (SKEIN_SECRET_FILE)")
    .option("--admin <host:port>", 'default 127.0.0.1:7401, or "off" (SKEIN_ADMIN)')
    .option("--log-level <level>", "default info (SKEIN_LOG_LEVEL)")
    .option("--config <file>", "TOML with these names as keys, - written as _")
    .option("--no-migrate", "refuse to start if migrations of [persistent] are missing")
    .addHelpText(
      "after",
      "\nThe secret itself is given by SKEIN_SECRET, a secret file or the key secret of the file," +
        "\nnever by a flag, which other users of the machine could read.",
    )
    .action((flags: NodeFlags) => runNode(flags, process.env));
}

async function runNode(flags: NodeFlags, env: NodeJS.ProcessEnv): Promise<void> {
  const { settings, table } = await loadSettings(flags, env);
  const signals = listenForStop();
  // Only now: the other commands, and faulty settings, need not wait until all of it is loaded.
  const { runUntilStopped } = await import("./running-node.ts");
  // What it says is checked by the stores themselves, all faults at once.
  const stores = (flags.migrate ? table : refusingMigrations(table, env)) as StoresConfiguration;
  await runUntilStopped(table === undefined ? settings : { ...settings, stores }, signals);
  // Whatever a library still holds open must not keep a node that has left.
  process.exit(0);
}

/** The settings, and the table of the persistent stores if the file has one. */
async function loadSettings(
  flags: NodeFlags,
  env: NodeJS.ProcessEnv,
): Promise<{ settings: NodeSettings; table: unknown }> {
  const { config, secretFile, logLevel, migrate: _, ...rest } = flags;
  const values = config === undefined ? {} : await readToml(config);
  const settings = resolveNodeSettings({
    flags: {
      ...rest,
      ...(secretFile === undefined ? {} : { secret_file: secretFile }),
      ...(logLevel === undefined ? {} : { log_level: logLevel }),
    },
    env,
    ...(config === undefined ? {} : { file: { path: config, values } }),
  });
  const table = values.persistent;
  if (settings.secretFile === undefined) return { settings, table };
  const content = await readSmallFile(settings.secretFile);
  const secret = secretsOf(content, settings.secretFile);
  return { settings: { ...settings, secret }, table };
}
