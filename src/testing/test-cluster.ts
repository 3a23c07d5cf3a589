/**
 * A cluster in one process, for tests: real nodes, links in memory, and time that the test moves.
 * Writes resolve by themselves; what takes time (a failure detected, a row expired) takes
 * `advance`. Nodes can be killed, started again, held up and cut from one another.
 */

import { MemoryNetwork } from "../cluster/memory-transport.ts";
import { InvalidArgumentError, InvalidOptionsError } from "../errors.ts";
import { Node } from "../node/node.ts";
import { checkNodeOptions, type NodeOptions } from "../node/options.ts";
import { ProcessClock } from "./process-clock.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Options of nodes that a test may set; the cluster gives the others. */
export type TestNodeOptions = Partial<
  Omit<NodeOptions, "name" | "cluster" | "listen" | "advertise" | "discovery" | "tls" | "zeroMask">
>;

export interface TestClusterOptions {
  /** Names of the nodes that are started. Default "a", "b" and "c". */
  readonly nodes?: readonly string[];
  /** For each of them. Default `{}`. */
  readonly options?: TestNodeOptions;
  /** Same seed, same random waits. Default 1. */
  readonly seed?: number;
}

/** A running process of the cluster. */
interface Process {
  readonly node: Node;
  readonly clock: ProcessClock;
  readonly address: string;
}

/** How long nodes may take to find one another, ms. */
const JOIN_MS = 60_000;
/** A restarted process is a newer one: its start takes some time. */
const START_MS = 100;
const NODES_MAX = 100;

/**
 * Starts that many nodes and waits until they are one cluster.
 * @throws InvalidOptionsError
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { nodes = ["a", "b", "c"], options: given = {}, seed = 1 } = options;
  if (nodes.length > NODES_MAX || new Set(nodes).size < nodes.length) {
    const fault = `nodes are ${nodes.join(", ")}, allowed are at most ${NODES_MAX} different names`;
    throw new InvalidOptionsError("test cluster", [fault]);
  }
  const cluster = new TestCluster(given, seed);
  try {
    for (const name of nodes) await cluster.start(name);
    await cluster.joined();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** Made by `startTestCluster`. Call `stop` at the end. */
export class TestCluster {
  /** The time of all nodes. Move it by `advance`, not by its own methods. */
  readonly clock: VirtualClock;
  readonly #options: TestNodeOptions;
  readonly #random: SeededRandom;
  readonly #network: MemoryNetwork;
  readonly #processes = new Map<string, Process>();
  /** Address of each name, as a discovery table keeps them. */
  readonly #addresses = new Map<string, string>();
  readonly #endings: Promise<void>[] = [];

  /** Use `startTestCluster`. */
  constructor(options: TestNodeOptions, seed: number) {
    this.clock = new VirtualClock(undefined, () => setImmediate(() => this.clock.settle()));
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.#network = new MemoryNetwork(this.clock);
  }

