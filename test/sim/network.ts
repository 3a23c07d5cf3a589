/**
 * The simulated network: hosts by address, connections with seeded delays, and the faults that
 * real networks have. A cut holds packets up like TCP does: when it is lifted, a connection
 * either goes on where it stood or is found to be broken; it never loses a frame in the middle.
 */
import type { DialHandler, Link, LinkHandler, Transport } from "../../src/cluster/transport.ts";
import { End, type Wire } from "./connection.ts";
import type { SimProcess } from "./process.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** How packets travel. */
export interface NetworkOptions {
  /** Least and greatest base delay of a pair of hosts, ms. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Added to each packet at random, up to this many ms. */
  readonly jitterMs: number;
  /** A dial into a hole gives up after this long, ms. */
  readonly dialTimeoutMs: number;
}

/** What happens to the connections between two hosts that are cut apart. */
export interface CutOptions {
  /** Only packets in this direction are held up; both when false. */
  readonly oneWay: boolean;
  /** Share of connections that are told of the cut, up to `detectMs` later. */
  readonly toldShare: number;
  readonly detectMs: number;
  /** Share of the others that are broken for good, although nobody is told before the repair. */
  readonly brokenShare: number;
}

/** Sums over one run. */
export interface NetworkCounters {
  connections: number;
  frames: number;
  bytes: number;
  dialsFailed: number;
  /** The largest frame that was sent. */
  largestFrameBytes: number;
}

interface Host {
  process: SimProcess;
  accept: ((link: Link) => LinkHandler) | null;
  /** False while the whole machine is off. */
  up: boolean;
  /** Nobody is let in, as if nobody listened. */
  refusing: boolean;
  readMs: number;
}

interface Dial {
  aborted: boolean;
  settled: boolean;
}

/** The network. */
export class Network {
  readonly counters: NetworkCounters = {
    connections: 0,
    frames: 0,
    bytes: 0,
    dialsFailed: 0,
    largestFrameBytes: 0,
  };
  /** How often packets were let through again. */
  repairs = 0;
  readonly #time: VirtualClock;
  readonly #random: SeededRandom;
  readonly #options: NetworkOptions;
  readonly #onFrameChanged: (from: string, to: string) => void;
  readonly #hosts = new Map<string, Host>();
  readonly #ends = new Set<End>();
  readonly #blocked = new Set<string>();
  /** When a dial in that direction was refused last. */
  readonly #refusedAt = new Map<string, number>();
  /** Ends of connections that are about to break. */
  #resets = 0;
  readonly #baseDelays = new Map<string, number>();
  readonly #wire: Wire;

