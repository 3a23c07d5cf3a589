/** One node with its log and its admin port, from the start to the goodbye. */
import { type Logger, pino } from "pino";
import { FencedError } from "../errors.ts";
import { type Admin, type Phase, startAdmin } from "../node/admin.ts";
import { type Node, startNode } from "../node/node.ts";
import type { StoresConfiguration } from "../node/node-stores.ts";
import type { NodeSettings } from "./node-settings.ts";
import type { StopSignals } from "./signals.ts";

/** How long a goodbye may take: less than the 10 s that supervisors give before they kill. */
const LEAVE_LIMIT_MS = 8_000;
/** A node that is still starting, perhaps without its database, has nobody to say goodbye to. */
const ABANDON_LIMIT_MS = 1_000;
/** A node that the cluster has closed becomes a new incarnation within this time, or gives up. */
const RESTART_LIMIT_MS = 30_000;

/** The settings of a node, and its persistent stores if it has any. */
export type RunSettings = NodeSettings & { readonly stores?: StoresConfiguration };

/** Runs a node until a signal comes, then leaves. Rejects when the node cannot run or go on. */
export async function runUntilStopped(settings: RunSettings, signals: StopSignals): Promise<void> {
  const log = pino({ level: settings.logLevel, timestamp: pino.stdTimeFunctions.isoTime });
  const running = new RunningNode(settings, log);
  try {
    await running.run(signals);
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** From nothing to ready to gone. The admin port answers throughout. */
class RunningNode {
  readonly #settings: RunSettings;
  readonly #log: Logger;
  #leaving = false;
  #node: Node | undefined;
  #admin: Admin | undefined;

  constructor(settings: RunSettings, log: Logger) {
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
    const limitMs = started ? LEAVE_LIMIT_MS : ABANDON_LIMIT_MS;
    if (await isDoneWithin(limitMs, this.#leave(starting))) {
      this.#log.info({ event: "stopped" }, "left the cluster");
    } else {
      this.#log.warn({ event: "leave_timed_out", limitMs }, "stops without a goodbye");
    }
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
    const { cluster, name, listen, advertise, secret, url, stores } = this.#settings;
    const node = await startNode({
      cluster,
      listen,
      discovery: { url },
      log: this.#log,
      ...(name === undefined ? {} : { name }),
      ...(advertise === undefined ? {} : { advertise }),
      ...(secret === undefined ? {} : { secret }),
      ...(stores === undefined ? {} : { stores }),
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
      node.on("fenced", (reason, isReplaced) => {
        const message = `the cluster has closed node ${node.name}: ${reason}`;
        const error = new FencedError(message, { isReplaced });
        limit = setTimeout(() => reject(error), isReplaced ? 0 : RESTART_LIMIT_MS);
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
async function isDoneWithin(limitMs: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const isDone = await Promise.race([work.then(() => true), limit]);
  clearTimeout(timer);
  return isDone;
}