  /** Those that run, in the order in which they were started. */
  get nodes(): readonly Node[] {
    return [...this.#processes.values()].map(({ node }) => node);
  }

  /** A node that runs. Throws InvalidArgumentError if none of that name does. */
  node(name: string): Node {
    return this.#process(name).node;
  }

  /**
   * Starts one more, or one again that has ended; `options` of its own come before those of all.
   * Others find it as time goes on: see `joined`.
   */
  async start(name: string, options: TestNodeOptions = {}): Promise<Node> {
    if (this.#processes.has(name)) throw new InvalidArgumentError(`node "${name}" runs already`);
    await this.advance(START_MS);
    const clock = new ProcessClock(this.clock);
    const transport = this.#network.transport(clock);
    const checked = checkNodeOptions({
      ...this.#options,
      ...options,
      cluster: "test",
      name,
      discovery: { getNodes: () => [...this.#addresses.values()] },
    });
    const random = this.#random;
    const node = new Node(checked, { clock, random, transport: () => transport });
    await node.begin();
    this.#addresses.set(name, node.address);
    this.#processes.set(name, { node, clock, address: node.address });
    return node;
  }

  /** Ends a process as `kill -9` does: its links are reset, and nobody hears a word of it. */
  kill(name: string): void {
    const { node, clock, address } = this.#process(name);
    this.#processes.delete(name);
    clock.freeze();
    this.#network.reset(address);
    this.#endings.push(node.stop());
  }

  /** Has a node say goodbye and end. */
  async leave(name: string): Promise<void> {
    const { node } = this.#process(name);
    this.#processes.delete(name);
    this.#addresses.delete(name);
    await node.leave();
    await this.#quiet();
  }

  /** Nothing of the node runs until `resume`, as when a process is stopped or computes for long. */
  hang(name: string): void {
    this.#process(name).clock.freeze();
  }

  resume(name: string): void {
    this.#process(name).clock.thaw();
  }

  /**
   * Lets nothing pass between the nodes of different sides; `cut(["a"], ["b", "c"])` splits three.
   * Nobody is told: what is sent waits, until a time-out ends the link or `mend` opens the path.
   */
  cut(...sides: readonly (readonly string[])[]): void {
    this.#eachPath(sides, (one, other) => this.#network.cut(one, other));
  }

  /** The opposite of `cut`. */
  mend(...sides: readonly (readonly string[])[]): void {
    this.#eachPath(sides, (one, other) => this.#network.mend(one, other));
  }

  /** Lets that much time pass, ms, and everything happen that happens meanwhile. */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new InvalidArgumentError(`ms is ${String(ms)}, allowed are numbers from 0`);
    }
    const end = this.clock.now() + ms;
    for (;;) {
      await this.#quiet();
      const next = this.clock.nextTimer;
      if (next === undefined || next > end) break;
      this.clock.advance(next - this.clock.now());
    }
    this.clock.advance(end - this.clock.now());
    await this.#quiet();
  }

  /** Lets time pass until the condition holds; throws if it does not within `limitMs`. */
  async until(condition: () => boolean, limitMs = JOIN_MS): Promise<void> {
    const end = this.clock.now() + limitMs;
    await this.#quiet();
    while (!condition()) {
      const next = this.clock.nextTimer;
      if (next === undefined || next > end) {
        throw new Error(`${limitMs} ms have passed, and still not: ${condition.toString()}`);
      }
      this.clock.advance(Math.max(0, next - this.clock.now()));
      await this.#quiet();
    }
  }

  /** Waits until the nodes that run, and no others, share their rows. */
  async joined(): Promise<void> {
    const names = [...this.#processes.keys()].sort().join();
    await this.until(() =>
      this.nodes.every((node) => [...node.status().joinedNodes].sort().join() === names),
    );
  }

  /** Ends all nodes. */
  async stop(): Promise<void> {
    for (const { node, clock } of this.#processes.values()) {
      clock.thaw();
      this.#endings.push(node.stop());
    }
    this.#processes.clear();
    await Promise.all(this.#endings);
  }

  #process(name: string): Process {
    const process = this.#processes.get(name);
    if (process !== undefined) return process;
    const running = [...this.#processes.keys()].join(", ");
    throw new InvalidArgumentError(`node "${name}" does not run; there are ${running}`);
  }

  #eachPath(
    sides: readonly (readonly string[])[],
    visit: (one: string, other: string) => void,
  ): void {
    const addresses = sides.map((side) => side.map((name) => this.#process(name).address));
    for (const [at, side] of addresses.entries()) {
      for (const others of addresses.slice(at + 1)) {
        for (const one of side) for (const other of others) visit(one, other);
      }
    }
  }

  /** Runs what is deferred, and what awaits it, until nothing is left. Time stands still. */
  async #quiet(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.settle();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.clock.hasDeferred);
  }
}