  constructor(
    time: VirtualClock,
    random: SeededRandom,
    options: NetworkOptions,
    onFrameChanged: (from: string, to: string) => void,
  ) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
    this.#onFrameChanged = onFrameChanged;
    this.#wire = this.#makeWire();
  }

  /** The connections that one process can make. */
  dialler(address: string, process: SimProcess): Pick<Transport, "dial"> {
    return { dial: (target, handler) => this.#dial(address, process, target, handler) };
  }

  /** A process begins to listen at its address. */
  listen(address: string, process: SimProcess, accept: (link: Link) => LinkHandler): void {
    this.#hosts.set(address, { process, accept, up: true, refusing: false, readMs: 0 });
  }

  /** A process is gone. `silent`: its machine is, too, and tells nobody. */
  crash(address: string, silent: boolean): void {
    const host = this.#hosts.get(address);
    if (host === undefined) return;
    host.accept = null;
    host.up = !silent;
    for (const end of [...this.#ends]) {
      if (end.address !== address || end.process !== host.process) continue;
      end.abandon(silent);
      this.#ends.delete(end);
    }
  }

  /** Nobody gets in there any more, or everybody again; who is linked stays so. */
  refuse(address: string, refusing: boolean): void {
    const host = this.#hosts.get(address);
    if (host !== undefined) host.refusing = refusing;
  }

  /** Whether a host refuses for a process that is alive. */
  refusesLive(address: string): boolean {
    const host = this.#hosts.get(address);
    return host?.refusing === true && host.accept !== null;
  }

  /** When one was told last that nobody listens at the other's address; null for never. */
  refusedAtMs(from: string, to: string): number | null {
    return this.#refusedAt.get(way(from, to)) ?? null;
  }

  /** That process takes at most one packet per connection and so many ms; 0 ends it. */
  slowReader(address: string, readMs: number): void {
    const host = this.#hosts.get(address);
    if (host !== undefined) host.readMs = readMs;
  }

  isSlow(address: string): boolean {
    return (this.#hosts.get(address)?.readMs ?? 0) > 0;
  }

  /** Holds packets up between two hosts. */
  cut(from: string, to: string, options: CutOptions): void {
    this.#blocked.add(way(from, to));
    if (!options.oneWay) this.#blocked.add(way(to, from));
    for (const end of this.#between(from, to)) {
      if (end.address !== from) continue;
      if (this.#random.chance(options.toldShare)) {
        for (const side of [end, end.peer]) {
          this.#resetLater(side, this.#random.between(0, options.detectMs), "network unreachable");
        }
      } else if (this.#random.chance(options.brokenShare)) {
        end.break();
        end.peer.break();
      }
    }
  }

  /** Lets packets through again, both ways. */
  repair(a: string, b: string): void {
    this.repairs++;
    this.#blocked.delete(way(a, b));
    this.#blocked.delete(way(b, a));
    for (const end of this.#between(a, b)) end.resume();
  }

  /** Ends every cut. */
  repairAll(): void {
    this.repairs++;
    this.#blocked.clear();
    for (const host of this.#hosts.values()) {
      host.readMs = 0;
      host.refusing = false;
    }
    for (const end of [...this.#ends]) end.resume();
  }

  /** Connections that are up are about to break. */
  get isResetting(): boolean {
    return this.#resets > 0;
  }

  #resetLater(end: End, delayMs: number, reason: string): void {
    this.#resets++;
    this.#time.after(delayMs, () => {
      this.#resets--;
      end.reset(reason);
    });
  }

  isCut(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(way(from, to));
  }

  /** The connections of two hosts break at once; both are told. */
  reset(a: string, b: string): void {
    for (const end of this.#between(a, b)) {
      this.#resetLater(end, this.#random.between(0, 50), "connection reset");
    }
  }

  #between(a: string, b: string): End[] {
    for (const end of this.#ends) if (end.closed) this.#ends.delete(end);
    return [...this.#ends].filter(
      (end) => (end.address === a && end.remote === b) || (end.address === b && end.remote === a),
    );
  }

  #dial(from: string, process: SimProcess, to: string, handler: DialHandler): { abort(): void } {
    const dial: Dial = { aborted: false, settled: false };
    const fail = (why: "refused" | "timeout", delayMs: number): void => {
      this.#time.after(delayMs, () =>
        process.input(() => {
          if (dial.aborted || dial.settled) return;
          dial.settled = true;
          this.counters.dialsFailed++;
          if (why === "refused") this.#refusedAt.set(way(from, to), this.#time.nowMs);
          handler.failed(why, `${why} by the simulated network`);
        }),
      );
    };
    const there = this.#delayMs(from, to);
    this.#time.after(there, () => {
      if (dial.aborted || !process.alive) return;
      const host = this.#hosts.get(to);
      const lost = this.isCut(from, to) || this.isCut(to, from) || host?.up === false;
      if (lost) fail("timeout", this.#options.dialTimeoutMs);
      else if (host === undefined || host.accept === null || host.refusing) {
        fail("refused", there);
      } else this.#connect({ from, process, to, host, handler, dial, fail });
    });
    return {
      abort: () => {
        dial.aborted = true;
      },
    };
  }

  #connect(request: {
    readonly from: string;
    readonly process: SimProcess;
    readonly to: string;
    readonly host: Host;
    readonly handler: DialHandler;
    readonly dial: Dial;
    readonly fail: (why: "timeout", delayMs: number) => void;
  }): void {
    const { from, process, to, host, handler, dial, fail } = request;
    fail("timeout", this.#options.dialTimeoutMs);
    host.process.input(() => {
      if (host.accept === null) return;
      const near = new End(this.#wire, process, from, to);
      const far = new End(this.#wire, host.process, to, from);
      near.peer = far;
      far.peer = near;
      this.#ends.add(near);
      this.#ends.add(far);
      this.counters.connections++;
      near.onOpen = () => {
        near.onOpen = null;
        if (dial.aborted || dial.settled) {
          near.close("dial was given up");
          return;
        }
        dial.settled = true;
        near.handler = handler.opened(near);
      };
      far.sendOpen();
      far.handler = host.accept(far);
    });
  }

  #delayMs(from: string, to: string): number {
    const pair = from < to ? way(from, to) : way(to, from);
    let base = this.#baseDelays.get(pair);
    if (base === undefined) {
      const { delayMinMs, delayMaxMs } = this.#options;
      // Most pairs are near each other, few are far.
      base = delayMinMs + (delayMaxMs - delayMinMs) * this.#random.float() ** 3;
      this.#baseDelays.set(pair, base);
    }
    return base + this.#random.float() * this.#options.jitterMs;
  }

  #makeWire(): Wire {
    return {
      nowMs: () => this.#time.nowMs,
      delayMs: (from, to) => this.#delayMs(from, to),
      blocked: (from, to) => this.isCut(from, to),
      readMs: (to) => this.#hosts.get(to)?.readMs ?? 0,
      hostUp: (address) => this.#hosts.get(address)?.up === true,
      schedule: (delayMs, run) => {
        this.#time.after(delayMs, run);
      },
      survivingShare: () => this.#random.float() * 1.5,
      delivered: (_from, _to, frame) => {
        this.counters.frames++;
        this.counters.bytes += frame.length;
      },
      sent: (frame) => {
        if (frame.length > this.counters.largestFrameBytes) {
          this.counters.largestFrameBytes = frame.length;
        }
      },
      frameChanged: this.#onFrameChanged,
    };
  }
}

const ways = new Map<string, Map<string, string>>();

/** The name of a direction; made once for each, for it is asked for with every packet. */
function way(from: string, to: string): string {
  let known = ways.get(from);
  if (known === undefined) {
    known = new Map();
    ways.set(from, known);
  }
  let name = known.get(to);
  if (name === undefined) {
    name = `${from}>${to}`;
    known.set(to, name);
  }
  return name;
}
