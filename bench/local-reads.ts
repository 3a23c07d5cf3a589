/** Reads of one Skein node as a side: they are local, so there is one caller whatever the load. */
import { cpuSeconds } from "./cpu.ts";
import type { ReadResult } from "./read-loop.ts";
import type { Finished, Load, Side } from "./side.ts";
import type { NodeRemote } from "./skein-cluster.ts";

/** The node's table is filled and prepared for reads. */
export class LocalReads implements Side {
  readonly name = "Skein";
  readonly pids: readonly number[];
  readonly #node: NodeRemote;
  readonly #measuredMs: number;
  #load: Load | null = null;
  #result: Promise<ReadResult> | null = null;

  constructor(node: NodeRemote, measuredMs: number) {
    this.#node = node;
    this.#measuredMs = measuredMs;
    this.pids = Number.isNaN(cpuSeconds([node.pid])) ? [] : [node.pid];
  }

  async start(load: Load): Promise<void> {
    this.#load = load;
  }

  async mark(): Promise<void> {
    const kind = this.#load?.kind === "prefix" ? "scan" : "textMade";
    this.#result = this.#node.call("read", { kind, measuredMs: this.#measuredMs });
    // Whoever awaits it comes later; a failure is theirs.
    this.#result.catch(() => undefined);
  }

  async finish(): Promise<Finished> {
    if (!this.#result) throw new Error("nothing was started");
    const { rate, p50Nanos, p99Nanos, maxNanos } = await this.#result;
    return {
      rate,
      p50: p50Nanos / 1000,
      p99: p99Nanos / 1000,
      max: maxNanos / 1000,
      // The loop reads in one piece, so timers are late by as much as it was told to read.
      delayP99Ms: Number.NaN,
      delayMaxMs: Number.NaN,
    };
  }

  async settle(): Promise<void> {}

  async stop(): Promise<void> {}
}
