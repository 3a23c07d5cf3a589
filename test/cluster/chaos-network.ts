/**
 * A network with a will of its own: every hop takes a random time, links may break for one
 * end before the other or hang, and a node may be known under several addresses.
 */
import type { DialHandler, Link, LinkHandler, Transport } from "../../src/cluster/transport.ts";
import type { Clock, Random } from "../../src/runtime.ts";

type Accept = (link: Link) => LinkHandler;

export class ChaosNetwork {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest time of one hop, ms. */
  hopMsMax = 100;
  readonly listeners = new Map<string, Accept>();
  /** Links of which neither end is closed yet. */
  readonly open = new Set<ChaosLink>();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  hopMs(): number {
    return this.random.float() * this.hopMsMax;
  }

  transport(...addresses: string[]): Pick<Transport, "dial"> & { listen(accept: Accept): void } {
    return {
      listen: (accept) => {
        for (const address of addresses) this.listeners.set(address, accept);
      },
      dial: (address, handler) => this.#dial(address, handler),
    };
  }

  /** Breaks some open link; each end hears of it after a time of its own. */
  breakOne(): void {
    const links = [...this.open];
    const link = links[Math.floor(this.random.float() * links.length)];
    link?.break();
  }

  #dial(address: string, handler: DialHandler): { abort(): void } {
    let isAborted = false;
    this.clock.after(this.hopMs(), () => {
      const accept = this.listeners.get(address);
      if (accept === undefined) {
        this.clock.after(this.hopMs(), () => {
          if (!isAborted) handler.failed("refused", "nobody there");
        });
        return;
      }
      const near = new ChaosLink(this, address);
      const far = new ChaosLink(this, "somewhere");
      near.other = far;
      far.other = near;
      // The opening is the first thing that comes from there, so all else waits for it.
      far.later(() => {
        if (isAborted) return near.close("given up");
        this.open.add(near);
        near.handler = handler.opened(near);
      });
      far.handler = accept(far);
    });
    return {
      abort: () => {
        isAborted = true;
      },
    };
  }
}

export class ChaosLink implements Link {
  readonly remote: string;
  other: ChaosLink | undefined;
  handler: LinkHandler | undefined;
  readonly #network: ChaosNetwork;
  /** The time at which the latest thing sent from here arrives: order is kept. */
  #lastArrival = 0;
  #isClosed = false;

  constructor(network: ChaosNetwork, remote: string) {
    this.#network = network;
    this.remote = remote;
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.later(() => this.other?.arrive(frame));
  }

  bufferedBytes(): number {
    return 0;
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.later(() => this.other?.gone(reason));
    this.gone(reason);
  }

  /** Neither end did it; one of them may hear of it long before the other. */
  break(): void {
    const { clock } = this.#network;
    for (const end of [this, this.other]) {
      clock.after(this.#network.hopMs() * 5, () => end?.gone("connection reset"));
    }
  }

  arrive(frame: Uint8Array): void {
    if (!this.#isClosed) this.handler?.frame(frame);
  }

  gone(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#network.open.delete(this);
    if (this.other !== undefined) this.#network.open.delete(this.other);
    this.#network.clock.defer(() => this.handler?.closed(reason));
  }

  later(fn: () => void): void {
    const { clock } = this.#network;
    this.#lastArrival = Math.max(this.#lastArrival, clock.now() + this.#network.hopMs());
    clock.after(this.#lastArrival - clock.now(), fn);
  }
}
