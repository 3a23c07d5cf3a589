/** Skein nodes, each a process, and the whole of them as a side of a comparison. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check, Driven, NodeCalls, Start, Started } from "./node-calls.ts";
import { Remote } from "./remote.ts";
import { type Finished, finishedBy, type Load, pause, type Side } from "./side.ts";

/** One node process. */
export type NodeRemote = Remote<NodeCalls>;

/** How the processes are started. */
interface ClusterOptions {
  /** Flags of Node itself. */
  readonly flags?: readonly string[];
  /** Folder for CPU profiles, one of each node and window. */
  readonly profiles?: string | null;
}

/** Rows that loads write start here, for each node a range of its own. */
const OFFSET_PER_NODE = 100_000_000;
const ROWS_PER_LOAD = 100_000;
/** Replicas that differ are looked at again after so long, to tell late from never. */
const CONVERGENCE_MS = 5000;

/** A cluster that finds itself through a SQLite file of its own. */
export class SkeinCluster implements Side {
  readonly name = "Skein";
  readonly #folder = mkdtempSync(join(tmpdir(), "skein-bench-"));
  readonly #flags: readonly string[];
  readonly #profiles: string | null;
  #profiling = false;
  #windows = 0;
  readonly #nodes: NodeRemote[] = [];
  #driven: readonly { node: NodeRemote; result: Driven }[] = [];
  #driving: readonly NodeRemote[] = [];
  #rowsPerCall = 1;
  #load = "";
  #started = 0;

  private constructor(options: ClusterOptions) {
    this.#flags = options.flags ?? [];
    this.#profiles = options.profiles ?? null;
  }

