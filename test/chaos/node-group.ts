/**
 * The node processes of a run, each behind its gate of the network if there is one: started,
 * killed, started again. Remembers every incarnation, and every process that ended without being
 * told to.
 */
import { Child, nodeProgram } from "../processes/child.ts";
import type { Facts, NodePlan, Pulse, Started } from "../processes/plan.ts";
import { freePort } from "../servers/free-port.ts";
import type { FaultNetwork } from "./fault-network.ts";

/** What all nodes of a run have in common. */
export type SharedPlan = Pick<
  NodePlan,
  "cluster" | "folder" | "discovery" | "limits" | "pauseMs" | "pulseMs" | "mirrors" | "clusterSize"
>;

/** Wholeness is asked for so often, ms. */
const POLL_MS = 25;

/** See the head of this file. */
export class NodeGroup {
  readonly names: readonly string[];
  readonly #network: FaultNetwork | undefined;
  readonly #plan: SharedPlan;
  readonly #addresses = new Map<string, string>();
  readonly #children = new Map<string, Child>();
  readonly #origins = new Map<string, number>();
  readonly #past: { readonly child: Child; readonly pulse: Pulse }[] = [];
  /** Incarnations that were killed or have left. */
  readonly dead: number[] = [];

  constructor(names: readonly string[], plan: SharedPlan, network?: FaultNetwork) {
    this.names = names;
    this.#network = network;
    this.#plan = plan;
  }

  /** Starts all of them at once. */
  async start(): Promise<Started[]> {
    if (this.#network !== undefined) {
      for (const name of this.names) {
        this.#addresses.set(name, `ws://127.0.0.1:${await this.#network.add(name)}`);
      }
    }
    return Promise.all(this.names.map((name) => this.startNode(name)));
  }

  /** Starts one node and resolves when it listens and has its identity. */
  async startNode(name: string): Promise<Started> {
    const child = new Child({ ...this.#plan, name, ...(await this.#placeOf(name)) }, nodeProgram());
    this.#children.set(name, child);
    const started = await child.started;
    this.#origins.set(name, started.origin);
    return started;
  }

  /** Its port and its address, where it has a gate. */
  async #placeOf(name: string): Promise<Pick<NodePlan, "listenPort" | "advertise">> {
    if (this.#network === undefined) return {};
    const listenPort = await freePort();
    await this.#network.open(name, listenPort);
    return { listenPort, advertise: this.#addresses.get(name) ?? "" };
  }

  /** Starts the writers of that node, or of all. */
  async write(...names: readonly string[]): Promise<void> {
    const chosen = names.length === 0 ? this.names : names;
    await Promise.all(chosen.map((name) => this.child(name).ask({ kind: "write" })));
  }

  /** Ends all writers; resolves when their last writes have settled. */
  async rest(): Promise<void> {
    await Promise.all(this.all().map((child) => child.ask({ kind: "rest" })));
  }

  async kill(name: string): Promise<void> {
    const child = this.child(name);
    const origin = this.#origins.get(name);
    await child.kill();
    await this.#network?.close(name);
    if (origin !== undefined) this.dead.push(origin);
    this.#past.push({ child, pulse: child.pulse });
  }

  /** Says goodbye, with writes under way, before the process ends. */
  async leave(name: string): Promise<void> {
    await this.child(name).ask({ kind: "leave" });
    await this.kill(name);
  }

  child(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`there is no ${name}`);
    return child;
  }

  all(): Child[] {
    return this.names.map((name) => this.child(name));
  }

  /** Incarnations that run, by node. */
  get live(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#origins);
  }

  facts(): Promise<Facts[]> {
    return Promise.all(this.all().map((child) => child.facts()));
  }

  /** Every node has joined every other, and all of them find one another's tables right. */
  async isWhole(): Promise<boolean> {
    const facts = await this.facts();
    const whole = (one: Facts) =>
      one.joined.length === this.names.length && one.tablesAgree && one.discoveryWorks;
    return facts.every(whole);
  }

  /** Resolves once `holds` does, with the time that took, ms. */
  async until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<number> {
    const from = performance.now();
    while (!(await holds())) {
      if (performance.now() - from > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      this.checkAlive();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return performance.now() - from;
  }

  /** Throws if a process has ended by itself. */
  checkAlive(): void {
    const lost = this.lost();
    if (lost.length > 0) throw new Error(`ended by itself: ${lost.join("; ")}`);
  }

  lost(): string[] {
    const all = [...this.#children.values(), ...this.#past.map(({ child }) => child)];
    return all.filter((child) => !child.isAsWanted).map(({ name, output }) => `${name}: ${output}`);
  }

  /** What all processes, also those of the past, have written so far. */
  written(): Pulse {
    const living = new Set<Child>(this.#past.map(({ child }) => child));
    const now = [...this.#children.values()].filter((child) => !living.has(child));
    const pulses = [...this.#past.map(({ pulse }) => pulse), ...now.map(({ pulse }) => pulse)];
    const rejected: Record<string, number> = {};
    for (const pulse of pulses) {
      for (const [code, n] of Object.entries(pulse.rejected)) {
        rejected[code] = (rejected[code] ?? 0) + n;
      }
    }
    return {
      acknowledged: pulses.reduce((sum, pulse) => sum + pulse.acknowledged, 0),
      rejected,
      longestMs: Math.max(0, ...pulses.map((pulse) => pulse.longestMs)),
    };
  }

  async dispose(): Promise<void> {
    for (const child of this.#children.values()) child.resume();
    await Promise.all([...this.#children.values()].map((child) => child.kill()));
  }
}
