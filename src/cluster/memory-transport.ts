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
  readonly #world: World = { listeners: new Map(), links: new Set(), cuts: new Set() };
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A transport of its own for each node. What comes to the node is delivered by `clock`, the
   * network's by default; a clock that holds its calls back makes the node hang.
   */
  transport(clock: Clock = this.#clock): MemoryTransport {
    return new MemoryTransport(clock, `memory://${++this.#lastNumber}`, this.#world);
  }

  /** Nothing passes between the two addresses, and nobody is told: what is sent waits. */
  cut(one: string, other: string): void {
    this.#world.cuts.add(pathOf(one, other));
  }

  /** The opposite of `cut`: what waited arrives, unless its link was closed meanwhile. */
  mend(one: string, other: string): void {
    this.#world.cuts.delete(pathOf(one, other));
    for (const link of this.#world.links) link.resume();
  }

  /** The process at that address has died: its links are reset, and nobody listens there. */
  reset(address: string): void {
    this.#world.listeners.delete(address);
    for (const link of this.#world.links) {
      if (link.local === address) link.close("connection reset", true);
    }
  }
}

interface Listener {
  readonly clock: Clock;
  readonly accept: Accept;
}

/** What the transports of one network share. */
interface World {
  readonly listeners: Map<string, Listener>;
  /** Both ends of each link, until that end has heard that it is closed. */
  readonly links: Set<MemoryLink>;
  /** Paths that nothing passes. */
  readonly cuts: Set<string>;
}

function pathOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** Makes links to the other transports of its network. Made by `MemoryNetwork.transport`. */
export class MemoryTransport implements Transport {
  readonly #clock: Clock;
  readonly #address: string;
  readonly #world: World;

  constructor(clock: Clock, address: string, world: World) {
    this.#clock = clock;
    this.#address = address;
    this.#world = world;
  }

  /** Keeps its address when it listens again after `close`, as a restarted node would. */
  listen(accept: Accept): Promise<Listening> {
    this.#world.listeners.set(this.#address, { clock: this.#clock, accept });
    return Promise.resolve({ address: this.#address });
  }

  dial(address: string, handler: DialHandler): { abort(): void } {
    const attempt = { isAborted: false };
    this.#clock.defer(() => {
      if (attempt.isAborted) return;
      const listener = this.#world.listeners.get(address);
      if (this.#world.cuts.has(pathOf(this.#address, address))) {
        handler.failed("unreachable", `nothing passes to ${address}`);
      } else if (listener !== undefined) this.#open({ address, listener, attempt, handler });
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
    this.#world.listeners.delete(this.#address);
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
    const near = new MemoryLink(this.#world, this.#clock, {
      local: this.#address,
      remote: address,
    });
    const ends = { local: address, remote: this.#address };
    const far = new MemoryLink(this.#world, listener.clock, ends);
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
  readonly local: string;
  readonly remote: string;
  readonly #world: World;
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

  constructor(world: World, clock: Clock, ends: { local: string; remote: string }) {
    this.#world = world;
    this.#clock = clock;
    this.local = ends.local;
    this.remote = ends.remote;
  }

  join(other: MemoryLink): void {
    this.#other = other;
    other.#other = this;
  }

  attach(handler: LinkHandler): void {
    this.#handler = handler;
    if (!this.#isDone) this.#world.links.add(this);
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

  /** Its path is open again. */
  resume(): void {
    this.#schedule();
  }

  #isCut(): boolean {
    const { cuts } = this.#world;
    return cuts.size > 0 && cuts.has(pathOf(this.local, this.remote));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#handler === undefined) return;
    this.#isScheduled = true;
    this.#clock.defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    // What is closed here needs no path to be heard of here.
    if (!this.#isClosedHere && this.#isCut()) return;
    const frames = this.#arriving;
    this.drop();
    for (const frame of frames) {
      if (this.#isClosedHere) break;
      this.#handler?.frame(frame);
    }
    if (this.#closing === undefined || this.#isDone) return;
    this.#isDone = true;
    this.#world.links.delete(this);
    this.#handler?.closed(this.#closing);
  }
}
