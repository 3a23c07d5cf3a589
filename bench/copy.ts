/** The bare copy as a side: Maps in three processes, kept alike over WebSockets and no more. */
import type { CopyCalls } from "./copy-process.ts";
import type { LoopResult } from "./loop.ts";
import type { RowRange } from "./node-load.ts";
import { Remote } from "./remote.ts";
import { type Finished, finishedBy, type Load, type Side } from "./side.ts";

/** Rows that loads write start here, for each process a range of its own. */
const OFFSET_PER_PROCESS = 100_000_000;

/** What does more, with the same libraries, takes longer. */
export class BareCopy implements Side {
  readonly name = "bare copy";
  readonly #processes: readonly Remote<CopyCalls>[];
  #driving: readonly Remote<CopyCalls>[] = [];
  #rowsPerCall = 1;
  #written: readonly RowRange[] = [];

  private constructor(processes: readonly Remote<CopyCalls>[]) {
    this.#processes = processes;
  }

  static async start(count: number): Promise<BareCopy> {
    const processes = Array.from({ length: count }, () => {
      return new Remote<CopyCalls>("./copy-process.js");
    });
    const copy = new BareCopy(processes);
    try {
      const ports = await Promise.all(processes.map((each) => each.call("listen", null)));
      for (const [at, each] of processes.entries()) {
        await each.call(
          "connect",
          ports.filter((_, other) => other !== at),
        );
      }
    } catch (error) {
      await copy.stop();
      throw error;
    }
    return copy;
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async load(from: number, count: number): Promise<void> {
    await this.#processes[0]?.call("load", { from, count });
  }

  async start(load: Load): Promise<void> {
    this.#driving = this.#processes.slice(0, load.nodes);
    this.#rowsPerCall = load.rowsPerCall;
    await Promise.all(
      this.#driving.map((each, index) => {
        return each.call("drive", { ...load, offset: (index + 1) * OFFSET_PER_PROCESS });
      }),
    );
  }

  async mark(): Promise<void> {
    await Promise.all(this.#driving.map((each) => each.call("mark", null)));
  }

  async finish(): Promise<Finished> {
    const results: (LoopResult & RowRange)[] = await Promise.all(
      this.#driving.map((each) => each.call("finish", null)),
    );
    this.#written = results;
    return finishedBy(results, this.#rowsPerCall);
  }

  /** Throws unless each process held every row that was written. */
  async settle(): Promise<void> {
    for (const { from, to } of this.#written) {
      const held = await Promise.all(
        this.#processes.map((each) => each.call("forget", { from, to })),
      );
      if (held.some((count) => count !== to - from)) {
        throw new Error(`of ${to - from} rows ${held.join(", ")} were in the Maps`);
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
  }
}
