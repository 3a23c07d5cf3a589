/**
 * Tells peers of links as they end, so that what they know of this node's links is never older
 * than a frame takes: a node that is killed is missed by all within milliseconds, and a host that
 * refuses one node only is found to be alive. Ten bytes for each peer and lost link.
 */
import { encodeClusterFrame } from "./cluster-frames.ts";
import type { LinkTable } from "./link-table.ts";

/** Frames of kind `link` are understood, and sent. */
export const FEATURE_LINK_NEWS = "link-news";

export class LinkNews {
  readonly #links: LinkTable;
  /** Told as lost since the last round of pings. */
  readonly #lost = new Set<number>();

  constructor(links: LinkTable) {
    this.#links = links;
  }

  /** The link to that origin is gone, and none has taken its place. */
  lost(origin: number): void {
    this.#lost.add(origin);
    this.#tell(origin, false);
  }

  /** A link came up. Told where it would be missed: the next ping says the same of all others. */
  came(origin: number): void {
    if (this.#lost.delete(origin)) this.#tell(origin, true);
  }

  /** Pings go out, which tell of all links. */
  round(): void {
    this.#lost.clear();
  }

  #tell(origin: number, linked: boolean): void {
    const frame = encodeClusterFrame({ kind: "link", origin, linked });
    for (const connection of this.#links.linked()) {
      const { peer } = connection;
      if (peer === undefined || peer.origin === origin) continue;
      if (peer.features.includes(FEATURE_LINK_NEWS)) connection.send(frame);
    }
  }
}
