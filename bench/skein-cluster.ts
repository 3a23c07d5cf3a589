/** Skein nodes, each a process, and the whole of them as a side of a comparison. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { latencyOf } from "./latency.ts";
import type { Driven, NodeCalls, Started } from "./node-process.ts";
import { Remote } from "./remote.ts";
import type { Finished, Load, Side } from "./side.ts";

/** One node process. */
export type NodeRemote = Remote<NodeCalls>;

/** Rows that loads write start here, for each node a range of its own. */
const OFFSET_PER_NODE = 100_000_000;

/** A cluster that finds itself through a SQLite file of its own. */
export class SkeinCluster implements Side {
  readonly name = "Skein";
  readonly #folder = mkdtempSync(join(tmpdir(), "skein-bench-"));
  readonly #flags: readonly string[];
  readonly #nodes: NodeRemote[] = [];
  #driven: readonly { node: NodeRemote; result: Driven }[] = [];
  #driving: readonly NodeRemote[] = [];
  #rowsPerCall = 1;
  #started = 0;

  private constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  /** `count` nodes that are joined. `flags` are Node's own. */
  static async start(count: number, flags: readonly string[] = []): Promise<SkeinCluster> {
    const cluster = new SkeinCluster(flags);
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
  async add(probeRows: number | null = null): Promise<{ node: NodeRemote; started: Started }> {
    const node: NodeRemote = new Remote("./node-process.js", this.#flags);
    this.#nodes.push(node);
    const started = await node.call("start", {
      cluster: "bench",
      name: `n${++this.#started}`,
      file: join(this.#folder, "discovery.db"),
      probeRows,
    });
    return { node, started };
  }

  /** Ends a node for good, with a goodbye. */
  async remove(node: NodeRemote): Promise<void> {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    await node.stop();
  }

  /** When each node shares all rows with each other. */
  async joined(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.call("joined", this.#nodes.length)));
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

  async load(from: number, count: number): Promise<void> {
    await this.first.call("load", { from, count });
  }

  async start(load: Load): Promise<void> {
    this.#driving = this.#nodes.slice(0, load.nodes);
    this.#rowsPerCall = load.rowsPerCall;
    await Promise.all(
      this.#driving.map((node, index) => {
        return node.call("drive", { ...load, offset: (index + 1) * OFFSET_PER_NODE });
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
    const results = this.#driven.map(({ result }) => result);
    const rates = results.map(({ samples }) => samples.calls / samples.seconds);
    return {
      rate: rates.reduce((sum, rate) => sum + rate, 0) * this.#rowsPerCall,
      ...latencyOf(results.map(({ samples }) => samples)),
      delayMs: Math.max(...results.map(({ delay }) => delay.p99Ms)),
    };
  }

  async settle(): Promise<void> {
    await this.#compare("check");
    await Promise.all(
      this.#driven.map(({ node, result }) => {
        return node.call("forget", { from: result.from, to: result.to });
      }),
    );
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
    const checks = await Promise.all(this.#nodes.map((node) => node.call(how, null)));
    const [first] = checks;
    if (!first || checks.some((each) => each.size !== first.size || each.digest !== first.digest)) {
      const seen = checks.map(({ size, digest }) => `${size} rows, ${digest}`).join("; ");
      throw new Error(`Skein's replicas differ: ${seen}`);
    }
    return first.size;
  }
}
