/** A mesh of clusters in one process on virtual time, with all they announce written down. */
import {
  Cluster,
  type ClusterEvents,
  type ClusterOptions,
  type Refusal,
} from "../../src/cluster/cluster.ts";
import { FEATURE_LINK_NEWS } from "../../src/cluster/link-news.ts";
import { MemoryNetwork, type MemoryTransport } from "../../src/cluster/memory-transport.ts";
import type { DialHandler, Link, LinkHandler } from "../../src/cluster/transport.ts";
import { type Log, silentLog } from "../../src/runtime.ts";
import { ProcessClock } from "../../src/testing/process-clock.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A link as one of its ends holds it, to cut or to hold up. */
export interface HeldLink {
  readonly link: Link;
  readonly handler: LinkHandler;
}

export class MeshNode {
  readonly cluster: Cluster;
  readonly clock: ProcessClock;
  readonly transport: MemoryTransport;
  readonly address: string;
  readonly origin: number;
  readonly name: string;
  /** One line for each event, for example "linkUp b". Ticks are left out. */
  readonly events: string[] = [];
  readonly refusals: Refusal[] = [];
  readonly frames: { from: string; frame: Uint8Array }[] = [];
  /** Links of this node, both dialled and accepted, also closed ones. */
  readonly links: HeldLink[] = [];
  readonly closedOrigins = new Set<number>();
  /** Origins that the layer above holds, whoever they may be. */
  readonly heldOrigins = new Set<number>();
  /** Addresses that this node cannot reach: dials hang or are refused. */
  readonly unreachable = new Map<string, "unreachable" | "refused" | "silent">();
  ticks = 0;
  /** Set by tests that want to answer a frame. */
  onFrame: (frame: Uint8Array) => void = () => {};
  /** Hears of each event, after it was written down. */
  onEvent: (line: string) => void = () => {};
  /** Hears of each attempt to dial. */
  onDial: (address: string) => void = () => {};

  constructor(mesh: Mesh, made: { options: ClusterOptions; transport: MemoryTransport; log: Log }) {
    const { options } = made;
    this.transport = made.transport;
    this.clock = mesh.clockOf(made.transport);
    this.address = options.address;
    this.origin = options.origin;
    this.name = options.name;
    this.cluster = new Cluster(options, {
      transport: { dial: (address, handler) => this.#dial(address, handler) },
      clock: this.clock,
      random: new SeededRandom(options.origin),
      log: made.log,
      events: this.#listener(),
      isClosed: (origin) => this.closedOrigins.has(origin),
      openOrigins: () => this.heldOrigins,
    });
  }

  /** For `listen`. */
  accept(link: Link): LinkHandler {
    return this.#hold(link, this.cluster.accept(link));
  }

  /** Names of linked peers, sorted. */
  linked(): string[] {
    return this.cluster
      .linkedPeers()
      .map((peer) => peer.name)
      .sort();
  }

  /** Names of members counted as alive or suspect, sorted. */
  alive(): string[] {
    return this.cluster
      .members()
      .filter((member) => member.state !== "down")
      .map((member) => member.name)
      .sort();
  }

  state(name: string): string {
    return this.cluster.members().find((member) => member.name === name)?.state ?? "unknown";
  }

  /** Takes the events so far, so that the next assertion sees only later ones. */
  takeEvents(): string[] {
    return this.events.splice(0);
  }

  /** The process is killed: its sockets close, it says nothing, nobody listens. */
  async crash(): Promise<void> {
    this.cluster.stop();
    await this.transport.close();
  }

  /** The sockets to that address break; both ends hear it. */
  breakLinks(reason = "connection reset"): void {
    for (const { link } of this.links) link.close(reason);
  }

  #dial(address: string, handler: DialHandler): { abort(): void } {
    this.onDial(address);
    const fault = this.unreachable.get(address);
    if (fault !== undefined) {
      if (fault !== "silent") this.clock.defer(() => handler.failed(fault, `${address} ${fault}`));
      return { abort() {} };
    }
    return this.transport.dial(address, {
      opened: (link) => this.#hold(link, handler.opened(link)),
      failed: (why, message) => handler.failed(why, message),
    });
  }

  #hold(link: Link, handler: LinkHandler): LinkHandler {
    this.links.push({ link, handler });
    return handler;
  }

  #listener(): ClusterEvents {
    const note = (line: string): void => {
      this.events.push(line);
      this.onEvent(line);
    };
    return {
      linkUp: (peer) => note(`linkUp ${peer.name}`),
      linkDown: (peer, reason) => note(`linkDown ${peer.name}: ${reason}`),
      frame: (peer, frame) => {
        this.frames.push({ from: peer.name, frame: frame.slice() });
        this.onFrame(frame);
      },
      memberUp: (member) => note(`memberUp ${member.name}`),
      memberDown: (member, reason) => note(`memberDown ${member.name}: ${reason}`),
      originClosed: (origin, reason) => {
        this.closedOrigins.add(origin);
        note(`originClosed ${origin}: ${reason}`);
      },
      fenced: (reason) => note(`fenced: ${reason}`),
      refused: (refusal) => this.refusals.push(refusal),
      tick: () => {
        this.ticks++;
      },
    };
  }
}

export class Mesh {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly nodes: MeshNode[] = [];
  readonly #clocks = new Map<MemoryTransport, ProcessClock>();
  #lastOrigin = 0;

  clockOf(transport: MemoryTransport): ProcessClock {
    const clock = this.#clocks.get(transport);
    if (clock === undefined) throw new Error("a transport of another mesh");
    return clock;
  }

  /** A node that listens and runs, and knows nobody yet. */
  async add(
    name: string,
    options: Partial<ClusterOptions> & { transport?: MemoryTransport; log?: Log } = {},
  ): Promise<MeshNode> {
    const { transport = this.newTransport(), log = silentLog, ...rest } = options;
    let node: MeshNode | undefined;
    const { address } = await transport.listen((link) => {
      if (node === undefined) throw new Error("a link before the node is there");
      return node.accept(link);
    });
    this.#lastOrigin = Math.max(this.#lastOrigin + 1, rest.origin ?? 0);
    const origin = rest.origin ?? this.#lastOrigin;
    const basics = {
      ...{ cluster: "test", name, nodeNumber: 0, address, secrets: ["a secret"] },
      features: [FEATURE_LINK_NEWS],
    };
    node = new MeshNode(this, { options: { ...basics, ...rest, origin }, transport, log });
    this.nodes.push(node);
    node.cluster.start();
    return node;
  }

  newTransport(): MemoryTransport {
    const clock = new ProcessClock(this.clock);
    const transport = this.network.transport(clock);
    this.#clocks.set(transport, clock);
    return transport;
  }

  /** Nodes of those names, each of which is told of all others. */
  async all(...names: string[]): Promise<MeshNode[]> {
    const nodes: MeshNode[] = [];
    for (const name of names) nodes.push(await this.add(name));
    for (const node of nodes) node.cluster.setTargets(nodes.map((other) => other.address));
    this.clock.advance(50);
    return nodes;
  }
}
