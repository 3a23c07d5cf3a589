/**
 * A stream of this node, as its holder holds it.
 *
 *   open --another node asks for it--> handingOver --that node has it--> handedOver
 *   handingOver --that node is gone, or has given up--> open
 *   open, handingOver --end--> ended
 *   open, handingOver --its row was lost--> lost
 *   one whose write was refused starts as failed
 */
import type { WriteResult } from "../tables/write-calls.ts";
import type { FullAddress } from "./session-address.ts";

/** Where a stream of this node stands. All but the first two are final. */
export type OwnStreamState = "open" | "handingOver" | "handedOver" | "ended" | "lost" | "failed";

/** Made by `streams.register` and `streams.resume`. */
export class OwnStream {
  readonly resumeId: string;
  readonly address: FullAddress;
  /** Unique in the cluster; after a resumption the stream has another. */
  readonly holder: string;
  /** Settles as any write does, when the other nodes know the stream. */
  readonly written: Promise<WriteResult>;
  #state: OwnStreamState = "open";

  /** Use `streams.register`. */
  constructor(
    row: { readonly resumeId: string; readonly address: FullAddress; readonly holder: string },
    written: Promise<WriteResult>,
  ) {
    this.resumeId = row.resumeId;
    this.address = row.address;
    this.holder = row.holder;
    this.written = written;
  }

  get state(): OwnStreamState {
    return this.#state;
  }

  /** For `Streams`. */
  become(state: OwnStreamState): void {
    this.#state = state;
  }
}
