/** Nodes on real sockets of this machine, with all they announce written down. */
import { Cluster, type ClusterOptions, type Refusal } from "../../src/cluster/cluster.ts";
import { WsTransport, type WsTransportOptions } from "../../src/cluster/ws-transport.ts";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";

export interface WsNodeOptions extends Partial<ClusterOptions> {
  readonly transport?: Partial<WsTransportOptions>;
}

export interface WsNode {
  readonly cluster: Cluster;
  readonly transport: WsTransport;
  readonly address: string;
  readonly port: number;
  readonly events: string[];
  readonly refusals: Refusal[];
  readonly frames: Uint8Array[];
}

export class WsMesh {
  readonly nodes: WsNode[] = [];

  async add(name: string, options: WsNodeOptions = {}): Promise<WsNode> {
    const { transport: transportOptions, ...rest } = options;
    const transport = new WsTransport({ host: "127.0.0.1", port: 0, ...transportOptions });
    let cluster: Cluster | undefined;
    const { address } = await transport.listen((link) => {
      if (cluster === undefined) throw new Error("a link before the node is there");
      return cluster.accept(link);
    });
    const events: string[] = [];
    const refusals: Refusal[] = [];
    const frames: Uint8Array[] = [];
    const origin = this.nodes.length + 1;
    const basics = { cluster: "test", name, origin, nodeNumber: 0, address, secrets: ["s"] };
    cluster = new Cluster(
      { ...basics, ...rest },
      {
        transport,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        isClosed: () => false,
        events: {
          linkUp: (peer) => events.push(`linkUp ${peer.name}`),
          linkDown: (peer, reason) => events.push(`linkDown ${peer.name}: ${reason}`),
          frame: (_peer, frame) => frames.push(frame.slice()),
          memberUp: (member) => events.push(`memberUp ${member.name}`),
          memberDown: (member, reason) => events.push(`memberDown ${member.name}: ${reason}`),
          originClosed: (closed, reason) => events.push(`originClosed ${closed}: ${reason}`),
          fenced: (reason) => events.push(`fenced: ${reason}`),
          refused: (refusal) => refusals.push(refusal),
          tick: () => {},
        },
      },
    );
    const port = Number(new URL(address).port);
    const node = { cluster, transport, address, port, events, refusals, frames };
    this.nodes.push(node);
    cluster.start();
    return node;
  }

  async stop(): Promise<void> {
    for (const { cluster, transport } of this.nodes) {
      cluster.stop();
      await transport.close();
    }
  }
}
