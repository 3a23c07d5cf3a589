/** A CPU profile of this process for a while, to be opened in Chrome's developer tools. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";

const SAMPLING_MICROS = 250;

/** Starts with `start`. */
export class Profile {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.setSamplingInterval", { interval: SAMPLING_MICROS });
    await this.#session.post("Profiler.start");
  }

  async stop(file: string): Promise<void> {
    const { profile } = await this.#session.post("Profiler.stop");
    this.#session.disconnect();
    writeFileSync(file, JSON.stringify(profile));
  }
}
