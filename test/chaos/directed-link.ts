/**
 * What the network does to bytes that go from one node to another. Faults add up: a link that
 * two faults hold flows again when both have ended.
 */

/** Bytes under way that a held or slow direction keeps before it stops reading. */
export const UNDER_WAY_BYTES_MAX = 1024 * 1024;

/** See the head of this file. Told apart by direction: there is another one the other way. */
export class DirectedLink {
  readonly from: string;
  readonly to: string;
  readonly #listeners = new Set<() => void>();
  readonly #rates: number[] = [];
  #cuts = 0;
  #holds = 0;
  #delayMs = 0;

  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }

  /** Connections that `from` has dialled are reset, and so are new ones. */
  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** Bytes, and the news that a connection has ended, stay under way. */
  get isHeld(): boolean {
    return this.#holds > 0;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  /** Bytes per second; undefined: as fast as it goes. */
  get rate(): number | undefined {
    return this.#rates.length === 0 ? undefined : Math.min(...this.#rates);
  }

  /** Each of these begins a fault and returns what ends it. */
  cut(): () => void {
    return this.#fault(
      () => this.#cuts++,
      () => this.#cuts--,
    );
  }

  hold(): () => void {
    return this.#fault(
      () => this.#holds++,
      () => this.#holds--,
    );
  }

  delay(ms: number): () => void {
    return this.#fault(
      () => {
        this.#delayMs += ms;
      },
      () => {
        this.#delayMs -= ms;
      },
    );
  }

  throttle(bytesPerSecond: number): () => void {
    return this.#fault(
      () => this.#rates.push(bytesPerSecond),
      () => this.#rates.splice(this.#rates.indexOf(bytesPerSecond), 1),
    );
  }

  /** Calls back after each change; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #fault(begin: () => void, end: () => void): () => void {
    let ended = false;
    begin();
    this.#changed();
    return () => {
      if (ended) return;
      ended = true;
      end();
      this.#changed();
    };
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
