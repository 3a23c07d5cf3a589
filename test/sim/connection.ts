/**
 * One simulated connection: two ends, each with a queue of packets on their way to the other.
 * Packets arrive in order or not at all. Frames are copied when they are sent; the copy is
 * spoilt after delivery, so that a receiver that keeps the bytes without copying is found out,
 * and a sender that changes them afterwards is, too.
 */
import type { Link, LinkHandler } from "../../src/cluster/transport.ts";
import type { SimProcess } from "./process.ts";

/** What travels. `open` tells the dialler that its dial has succeeded. */
type Packet =
  | { readonly kind: "open"; readonly arriveMs: number }
  | {
      readonly kind: "frame";
      readonly arriveMs: number;
      readonly given: Uint8Array;
      readonly copy: Uint8Array;
    }
  | { readonly kind: "close"; readonly arriveMs: number; readonly reason: string };

/** What the network does for connections. */
export interface Wire {
  nowMs(): number;
  /** A delay for the next packet from one host to another. */
  delayMs(from: string, to: string): number;
  /** Whether packets from one host to another are held up. */
  blocked(from: string, to: string): boolean;
  /** Least time between two packets that this process takes from a connection. */
  readMs(to: string): number;
  /** Whether a process still stands behind the end, and whether its host would say so if not. */
  hostUp(address: string): boolean;
  schedule(delayMs: number, run: () => void): void;
  /** A share of what was sent before an abrupt end that still arrives. */
  survivingShare(): number;
  /** A frame was handed to the network. */
  sent(frame: Uint8Array): void;
  /** A frame was handed to a process. */
  delivered(from: string, to: string, frame: Uint8Array): void;
  /** A frame was changed by its sender after it was sent. */
  frameChanged(from: string, to: string): void;
}

/** One end: the Link that a process holds, and the queue of what it has sent. */
export class End implements Link {
  readonly remote: string;
  readonly address: string;
  readonly process: SimProcess;
  readonly #wire: Wire;
  handler: LinkHandler | null = null;
  /** Called instead of a handler's events until the dial has succeeded. */
  onOpen: ((end: End) => void) | null = null;
  /** The other end; set right after both were made. */
  peer!: End;
  #out: Packet[] = [];
  #lastArriveMs = 0;
  #pumping = false;
  /** This end takes and sends nothing any more. */
  #closed = false;
  /** Packets are lost from now on although nobody has been told. */
  #broken = false;

  constructor(wire: Wire, process: SimProcess, address: string, remote: string) {
    this.#wire = wire;
    this.process = process;
    this.address = address;
    this.remote = remote;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    // A Buffer, as sockets give: its `slice` does not copy, which has deceived people before.
    const copy = Buffer.from(frame);
    this.#wire.sent(copy);
    this.#push({ kind: "frame", arriveMs: this.#nextArrival(), given: frame, copy });
  }

  /** The dial has succeeded; travels to the dialler in order with the frames. */
  sendOpen(): void {
    this.#push({ kind: "open", arriveMs: this.#nextArrival() });
  }

  bufferedBytes(): number {
    const now = this.#wire.nowMs();
    let bytes = 0;
    for (const packet of this.#out) {
      if (packet.kind === "frame" && packet.arriveMs < now) bytes += packet.copy.length;
    }
    return bytes;
  }

