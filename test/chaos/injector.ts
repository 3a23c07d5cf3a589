/** Lets the faults of a round befall a cluster, each from its begin to its end, and counts them. */
import type { ServerFaults } from "../servers/server.ts";
import type { FaultNetwork } from "./fault-network.ts";
import type { Stopped } from "./longest-write.ts";
import type { NodeGroup } from "./node-group.ts";
import { FAULT_KINDS, type Fault, type FaultKind } from "./rounds.ts";

type End = () => Promise<void> | void;

/** See the head of this file. */
export class Injector {
  readonly #nodes: NodeGroup;
  readonly #network: FaultNetwork;
  readonly #database: ServerFaults | undefined;
  readonly #active = new Set<string>();
  /** How often each kind was injected, and for how long in all, ms. */
  readonly injected: Record<FaultKind["kind"], { count: number; ms: number }>;
  /** Which processes did not run, and when. */
  readonly stopped: Stopped[] = [];

  constructor(nodes: NodeGroup, network: FaultNetwork, database: ServerFaults | undefined) {
    this.#nodes = nodes;
    this.#network = network;
    this.#database = database;
    const none = FAULT_KINDS.map((kind) => [kind, { count: 0, ms: 0 }]);
    this.injected = Object.fromEntries(none);
  }

  /** What is going on at this moment, in words. */
  get active(): readonly string[] {
    return [...this.#active];
  }

  /** Resolves when the last fault of the round is mended. */
  async round(faults: readonly Fault[]): Promise<void> {
    await Promise.all(faults.map((fault) => this.#run(fault)));
  }

  async #run(fault: Fault): Promise<void> {
    await pause(fault.atMs);
    const words = describeFault(fault);
    const from = performance.now();
    this.#active.add(words);
    const end = await this.#begin(fault);
    await pause(fault.forMs);
    await end();
    this.#active.delete(words);
    const counted = this.injected[fault.kind];
    counted.count++;
    counted.ms += performance.now() - from;
  }

  async #begin(fault: Fault): Promise<End> {
    switch (fault.kind) {
      case "kill":
      case "leave":
        await this.#nodes[fault.kind](fault.node);
        return async () => {
          await this.#nodes.startNode(fault.node);
          await this.#nodes.write(fault.node);
        };
      case "stop": {
        const child = this.#nodes.child(fault.node);
        const from = Date.now();
        child.pause();
        return () => {
          child.resume();
          this.stopped.push({ node: fault.node, from, to: Date.now() });
        };
      }
      case "cut":
        return all([this.#link(fault).cut(), this.#backOf(fault).cut()]);
      case "dialCut":
        return this.#link(fault).cut();
      case "halfOpen":
        return this.#link(fault).hold();
      case "silence":
        return all([this.#link(fault).hold(), this.#backOf(fault).hold()]);
      case "delay":
        return this.#link(fault).delay(fault.delayMs);
      case "throttle":
        return this.#link(fault).throttle(fault.bytesPerSecond);
      case "split":
        return this.#split(fault.side, fault.silently);
      case "database":
        return this.#harmDatabase(fault.how);
      default:
        throw new Error(`unknown fault ${JSON.stringify(fault satisfies never)}`);
    }
  }

  #link({ from, to }: { readonly from: string; readonly to: string }) {
    return this.#network.link(from, to);
  }

  #backOf({ from, to }: { readonly from: string; readonly to: string }) {
    return this.#network.link(to, from);
  }

  #split(side: readonly string[], silently: boolean): End {
    const ends: End[] = [];
    const others = this.#nodes.names.filter((name) => !side.includes(name));
    for (const one of side) {
      for (const other of others) {
        for (const link of [this.#network.link(one, other), this.#network.link(other, one)]) {
          ends.push(silently ? link.hold() : link.cut());
        }
      }
    }
    return all(ends);
  }

  async #harmDatabase(how: "stop" | "kill" | "pause"): Promise<End> {
    const database = this.#database;
    if (database === undefined) throw new Error("there is no server that is ours to stop");
    if (how === "pause") {
      database.pause();
      return () => database.resume();
    }
    await database[how]();
    return () => database.start();
  }
}

/** For the line of progress. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
    case "leave":
    case "stop":
      return `${fault.kind} ${fault.node}`;
    case "split":
      return `${fault.silently ? "silent split" : "split"} ${fault.side.join("+")}`;
    case "database":
      return `database ${fault.how}`;
    default:
      return `${fault.kind} ${fault.from}>${fault.to}`;
  }
}

function all(ends: readonly End[]): End {
  return async () => {
    for (const end of ends) await end();
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
