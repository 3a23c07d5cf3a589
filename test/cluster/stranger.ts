/** Somebody who dials a node by hand and says what he likes, good or bad. */
import {
  type ClusterFrame,
  decodeClusterFrame,
  encodeClusterFrame,
  type Verdict,
} from "../../src/cluster/cluster-frames.ts";
import { type ClusterOptions, checkClusterOptions } from "../../src/cluster/cluster-options.ts";
import { Handshake } from "../../src/cluster/handshake.ts";
import type { Link, Transport } from "../../src/cluster/transport.ts";

export interface StrangerOptions extends Partial<ClusterOptions> {
  readonly wall?: number;
  readonly verdict?: Verdict;
}

export class Stranger {
  link: Link | undefined;
  readonly received: ClusterFrame[] = [];
  readonly closings: string[] = [];
  readonly handshake: Handshake;
  /** Answers a welcome with its proof. */
  answers = true;

  constructor(options: StrangerOptions = {}) {
    const { wall = 1_700_000_000_000, verdict = "open", ...rest } = options;
    const basics = { cluster: "test", name: "stranger", origin: 1000, nodeNumber: 0 };
    const more = { address: "memory://stranger", secrets: ["a secret"] };
    this.handshake = new Handshake(
      {
        options: checkClusterOptions({ ...basics, ...more, ...rest }),
        wall: () => wall,
        nonce: () => new Uint8Array(16).fill(7),
        side: () => ({ openMembers: 1, lowestOrigin: 1000 }),
        verdictOn: () => verdict,
        isMisnamed: () => false,
      },
      "dialler",
    );
  }

  /** Opens a link; `first` is what is sent on it, a hello by default. */
  dial(transport: Pick<Transport, "dial">, address: string, first?: Uint8Array[]): this {
    transport.dial(address, {
      opened: (link) => {
        this.link = link;
        for (const frame of first ?? [this.handshake.hello()]) link.send(frame);
        return {
          frame: (bytes) => this.#frame(bytes.slice()),
          closed: (reason) => this.closings.push(reason),
        };
      },
      failed: (why) => this.closings.push(why),
    });
    return this;
  }

  say(frame: ClusterFrame): void {
    this.link?.send(encodeClusterFrame(frame));
  }

  /** Kinds of what came, refusals with their reason. */
  heard(): string[] {
    return this.received.map((frame) =>
      frame.kind === "refuse" ? `refuse ${frame.reason}` : frame.kind,
    );
  }

  #frame(bytes: Uint8Array): void {
    const frame = decodeClusterFrame(bytes);
    this.received.push(frame);
    if (frame.kind !== "welcome" || !this.answers) return;
    const step = this.handshake.receive(bytes);
    if (step.kind === "reply") this.link?.send(step.reply);
  }
}