  close(reason: string, flush = false): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!flush) this.#lose();
    this.#push({ kind: "close", arriveMs: this.#nextArrival(), reason });
    this.#tell(`closed here: ${reason}`);
  }

  /** The network ends this side, as a reset does. */
  reset(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#out = [];
    this.#tell(reason);
  }

  /** The process behind this end is gone; its host tells the other side, or is gone as well. */
  abandon(silent: boolean): void {
    // What was sent before an orderly end goes out although the process is gone.
    const wasClosed = this.#closed;
    if (wasClosed && !silent) return;
    this.#closed = true;
    this.#lose();
    if (!silent) {
      this.#push({ kind: "close", arriveMs: this.#nextArrival(), reason: "process ended" });
    }
  }

  /** What is on its way in this direction, and what is sent from now on, is lost. */
  break(): void {
    this.#broken = true;
    this.#out = [];
  }

  /** Goes on after a block was lifted. */
  resume(): void {
    if (this.#broken && !this.#closed) {
      // The first packet after the repair finds that the other side does not know it any more.
      const delay = this.#wire.delayMs(this.address, this.remote);
      this.#wire.schedule(delay, () => this.reset("connection reset"));
      return;
    }
    this.#pump();
  }

  #push(packet: Packet): void {
    if (this.#broken) return;
    this.#out.push(packet);
    this.#pump();
  }

  #nextArrival(): number {
    const arrive = this.#wire.nowMs() + this.#wire.delayMs(this.address, this.remote);
    this.#lastArriveMs = Math.max(arrive, this.#lastArriveMs);
    return this.#lastArriveMs;
  }

  /** An abrupt end: the last part of what is under way does not arrive. */
  #lose(): void {
    const kept = Math.floor(this.#out.length * this.#wire.survivingShare());
    this.#out.length = Math.min(this.#out.length, kept);
  }

  /** Waits for the first packet of the queue to arrive; one wait at a time. */
  #pump(): void {
    const next = this.#out[0];
    if (this.#pumping || next === undefined) return;
    this.#pumping = true;
    this.#wire.schedule(Math.max(0, next.arriveMs - this.#wire.nowMs()), () => {
      this.#pumping = false;
      this.#arrive(next);
    });
  }

  #arrive(packet: Packet): void {
    if (this.#out[0] !== packet) {
      // It was lost meanwhile; whatever stands first now waits for its own time.
      this.#pump();
      return;
    }
    if (this.#wire.blocked(this.address, this.remote)) return;
    this.#out.shift();
    this.#deliver(packet);
    const pauseMs = this.#wire.readMs(this.remote);
    if (pauseMs === 0) {
      this.#pump();
      return;
    }
    this.#pumping = true;
    this.#wire.schedule(pauseMs, () => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #deliver(packet: Packet): void {
    const to = this.peer;
    if (!to.process.alive) {
      // What it sent before an orderly end arrives first, and the end with it.
      if (to.#closed && to.#out.length > 0) return;
      // A host that is up answers for a process that is gone.
      if (this.#wire.hostUp(this.remote)) this.#resetByPeer();
      return;
    }
    if (to.#closed) return;
    switch (packet.kind) {
      case "open":
        to.process.input(() => to.onOpen?.(to));
        break;
      case "close":
        to.#closed = true;
        to.#out = [];
        to.#tell(packet.reason);
        break;
      case "frame":
        this.#wire.delivered(this.address, this.remote, packet.copy);
        to.process.input(() => this.#handOver(to, packet));
    }
  }

  #handOver(to: End, packet: { readonly given: Uint8Array; readonly copy: Uint8Array }): void {
    if (!sameBytes(packet.given, packet.copy)) {
      this.#wire.frameChanged(this.address, this.remote);
    }
    // A frame that waited in a stalled process is not delivered once that process has closed.
    if (to.#closed && to.handler === null) return;
    to.handler?.frame(packet.copy);
    packet.copy.fill(0xee);
  }

  #resetByPeer(): void {
    const delay = this.#wire.delayMs(this.remote, this.address);
    this.#wire.schedule(delay, () => {
      if (!this.#wire.blocked(this.remote, this.address)) this.reset("connection reset");
    });
  }

  /** Tells the owner once, on a turn of its own. */
  #tell(reason: string): void {
    this.#wire.schedule(0, () =>
      this.process.input(() => {
        const { handler } = this;
        this.handler = null;
        handler?.closed(reason);
      }),
    );
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
