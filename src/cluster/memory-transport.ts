/**
 * Links within one process, for tests: one MemoryNetwork per test, one transport per node.
 * Everything is delivered by the clock's `defer`, so a virtual clock decides when.
 */
import type { Clock } from "../runtime.ts";
import type { DialHandler, Link, LinkHandler, Listening, Transport } from "./transport.ts";

type Accept = (link: Link) => LinkHandler;

/** What its transports listen on: addresses are "memory://1", "memory://2" and so on. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Listener>();
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A transport of its own for each node. What comes to the node is delivered by `clock`, the
   * network's by default; a clock that holds its calls back makes the node hang.
   */
  transport(clock: Clock = this.#clock): MemoryTransport {
    const claim = () => `memory://${++this.#lastNumber}`;
    return new MemoryTransport(clock, { claim, listeners: this.#listeners });
  }
}

interface Listener {
  readonly clock: Clock;
  readonly accept: Accept;
}

interface Addresses {
  claim(): string;
  readonly listeners: Map<string, Listener>;
}

/** Makes links to the other transports of its network. Made by `MemoryNetwork.transport`. */
export class MemoryTransport implements Transport {
  readonly #clock: Clock;
  readonly #addresses: Addresses;
  #address: string | undefined;

  constructor(clock: Clock, addresses: Addresses) {
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /** Keeps its address when it listens again after `close`, as a restarted node would. */
  listen(accept: Accept): Promise<Listening> {
    this.#address ??= this.#addresses.claim();
    this.#addresses.listeners.set(this.#address, { clock: this.#clock, accept });
    return Promise.resolve({ address: this.#address });
  }

  dial(address: string, handler: DialHandler): { abort(): void } {
    const attempt = { isAborted: false };
    this.#clock.defer(() => {
      if (attempt.isAborted) return;
      const listener = this.#addresses.listeners.get(address);
      if (listener !== undefined) this.#open({ address, listener, attempt, handler });
      else if (address.startsWith("memory://")) {
        handler.failed("refused", `nobody listens at ${address}`);
      } else handler.failed("invalid", `"${address}" is no address of this network`);
    });
    return {
      abort() {
        attempt.isAborted = true;
      },
    };
  }

  /** Stops listening; links stay open. */
  close(): Promise<void> {
    if (this.#address !== undefined) this.#addresses.listeners.delete(this.#address);
    return Promise.resolve();
  }

  /** As over a network, the dialler has its link a little after the listener. */
  #open(dial: {
    address: string;
    listener: Listener;
    attempt: { isAborted: boolean };
    handler: DialHandler;
  }): void {
    const { address, listener, attempt, handler } = dial;
    const near = new MemoryLink(this.#clock, address);
    const far = new MemoryLink(listener.clock, this.#address ?? "memory://unnamed");
    near.join(far);
    listener.clock.defer(() => {
      if (attempt.isAborted) return;
      far.attach(listener.accept(far));
      this.#clock.defer(() => {
        if (attempt.isAborted) near.close("dial given up");
        else near.attach(handler.opened(near));
      });
    });
  }
}

class MemoryLink implements Link {
  readonly remote: string;
  readonly #clock: Clock;
  #other: MemoryLink | undefined;
  #handler: LinkHandler | undefined;
  /** Sent by the other end and not delivered yet. */
  #arriving: Uint8Array[] = [];
  #arrivingBytes = 0;
  #isScheduled = false;
  /** Why the link ends; frames on their way here still arrive unless this end closed it. */
  #closing: string | undefined;
  #isClosedHere = false;
  #isDone = false;

  constructor(clock: Clock, remote: string) {
    this.#clock = clock;
    this.remote = remote;
  }

  join(other: MemoryLink): void {
    this.#other = other;
    other.#other = this;
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
    this.#schedule();
  }

  send(frame: Uint8Array): void {
    if (this.#closing !== undefined) return;
    this.#other?.arrive(frame);
  }

  bufferedBytes(): number {
    return this.#closing === undefined ? (this.#other?.arrivingBytes ?? 0) : 0;
  }

  close(reason: string, flush = false): void {
    if (this.#closing !== undefined) return;
    this.#isClosedHere = true;
    if (!flush) this.#other?.drop();
    this.drop();
    this.#other?.hangUp(reason);
    this.hangUp(reason);
  }

  get arrivingBytes(): number {
    return this.#arrivingBytes;
  }

  arrive(frame: Uint8Array): void {
    if (this.#closing !== undefined) return;
    this.#arriving.push(frame);
    this.#arrivingBytes += frame.length;
    this.#schedule();
  }

  drop(): void {
    this.#arriving = [];
    this.#arrivingBytes = 0;
  }

  /** Nothing more comes; what is on its way still does. */
  hangUp(reason: string): void {
    this.#closing ??= reason;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#handler === undefined) return;
    this.#isScheduled = true;
    this.#clock.defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    const frames = this.#arriving;
    this.drop();
    for (const frame of frames) {
      if (this.#isClosedHere) break;
      this.#handler?.frame(frame);
    }
    if (this.#closing === undefined || this.#isDone) return;
    this.#isDone = true;
    this.#handler?.closed(this.#closing);
  }
}
