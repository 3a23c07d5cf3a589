/**
 * The connections of one node: which are under way, which one links which origin, and which
 * of two between the same nodes stays. It decides; closing is left to its owner.
 *
 * Two nodes that dial one another at once: the link dialled by the lower origin stays. The
 * higher one gives its own dial up when the other's proof has come; the lower one turns the
 * other's dial down as long as its own is under way. The acceptor of a link decides on it and
 * the dialler sends its proof only while it wants the link, so both ends agree, whatever the
 * order in which the frames come.
 */
import type { Connection } from "./connection.ts";

/** How many accepted links may be without a finished handshake. */
export interface PendingLimits {
  readonly maxPendingLinks: number;
  readonly maxPendingPerAddress: number;
}

export class LinkTable {
  readonly #selfOrigin: number;
  readonly #limits: PendingLimits;
  readonly #linked = new Map<number, Connection>();
  /** Dialled or accepted, handshake not done. */
  readonly #pending = new Set<Connection>();

  constructor(selfOrigin: number, limits: PendingLimits) {
    this.#selfOrigin = selfOrigin;
    this.#limits = limits;
  }

  /** The link to that origin. */
  get(origin: number): Connection | undefined {
    return this.#linked.get(origin);
  }

  linked(): IterableIterator<Connection> {
    return this.#linked.values();
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Every connection, linked or under way; a copy, so that they may be closed meanwhile. */
  all(): Connection[] {
    return [...this.#linked.values(), ...this.#pending];
  }

  /** Why no further link is accepted from there, or undefined. */
  refusalOf(remote: string): string | undefined {
    const { maxPendingLinks, maxPendingPerAddress } = this.#limits;
    const host = hostOf(remote);
    let count = 0;
    let fromThere = 0;
    for (const connection of this.#pending) {
      if (connection.dialled !== undefined) continue;
      count++;
      if (hostOf(connection.remote) === host) fromThere++;
    }
    if (count >= maxPendingLinks) return `${count} handshakes are under way here`;
    if (fromThere >= maxPendingPerAddress) return `${fromThere} handshakes with ${host} under way`;
    return undefined;
  }

  /** A dial or an accepted link begins. */
  add(connection: Connection): void {
    this.#pending.add(connection);
  }

  /** Its handshake is done. Returns the older link to that origin, which it takes the place of. */
  linkUp(connection: Connection, origin: number): Connection | undefined {
    const older = this.#linked.get(origin);
    this.#pending.delete(connection);
    this.#linked.set(origin, connection);
    return older;
  }

  /** It has ended. True if it was the link to its origin. */
  remove(connection: Connection): boolean {
    this.#pending.delete(connection);
    const origin = connection.peer?.origin;
    if (origin === undefined || this.#linked.get(origin) !== connection) return false;
    this.#linked.delete(origin);
    return true;
  }

  /** Why a link whose other end has introduced itself is not wanted, or undefined. */
  objectionTo(connection: Connection): string | undefined {
    const { peer } = connection;
    if (peer === undefined) return undefined;
    if (connection.dialled === undefined) {
      // Unfinished and accepted: a finished older link is half-open, and gives way.
      const ownDialStays = this.#selfOrigin < peer.origin;
      const hasOwnDial = this.rivalsOf(connection).some(isDialUnderWay);
      return ownDialStays && hasOwnDial ? "both dialled: the other link stays" : undefined;
    }
    if (this.#linked.has(peer.origin)) return "already linked";
    const isDialledTwice = this.rivalsOf(connection).some((rival) => rival.state === "proven");
    return isDialledTwice ? "dialled twice" : undefined;
  }

  /** The other connections under way with the same node, as far as is known. */
  rivalsOf(connection: Connection): Connection[] {
    const { peer } = connection;
    if (peer === undefined) return [];
    return [...this.#pending].filter((other) => {
      if (other === connection) return false;
      if (other.peer !== undefined) return other.peer.origin === peer.origin;
      return other.dialled === peer.address;
    });
  }

  /** Whether somebody who says to be that origin has dialled this node, and is not linked yet. */
  isComing(origin: number): boolean {
    for (const { dialled, peer } of this.#pending) {
      if (dialled === undefined && peer?.origin === origin) return true;
    }
    return false;
  }

  /** Who is linked and says to be at that address. */
  linkedAt(address: string): number | undefined {
    for (const { peer } of this.#linked.values()) if (peer?.address === address) return peer.origin;
    return undefined;
  }

  /** Whether a node at that address, or that origin, is linked or about to be. */
  isTakenCareOf(address: string, origin: number | undefined): boolean {
    if (origin !== undefined && this.#linked.has(origin)) return true;
    for (const connection of this.#linked.values()) {
      if (connection.dialled === address || connection.peer?.address === address) return true;
    }
    for (const connection of this.#pending) {
      if (connection.dialled === address || connection.peer?.address === address) return true;
    }
    return false;
  }
}

function isDialUnderWay(connection: Connection): boolean {
  if (connection.dialled === undefined) return false;
  return connection.state === "shaking" || connection.state === "proven";
}

/** The part of "host:port" that names the host. */
function hostOf(remote: string): string {
  return remote.replace(/:\d+$/, "");
}
