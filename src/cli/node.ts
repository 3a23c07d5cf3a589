/** `skein node`: one node as a process of its own, with a log, an admin port and a clean end. */
import { Command } from "commander";
import { type Logger, pino } from "pino";
import { FencedError } from "../errors.ts";
import { type Admin, type Phase, startAdmin } from "../node/admin.ts";
import { type Node, startNode } from "../node/node.ts";
import { type NodeSettings, resolveNodeSettings, secretsOf } from "./node-settings.ts";
import { readSmallFile, readToml } from "./settings-file.ts";
import { listenForStop, type StopSignals } from "./signals.ts";

/** How long a node may take to say goodbye, and one that is still starting to be told to. */
const LEAVE_LIMIT_MS = 10_000;
/** A node that the cluster has closed becomes a new incarnation within this time, or gives up. */
const RESTART_LIMIT_MS = 30_000;

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
    .addHelpText(
      "after",
      "\nThe secret itself is given by SKEIN_SECRET, a secret file or the key secret of the file," +
        "\nnever by a flag, which other users of the machine could read.",
    )
    .action((flags: NodeFlags) => runNode(flags, process.env));
}

async function runNode(flags: NodeFlags, env: NodeJS.ProcessEnv): Promise<void> {
  const settings = await loadSettings(flags, env);
  const log = pino({ level: settings.logLevel, timestamp: pino.stdTimeFunctions.isoTime });
  const signals = listenForStop();
  const running = new RunningNode(settings, log);
  try {
    await running.run(signals);
  } catch (error) {
    // The log may be silent or elsewhere: the line on stderr is main's.
    await running.close();
    throw error;
  } finally {
    signals.dispose();
  }
  // Whatever a library still holds open must not keep a node that has left.
  process.exit(0);
}

async function loadSettings(flags: NodeFlags, env: NodeJS.ProcessEnv): Promise<NodeSettings> {
  const { config, secretFile, logLevel, ...rest } = flags;
  const settings = resolveNodeSettings({
    flags: {
      ...rest,
      ...(secretFile === undefined ? {} : { secret_file: secretFile }),
      ...(logLevel === undefined ? {} : { log_level: logLevel }),
    },
    env,
    ...(config === undefined ? {} : { file: { path: config, values: await readToml(config) } }),
  });
  if (settings.secretFile === undefined) return settings;
  const content = await readSmallFile(settings.secretFile);
  return { ...settings, secret: secretsOf(content, settings.secretFile) };
}

/** From nothing to ready to gone. The admin port answers throughout. */
class RunningNode {
  readonly #settings: NodeSettings;
  readonly #log: Logger;
  #leaving = false;
  #node: Node | undefined;
  #admin: Admin | undefined;

  constructor(settings: NodeSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Returns once a signal came and the node has left. */
  async run(signals: StopSignals): Promise<void> {
    await this.#startAdmin();
    const starting = this.#startNode();
    const started = await Promise.race([starting, signals.first.then(() => undefined)]);
    if (started) await Promise.race([signals.first, this.#stay(started)]);
    this.#log.info({ event: "stopping", signal: await signals.first }, "leaving the cluster");
    this.#leaving = true;
    await within(LEAVE_LIMIT_MS, this.#leave(starting));
    this.#log.info({ event: "stopped" }, "left the cluster");
  }

  /** Ends what is there without a goodbye. */
  async close(): Promise<void> {
    await this.#admin?.close();
    await this.#node?.stop();
  }

  async #startAdmin(): Promise<void> {
    const address = this.#settings.admin;
    if (!address) return;
    this.#admin = await startAdmin(
      {
        status: () => this.#node?.status() ?? { cluster: this.#settings.cluster },
        phase: () => this.#phase(),
      },
      address,
    );
    this.#log.info({ event: "admin_listening", url: this.#admin.url }, "admin port listens");
  }

  async #startNode(): Promise<Node> {
    const { cluster, name, listen, advertise, secret, url } = this.#settings;
    const node = await startNode({
      cluster,
      listen,
      discovery: { url },
      log: this.#log,
      ...(name === undefined ? {} : { name }),
      ...(advertise === undefined ? {} : { advertise }),
      ...(secret === undefined ? {} : { secret }),
    });
    this.#node = node;
    const { origin, address } = node;
    this.#log.info({ event: "started", node: node.name, origin, address }, "node started");
    return node;
  }

  /** Rejects when the node is over for good; never resolves. */
  async #stay(node: Node): Promise<never> {
    return new Promise((_, reject) => {
      let limit: NodeJS.Timeout | undefined;
      const becomeReady = () => {
        clearTimeout(limit);
        node.ready().then(() => this.#tellReady(node), reject);
      };
      node.on("restarted", becomeReady);
      node.on("fenced", (reason) => {
        const error = new FencedError(`the cluster has closed this node: ${reason}`);
        limit = setTimeout(() => reject(error), RESTART_LIMIT_MS);
      });
      becomeReady();
    });
  }

  #tellReady(node: Node): void {
    this.#log.info({ event: "ready", peers: node.nodes().length }, "node is ready");
  }

  #phase(): Phase {
    return this.#leaving ? "leaving" : (this.#node?.status().state ?? "starting");
  }

  async #leave(starting: Promise<Node>): Promise<void> {
    await (await starting).leave();
    await this.#admin?.close();
  }
}

/** Waits so long and no longer; what was waited for goes on unheard. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
