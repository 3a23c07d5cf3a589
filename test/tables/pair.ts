/** Two nodes' tables wired to one another by hand: frames wait until they are delivered. */
import type { TablesLimits } from "../../src/tables/limits.ts";
import { Tables } from "../../src/tables/tables.ts";

/** A frame under way. */
export interface Sent {
  readonly from: number;
  readonly to: number;
  readonly frame: Uint8Array;
}

/** Runs at most this often before it counts as endless. */
const RUNS_MAX = 10_000;

/** The pair; origins are 1 and 2. */
export class Pair {
  readonly sent: Sent[] = [];
  readonly disconnects: string[] = [];
  /** What listeners have thrown. */
  readonly thrown: unknown[] = [];
  readonly a: Tables;
  readonly b: Tables;
  #nowMs = 0;

  constructor(limits: Partial<TablesLimits> = {}) {
    this.a = this.#tables(1, limits);
    this.b = this.#tables(2, limits);
  }

  link(): void {
    this.a.memberUp(2);
    this.b.memberUp(1);
    this.a.linkUp(2, "b");
    this.b.linkUp(1, "a");
    this.settle();
  }

  unlink(): void {
    this.sent.length = 0;
    this.a.linkDown(2);
    this.b.linkDown(1);
  }

  /** Delivers until nothing is under way and nobody has work. */
  settle(): void {
    for (let run = 0; run < RUNS_MAX; run++) {
      const isBusy = [this.a.run(), this.b.run()].includes(true);
      if (!isBusy && this.sent.length === 0) return;
      for (const { to, from, frame } of this.sent.splice(0)) this.node(to).receive(from, frame);
    }
    throw new Error("the pair does not come to rest");
  }

  /** Time passes, and nothing else happens. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  tick(ms: number): void {
    this.pass(ms);
    this.a.tick(true);
    this.b.tick(true);
    this.settle();
  }

  node(origin: number): Tables {
    return origin === 1 ? this.a : this.b;
  }

  #tables(origin: number, limits: Partial<TablesLimits>): Tables {
    return new Tables({
      origin,
      limits,
      wall: () => 1_800_000_000_000 + this.#nowMs,
      now: () => this.#nowMs,
      outbox: {
        send: (to, frame) => this.sent.push({ from: origin, to, frame }),
        disconnect: (peer, reason) => this.disconnects.push(`${origin}-${peer}: ${reason}`),
        wake: () => undefined,
      },
      events: { listenerFailed: (error) => this.thrown.push(error) },
    });
  }
}
