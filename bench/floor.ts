/** The bare transport as a side: one sender, two echoing peers, one message for each row. */
import type { EchoLoad, FloorCalls } from "./floor-process.ts";
import { Remote } from "./remote.ts";
import { type Finished, finishedBy, type Load, type Side } from "./side.ts";

/** As long as an encoded row. */
export const ECHO_BYTES = 190;

/** Bytes as they are sent when nothing is batched. */
export class Floor implements Side {
  readonly name = "bare ws";
  readonly #peers: number;
  readonly #processes: readonly Remote<FloorCalls>[];

  private constructor(processes: readonly Remote<FloorCalls>[]) {
    this.#processes = processes;
    this.#peers = processes.length - 1;
  }

  static async start(peers: number): Promise<Floor> {
    const processes = Array.from({ length: peers + 1 }, () => {
      return new Remote<FloorCalls>("./floor-process.js");
    });
    const floor = new Floor(processes);
    try {
      const ports = await Promise.all(
        processes.slice(1).map((process) => process.call("listen", null)),
      );
      await floor.#sender.call("connect", ports);
    } catch (error) {
      await floor.stop();
      throw error;
    }
    return floor;
  }

  get pids(): readonly number[] {
    return this.#processes.map((process) => process.pid);
  }

  get #sender(): Remote<FloorCalls> {
    const [sender] = this.#processes;
    if (!sender) throw new Error("there is no process");
    return sender;
  }

  async start(load: Load): Promise<void> {
    const echo: EchoLoad = { callers: load.callers, bytes: ECHO_BYTES, peers: this.#peers };
    await this.#sender.call("start", echo);
  }

  async mark(): Promise<void> {
    await this.#sender.call("mark", null);
  }

  async finish(): Promise<Finished> {
    return finishedBy([await this.#sender.call("finish", null)], 1);
  }

  async settle(): Promise<void> {}

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }
}