  /** `count` nodes that are joined. */
  static async start(count: number, options: ClusterOptions = {}): Promise<SkeinCluster> {
    const cluster = new SkeinCluster(options);
    try {
      for (let index = 0; index < count; index++) await cluster.add();
      await cluster.joined();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** One more node; with `probeRows` it is probed from the moment it has its table. */
  async add(
    probeRows: number | null = null,
    place: Partial<Pick<Start, "name" | "port" | "advertise" | "limits">> = {},
  ): Promise<{ node: NodeRemote; started: Started }> {
    const node: NodeRemote = new Remote("./node-process.js", this.#flags);
    this.#nodes.push(node);
    if (this.#profiling) await node.call("profile", null);
    const started = await node.call("start", {
      cluster: "bench",
      name: `n${++this.#started}`,
      file: join(this.#folder, "discovery.db"),
      probeRows,
      ...place,
    });
    return { node, started };
  }

  /** So many at the same moment; what that took, until each of them shares all rows. */
  async addTogether(
    count: number,
    tables: number,
  ): Promise<{ ms: number; delayP99Ms: number; delayMaxMs: number }> {
    const nodes = Array.from({ length: count }, () => {
      const node: NodeRemote = new Remote("./node-process.js", this.#flags);
      this.#nodes.push(node);
      return node;
    });
    // An answer says that the process runs: starting those is no part of it.
    await Promise.all(nodes.map((node) => node.call("watchDelay", null)));
    const start = performance.now();
    await Promise.all(
      nodes.map(async (node) => {
        const name = `n${++this.#started}`;
        const file = join(this.#folder, "discovery.db");
        await node.call("start", { cluster: "bench", name, file, probeRows: null, tables });
        await node.call("joined", count);
      }),
    );
    const ms = performance.now() - start;
    const delays = await Promise.all(nodes.map((node) => node.call("watchedDelay", null)));
    return {
      ms,
      delayP99Ms: Math.max(...delays.map(({ p99Ms }) => p99Ms)),
      delayMaxMs: Math.max(...delays.map(({ maxMs }) => maxMs)),
    };
  }

  /** Ends a node for good, with a goodbye. */
  async remove(node: NodeRemote): Promise<void> {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    await node.stop();
  }

  /** When each node shares all rows with so many, itself included; all of them by default. */
  async joined(count: number = this.#nodes.length): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.call("joined", count)));
  }

  get nodes(): readonly NodeRemote[] {
    return this.#nodes;
  }

  get first(): NodeRemote {
    const [first] = this.#nodes;
    if (!first) throw new Error("there is no node");
    return first;
  }

  get pids(): readonly number[] {
    return this.#nodes.map((node) => node.pid);
  }

  /**
   * Has the first node fill a table, by default that of sessions. In several calls, each within
   * the limit of a call also on a slow machine.
   */
  async load(
    from: number,
    count: number,
    call: "load" | "loadTexts" | "loadIndexed" = "load",
  ): Promise<void> {
    for (let row = from; row < from + count; row += ROWS_PER_LOAD) {
      const rows = Math.min(ROWS_PER_LOAD, from + count - row);
      await this.first.call(call, { from: row, count: rows });
    }
  }

  async start(load: Load): Promise<void> {
    // Before the load, because the start of a profile stops a process for a moment.
    await this.profileStart();
    const { firstNode = 0 } = load;
    this.#driving = this.#nodes.slice(firstNode, firstNode + load.nodes);
    this.#rowsPerCall = load.rowsPerCall;
    const from = firstNode > 0 ? `-from-${firstNode + 1}` : "";
    this.#load = `${load.kind}-${load.callers}x${load.nodes}x${load.rowsPerCall}${from}`;
    await Promise.all(
      this.#driving.map((node, index) => {
        return node.call("drive", { ...load, offset: (index + 1) * OFFSET_PER_NODE });
      }),
    );
  }

  /** Profiles all nodes from here on, also those that come; nothing without a folder. */
  async profileStart(nodes: readonly NodeRemote[] = this.#nodes): Promise<void> {
    if (this.#profiles === null) return;
    this.#profiling = true;
    await Promise.all(nodes.map((node) => node.call("profile", null)));
  }

  /** Writes one file for each node, named after `what` and the node's place. */
  async profileEnd(what: string, nodes: readonly NodeRemote[] = this.#nodes): Promise<void> {
    const folder = this.#profiles;
    if (folder === null) return;
    this.#profiling = false;
    await Promise.all(
      nodes.map((node, index) => {
        return node.call("profiled", join(folder, `${what}-node${index + 1}.cpuprofile`));
      }),
    );
  }

  async mark(): Promise<void> {
    await Promise.all(this.#driving.map((node) => node.call("mark", null)));
  }

  async finish(): Promise<Finished> {
    this.#driven = await Promise.all(
      this.#driving.map(async (node) => ({ node, result: await node.call("finish", null) })),
    );
    await this.profileEnd(`window${++this.#windows}-${this.#load}`);
    return finishedBy(
      this.#driven.map(({ result }) => result),
      this.#rowsPerCall,
    );
  }

  async settle(): Promise<void> {
    await this.compareDigests();
    await Promise.all(
      this.#driven.map(({ node, result }) => {
        return node.call("forget", { from: result.from, to: result.to });
      }),
    );
  }

  /** Throws unless all nodes hold rows of the same sum, by the engine's own count. */
  async compareDigests(): Promise<number> {
    return this.#compare("check");
  }

  /** Throws unless all nodes hold the same keys and values, read one by one. */
  async compareContents(): Promise<number> {
    return this.#compare("contents");
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #compare(how: "check" | "contents"): Promise<number> {
    await Promise.all(this.#nodes.map((node) => node.call("sync", null)));
    const checks = await this.#checks(how);
    const [first] = checks;
    if (first && areEqual(checks)) return first.size;
    await pause(CONVERGENCE_MS);
    const later = areEqual(await this.#checks(how)) ? "equal" : "still different";
    const seen = checks.map(({ size, digest }) => `${size} rows, ${digest}`).join("; ");
    throw new Error(`Skein's replicas differ: ${seen}; ${CONVERGENCE_MS} ms later ${later}`);
  }

  #checks(how: "check" | "contents"): Promise<Check[]> {
    return Promise.all(this.#nodes.map((node) => node.call(how, null)));
  }
}

function areEqual([first, ...others]: readonly Check[]): boolean {
  return others.every((each) => each.size === first?.size && each.digest === first.digest);
}
